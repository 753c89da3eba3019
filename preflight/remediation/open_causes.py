"""What a finding that is to be repaired follows from, as long as that is still so: it is to be cured first.

Rule: a repair does not hold while something that blocks by itself is its cause, nor where it begins a new operation of
the Addon, which the same cause makes stick once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from preflight.model import Finding, Report, Severity
from preflight.remediation.plan import First, OpenCause, Step
from preflight.remediation.strategies import Strategy


def open_causes(report: Report, finding: Finding) -> tuple[OpenCause, ...]:
    """Return what a finding follows from, by however many steps, the deepest first."""
    known = {one.id: OpenCause(result.id, one) for result in report.checks for one in result.findings if one.id}
    found: dict[str, OpenCause] = {}
    todo = list(finding.caused_by)
    while todo:
        name = todo.pop(0)
        if name in known and name not in found and known[name].finding.waived is None:
            found[name] = known[name]
            todo += known[name].finding.caused_by
    return tuple(reversed(found.values()))


def needed(strategy: Strategy, causes: Sequence[OpenCause]) -> tuple[OpenCause, ...]:
    """Return those without whose cure the repair does not hold."""
    return tuple(cause for cause in causes if strategy.begins_anew or cause.finding.severity is Severity.FAIL)


def first_of(steps: Sequence[Step], causes: Sequence[tuple[int, OpenCause, bool]]) -> tuple[First, ...]:
    """Say what comes before which of the numbered steps; `causes` are (number of the repair, cause, needed)."""
    gathered: dict[str, First] = {}
    for repair, cause, must in causes:
        numbers = tuple(step.number for step in steps if step.repair == repair)
        before = gathered.get(cause.finding.id) or First(cause, (), needed=False)
        gathered[cause.finding.id] = First(cause, (*before.steps, *numbers), before.needed or must)
    return tuple(gathered.values())
