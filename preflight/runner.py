"""Run the checks over what was read; apply the rules every check is subject to, so that no check has to.

The order of the rules: left out → not for this pair of versions → run → what was found and what could not be read.
A finding that blocks is never hidden by an unknown; an unknown is never hidden by a warning or a pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preflight.border import clean_reason, examined, ours_alone
from preflight.check import Check
from preflight.errors import NotCollected, Unreadable
from preflight.inventory import Inventory, View, matters_to
from preflight.model import (
    CheckResult,
    Code,
    Finding,
    NotApplicable,
    Outcome,
    Reason,
    Severity,
    Status,
    Unknown,
    UpgradePair,
)
from preflight.releases import NOTHING, Knowledge
from preflight.selection import LEFT_OUT
from preflight.serving import served_to
from preflight.values.docs_links import docs_of
from preflight.via import as_meant, beside, waiver

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
    knowledge: Knowledge = NOTHING,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[CheckResult, ...]:
    """Run every check. Each registered check has exactly one result, in the order given.

    Of a source of which nothing was read, no check is run: all that may apply are unknown for that one reason.
    """

    def look(check: Check) -> View:
        needs = frozenset(need.resource.name for need in check.needs)
        return View(served_to(check, inventory), needs, pair, dict(options.get(check.id, {})), knowledge)

    results = []
    for check in checks:
        began = clock()
        answer = _one(check, look, pair, left_out.get(check.id, ""), waive, attests)
        results.append(
            CheckResult(
                id=check.id,
                title=check.title,
                category=check.category,
                status=answer.status,
                reason=answer.reason,
                reasons=answer.reasons,
                docs=docs_of(check.docs, pair.to_version),
                duration_ms=round((clock() - began) * 1000, 3),
                findings=answer.findings,
                worst=check.worst,
                required=required(check),
                left_out=left_out.get(check.id, "") if applicability(check, pair)[0] is not False else "",
                waived_by=waiver(check.id, check.waived_by, pair.via),
            )
        )
    return tuple(results)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What running one check came to."""

    status: Status
    reason: str = ""
    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()


def _one(
    check: Check,
    look: Callable[[Check], View],
    pair: UpgradePair,
    left_out: str,
    waive: Waive,
    attests: Attests,
) -> _Answer:
    if left_out:
        return _Answer(Status.SKIPPED, LEFT_OUT[left_out])
    applies, reason = applicability(check, pair)
    if applies is False:
        return _Answer(Status.SKIPPED, reason)
    view = look(check)
    unread = view.inventory.source.unread
    if applies is None:
        return _answer((), [unread or Reason(Code.ERROR, reason)])
    if reason := beside(check.id, pair.via):
        return _Answer(Status.SKIPPED, reason)
    if unread:
        return _answer((), [unread])
    findings, unknowns, not_applicable = _collect(check, view, attests)
    meant = (as_meant(check.id, _complete(check, finding), pair.via) for finding in findings)
    findings = sorted((waive(check.id, finding) for finding in meant), key=finding_order)
    if not_applicable and not findings and not unknowns:
        return _Answer(Status.SKIPPED, "; ".join(dict.fromkeys(not_applicable)))
    return _answer(findings, [*unknowns, *_unread(check, view.inventory)])


def _complete(check: Check, finding: Finding) -> Finding:
    """Fill in what the check says for all its findings."""
    if finding.enforced_by is not None and (finding.consequence or not check.consequence):
        return finding
    return replace(
        finding,
        enforced_by=check.enforced_by if finding.enforced_by is None else finding.enforced_by,
        consequence=finding.consequence or check.consequence,
    )


def applicability(check: Check, pair: UpgradePair) -> tuple[bool | None, str]:
    """Say whether a check applies to this pair of versions: True, False, or None when a version cannot be placed."""
    for word, version, ranges in (
        ("from", pair.from_version, check.from_versions),
        ("to", pair.to_version, check.to_versions),
    ):
        if not ranges:
            continue
        if version is None:
            return None, f"applies to upgrades {word} {ranges}, and that version is not known"
        within = version.within(ranges)
        if within is None:
            return None, f"applies to upgrades {word} {ranges}, and {version} is a development build"
        if not within:
            return False, f"applies to upgrades {word} {ranges}, not {version}"
    return True, ""


def _collect(check: Check, view: View, attests: Attests) -> tuple[list[Finding], list[Reason], list[str]]:
    findings: list[Finding] = []
    unknowns: list[Reason] = []
    not_applicable: list[str] = []
    for outcome in _outcomes(check, view):
        match outcome:
            case Finding():
                findings.append(outcome)
            case Unknown():
                if not attests(check.id, outcome):
                    unknowns.append(outcome.reason)
            case NotApplicable():
                not_applicable.append(outcome.reason)
            case Reason():
                unknowns.append(outcome)
    return findings, unknowns, not_applicable


def _outcomes(check: Check, view: View) -> list[Outcome | Reason]:
    """Return what the check yields and, last, why it broke off: a defect of one check takes neither the findings it had
    so far nor the other checks with it."""
    found: list[Outcome | Reason] = []
    try:
        with ours_alone(foreign=check.foreign):
            for outcome in check.run(view):
                found.append(examined(outcome))
    except KeyboardInterrupt:
        raise
    except NotCollected as error:
        found.append(error.reason)
    except Unreadable as error:
        found.append(Reason(Code.UNPARSABLE, str(error)))
    except BaseException as error:
        found.append(Reason(Code.CRASHED, f"{type(error).__name__}: {_words(error)}{_where(error)}"))
    return found


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a foreign __str__
        return "which cannot be written as text"


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" (at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno})" if trace else ""


def _unread(check: Check, inventory: Inventory) -> list[Reason]:
    reasons: list[Reason] = []
    for need in check.needs:
        entry = inventory.get(need.resource.name)
        if not need.optional:
            gaps = [gap for gap in entry.gaps if matters_to(gap, need.namespaces)]
            reasons += [entry.missing] if entry.missing else gaps
    return reasons


def _answer(findings: Sequence[Finding], unknowns: Sequence[Reason]) -> _Answer:
    severities = {finding.severity for finding in findings if finding.waived is None}
    reasons = tuple(dict.fromkeys(map(clean_reason, unknowns)))
    reason = _in_words(reasons)
    if Severity.FAIL in severities:
        words = f"besides, not everything could be determined: {reason}" if reason else ""
        return _Answer(Status.FAIL, words, reasons[:MAX_REASONS], tuple(findings))
    if reasons:
        return _Answer(Status.UNKNOWN, reason, reasons[:MAX_REASONS], tuple(findings))
    return _Answer(Status.WARN if Severity.WARN in severities else Status.PASS, findings=tuple(findings))


def _in_words(reasons: Sequence[Reason]) -> str:
    """Write reasons as one text: what several nodes share is said once, with the nodes behind it."""
    nodes: dict[str, set[str]] = {}
    for reason in reasons:
        nodes.setdefault(str(reason), set()).add(reason.node)
    texts = [_with_nodes(text, sorted(filter(None, names))) for text, names in nodes.items()]
    more = [f"and {len(texts) - MAX_REASONS} more"] if len(texts) > MAX_REASONS else []
    return "; ".join(texts[:MAX_REASONS] + more)


def _with_nodes(text: str, names: Sequence[str]) -> str:
    return f"{text} ({'nodes' if len(names) > 1 else 'node'} {', '.join(names)})" if names else text


_RANK = {Severity.FAIL: 0, Severity.WARN: 1, Severity.INFO: 2}


def finding_order(finding: Finding) -> tuple[int, str, str, str, str, str]:
    """Order findings: worst first, then by object, so that the order of objects never changes a report."""
    ref = finding.resource
    return _RANK[finding.severity], ref.namespace, ref.kind, ref.name, finding.cause, finding.message
