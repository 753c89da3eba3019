"""From a report to a plan: which findings are repaired, how, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from preflight.errors import Unreadable, UsageError
from preflight.inventory import Inventory
from preflight.model import CheckResult, Finding, Report, Severity, Status
from preflight.remediation.case import Case
from preflight.remediation.during import during_of, must_suit
from preflight.remediation.open_causes import first_of, needed, open_causes
from preflight.remediation.plan import OpenCause, Plan, Refusal, Refused, Step, refusal
from preflight.remediation.preconditions import upgrade_reason, upgrades_in
from preflight.remediation.strategies import (
    LEFT_TO_YOU,
    REPAIRABLE_CHECKS,
    STRATEGIES,
    Strategy,
    allows,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked to be repaired, and how far it may go."""

    only: tuple[str, ...] = ()
    """CHECK or CHECK:NAMESPACE/NAME, where NAMESPACE and NAME may hold `*`."""
    strategy: str = ""
    force: bool = False
    automatic_only: bool = False
    """Repair nothing that the check did not mark as safe to repair unasked."""
    during_upgrade: bool = False
    """Repair what a running Upgrade waits for, as long as it has not come to its nodes."""


def build_plan(report: Report, inventory: Inventory, choice: Choice) -> Plan:
    """Decide about every finding that can be repaired or was named. Raises UsageError for an --only that is wrong."""
    _check_choice(report, choice)
    steps: list[Step] = []
    refusals: list[Refusal] = []
    blocked = upgrade_reason(inventory, during=choice.during_upgrade)
    during = during_of(upgrades_in(inventory)) if choice.during_upgrade else None
    repairs = 0
    before: list[tuple[int, OpenCause, bool]] = []
    for result, finding in _chosen(report, choice):
        try:
            if blocked:
                raise Refused(blocked)
            causes = open_causes(report, finding)
            case = Case(result.id, finding, inventory, report.upgrade.from_version)
            planned, must = _plan_one(case, choice, causes, beside=during is not None)
        except Refused as error:
            refusals.append(refusal(result.id, finding, str(error)))
            continue
        except Unreadable as error:
            refusals.append(refusal(result.id, finding, f"something it depends on cannot be read: {error}"))
            continue
        repairs += 1
        steps += [replace(step, repair=repairs) for step in planned]
        before += [(repairs, cause, cause in must) for cause in causes]
    numbered = _numbered(steps)
    return Plan(
        report.source,
        report.upgrade,
        numbered,
        tuple(refusals),
        tuple(_undetermined(report, choice)),
        during=during,
        first=first_of(numbered, before),
    )


def _numbered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Number the steps; an object that two findings want deleted is deleted once."""
    seen: set[tuple[str, str]] = set()
    kept: list[Step] = []
    for step in steps:
        key = (step.action.value, step.target.uid)
        if step.action.value == "delete" and step.target.uid and key in seen:
            continue
        seen.add(key)
        kept.append(replace(step, number=len(kept) + 1))
    return tuple(kept)


def _check_choice(report: Report, choice: Choice) -> None:
    if choice.strategy and choice.strategy not in STRATEGIES:
        raise UsageError(f"--strategy {choice.strategy}: known are {', '.join(STRATEGIES)}")
    known = {result.id for result in report.checks}
    for entry in choice.only:
        check, colon, where = entry.partition(":")
        if check not in known:
            raise UsageError(f"--only {entry}: there is no check {check!r} in this run (see `list`)")
        if colon and (where.count("/") != 1 or not all(where.split("/"))):
            raise UsageError(f"--only {entry}: give CHECK or CHECK:NAMESPACE/NAME")


def _chosen(report: Report, choice: Choice) -> Iterator[tuple[CheckResult, Finding]]:
    for result in report.checks:
        for finding in result.findings:
            if _is_meant(result, finding, choice):
                yield result, finding


def _is_meant(result: CheckResult, finding: Finding, choice: Choice) -> bool:
    if choice.only:
        return any(_names(entry, result, finding) for entry in choice.only)
    if finding.severity is Severity.INFO or finding.waived is not None:
        return False
    return finding.remediation is not None or result.id in REPAIRABLE_CHECKS


def _names(entry: str, result: CheckResult, finding: Finding) -> bool:
    check, _, where = entry.partition(":")
    ref = finding.resource
    return check == result.id and (not where or fnmatchcase(f"{ref.namespace}/{ref.name}", where))


def _plan_one(
    case: Case, choice: Choice, causes: Sequence[OpenCause], *, beside: bool
) -> tuple[list[Step], tuple[OpenCause, ...]]:
    """Plan the repair of one finding, `beside` a running Upgrade only what may be done then.

    Also returns what must be cured first for it to hold.
    """
    if beside:
        must_suit(case, ())
    strategy, automatic = _strategy(case, choice)
    if choice.automatic_only and not automatic:
        raise Refused("it is not marked as safe to repair unasked: use `fix`")
    if not allows(strategy, case.check, case.finding.cause, during=beside):
        raise Refused(f"{strategy.name} is not for this cause" + _instead(case))
    steps = strategy.steps(case)
    if beside:
        must_suit(case, steps)
    if strategy.destructive and not choice.force:
        loses = "; ".join(dict.fromkeys(step.loses for step in steps))
        raise Refused(f"{strategy.name} needs --force, because this is lost: {loses}")
    must = needed(strategy, causes)
    if must and not choice.force:
        words = "; ".join(cause.words for cause in must)
        raise Refused(
            f"{strategy.name} would not hold while its cause is there ({words}): cure that first, or add --force"
        )
    return [replace(step, automatic=automatic) for step in steps], must


def _strategy(case: Case, choice: Choice) -> tuple[Strategy, bool]:
    finding = case.finding
    if finding.waived is not None:
        raise Refused(f"it is waived ({finding.waived.reason})")
    if finding.cause == "unknown":
        raise Refused(LEFT_TO_YOU["unknown"])
    told = finding.remediation
    if finding.cause in LEFT_TO_YOU and not choice.strategy and told is None:
        raise Refused(f"left to you: {LEFT_TO_YOU[finding.cause]}")
    if choice.strategy:
        chosen: Strategy | None = STRATEGIES[choice.strategy]
    elif finding.transient:
        raise Refused("it is expected to pass by itself: wait (`check --wait 10m`)")
    else:  # the check's word: it knows the case, and no other table of causes is kept
        chosen = STRATEGIES.get(told.strategy) if told else None
    if chosen is None:
        raise Refused("no repair is known for it; its hint says what to do by hand")
    return chosen, bool(told and told.automatic and told.strategy == chosen.name and not chosen.destructive)


def _instead(case: Case) -> str:
    told_by_check = case.finding.remediation
    better = STRATEGIES.get(told_by_check.strategy) if told_by_check else None
    if better is not None:
        return f"; {better.name} is"
    told = LEFT_TO_YOU.get(case.finding.cause)
    return f"; {told}" if told else ""


def _undetermined(report: Report, choice: Choice) -> Iterator[str]:
    wanted = {entry.partition(":")[0] for entry in choice.only} or set(REPAIRABLE_CHECKS)
    for result in report.checks:
        if result.id in wanted and (result.status is Status.UNKNOWN or (result.findings and result.reason)):
            yield f"{result.id}: {result.reason}"
