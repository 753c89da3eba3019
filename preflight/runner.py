"""Run the checks over what was read; apply the rules every check is subject to, so that no check has to.

The order of the rules: left out → not for this pair of versions → run → what was found and what could not be read.
A finding that blocks is never hidden by an unknown; an unknown is never hidden by a warning or a pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from preflight.check import Check
from preflight.errors import NotCollected, Unreadable
from preflight.inventory import Inventory, View, matters_to
from preflight.model import CheckResult, Finding, NotApplicable, Severity, Status, Unknown, UpgradePair

Waive = Callable[[str, Finding], Finding]
"""Given a check id and a finding: the same finding, or one with its waiver."""
Attests = Callable[[str, Unknown], bool]
"""Given a check id and an unknown: whether an attestation answers for it."""

MAX_REASONS = 50
"""Enough to name what is wrong, and far fewer than a hostile input can make."""


def run_checks(
    checks: Sequence[Check],
    inventory: Inventory,
    pair: UpgradePair,
    *,
    left_out: Mapping[str, str],
    options: Mapping[str, Mapping[str, Any]],
    required: Callable[[Check], bool] = lambda _check: False,
    waive: Waive = lambda _id, finding: finding,
    attests: Attests = lambda _id, _unknown: False,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[CheckResult, ...]:
    """Run every check. Each registered check has exactly one result, in the order given."""
    results = []
    for check in checks:
        began = clock()
        status, reason, findings = _one(check, inventory, pair, left_out.get(check.id, ""), options, waive, attests)
        results.append(
            CheckResult(
                id=check.id,
                title=check.title,
                category=check.category,
                status=status,
                reason=reason,
                docs=check.docs,
                duration_ms=round((clock() - began) * 1000, 3),
                findings=findings,
                worst=check.worst,
                required=required(check),
                waived_by=check.waived_by,
            )
        )
    return tuple(results)


def _one(
    check: Check,
    inventory: Inventory,
    pair: UpgradePair,
    left_out: str,
    options: Mapping[str, Mapping[str, Any]],
    waive: Waive,
    attests: Attests,
) -> tuple[Status, str, tuple[Finding, ...]]:
    if left_out:
        return Status.SKIPPED, left_out, ()
    applies, reason = applicability(check, pair)
    if applies is not True:
        return (Status.SKIPPED if applies is False else Status.UNKNOWN), reason, ()
    view = View(inventory, frozenset(need.resource.name for need in check.needs), pair, options.get(check.id, {}))
    findings, unknowns, not_applicable = _collect(check, view, attests)
    findings = sorted((waive(check.id, finding) for finding in findings), key=finding_order)
    if not_applicable and not findings and not unknowns:
        return Status.SKIPPED, "; ".join(dict.fromkeys(not_applicable)), ()
    unknowns += _unread(check, inventory)
    return *_status(findings, unknowns), tuple(findings)


def applicability(check: Check, pair: UpgradePair) -> tuple[bool | None, str]:
    """Say whether a check applies to this pair of versions: True, False, or None when a version cannot be placed."""
    for word, version, ranges in (
        ("from", pair.from_version, check.from_versions),
        ("to", pair.to_version, check.to_versions),
    ):
        if not ranges:
            continue
        if version is None:
            return None, f"error: applies to upgrades {word} {ranges}, and that version is not known"
        within = version.within(ranges)
        if within is None:
            return None, f"error: applies to upgrades {word} {ranges}, and {version} is a development build"
        if not within:
            return False, f"applies to upgrades {word} {ranges}, not {version}"
    return True, ""


def _collect(check: Check, view: View, attests: Attests) -> tuple[list[Finding], list[str], list[str]]:
    findings: list[Finding] = []
    unknowns: list[str] = []
    not_applicable: list[str] = []
    nodes: dict[str, list[str]] = {}
    try:
        for outcome in check.run(view):
            match outcome:
                case Finding():
                    findings.append(outcome)
                case Unknown():
                    if not attests(check.id, outcome):
                        unknowns.append(outcome.reason)
                        nodes.setdefault(outcome.reason, []).append(outcome.node)
                case NotApplicable():
                    not_applicable.append(outcome.reason)
                case _:
                    unknowns.append(f"crashed: the check yielded a {type(outcome).__name__}, which is no outcome")
    except NotCollected as error:
        unknowns.append(str(error))
    except Unreadable as error:
        unknowns.append(f"unparsable: {error}")
    except (
        Exception,
        SystemExit,
    ) as error:  # a defect of one check must not take the others, or the findings so far, with it
        unknowns.append(f"crashed: {type(error).__name__}: {error}{_where(error)}")
    return findings, [_with_nodes(reason, nodes.get(reason, ())) for reason in dict.fromkeys(unknowns)], not_applicable


def _with_nodes(reason: str, nodes: Sequence[str]) -> str:
    """Name the nodes that share a reason behind it, so that it is said once."""
    names = sorted(set(filter(None, nodes)))
    return f"{reason} ({'nodes' if len(names) > 1 else 'node'} {', '.join(names)})" if names else reason


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" (at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno})" if trace else ""


def _unread(check: Check, inventory: Inventory) -> list[str]:
    reasons = []
    for need in check.needs:
        entry = inventory.get(need.resource.name)
        if not need.optional:
            gaps = [gap for gap in entry.gaps if matters_to(gap, need.namespaces)]
            reasons += [entry.missing] if entry.missing else gaps
    return reasons


def _status(findings: Sequence[Finding], unknowns: Sequence[str]) -> tuple[Status, str]:
    severities = {finding.severity for finding in findings if finding.waived is None}
    reasons = list(dict.fromkeys(unknowns))
    reason = "; ".join(reasons[:MAX_REASONS])
    if len(reasons) > MAX_REASONS:
        reason += f"; and {len(reasons) - MAX_REASONS} more"
    if Severity.FAIL in severities:
        return Status.FAIL, f"besides, not everything could be determined: {reason}" if reason else ""
    if reasons:
        return Status.UNKNOWN, reason
    if Severity.WARN in severities:
        return Status.WARN, ""
    return Status.PASS, ""


_RANK = {Severity.FAIL: 0, Severity.WARN: 1, Severity.INFO: 2}


def finding_order(finding: Finding) -> tuple[int, str, str, str, str, str]:
    """Order findings: worst first, then by object, so that the order of objects never changes a report."""
    ref = finding.resource
    return _RANK[finding.severity], ref.namespace, ref.kind, ref.name, finding.cause, finding.message
