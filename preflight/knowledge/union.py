"""Two checks of one id as one: each runs for its own versions, and of a finding that both make the worse one counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from preflight.check import Check
from preflight.inventory import View
from preflight.model import Finding, NotApplicable, Outcome, Severity
from preflight.values.versions import lies_in

_RANK = {Severity.INFO: 0, Severity.WARN: 1, Severity.FAIL: 2}


def joined(shipped: Check, given: Check) -> Check:
    """Return a check that finds what either finds; what it says of itself is the shipped one's."""
    return replace(
        shipped,
        needs=(*shipped.needs, *given.needs),
        run=_Both(shipped, given),
        worst=max(shipped.worst, given.worst, key=lambda severity: _RANK[severity]),
        from_versions=_either(shipped.from_versions, given.from_versions),
        to_versions=_either(shipped.to_versions, given.to_versions),
        enforced_by=tuple(dict.fromkeys((*shipped.enforced_by, *given.enforced_by))),
        links=tuple(dict.fromkeys((*shipped.links, *filter(None, (given.docs, *given.links))))),
        causes={**given.causes, **shipped.causes},
        tags=tuple(dict.fromkeys((*shipped.tags, *given.tags))),
        aliases=tuple(dict.fromkeys((*shipped.aliases, *given.aliases))),
        origin=f"{shipped.origin}, {given.origin}",
    )


def _either(first: str, second: str) -> str:
    if not first.strip() or not second.strip():
        return ""
    return first if first == second else f"{first} || {second}"


@dataclass(frozen=True, slots=True)
class _Both:
    """Runs two checks and keeps the worse of two findings of one cause on one object."""

    first: Check
    second: Check

    def __call__(self, view: View) -> Iterator[Outcome]:
        """Yield what both say; that one does not apply is said only when neither does."""
        outcomes = [outcome for check in (self.first, self.second) for outcome in _run(check, view)]
        findings: dict[tuple[object, ...], Finding] = {}
        for outcome in outcomes:
            if isinstance(outcome, Finding):
                key = (outcome.cause, outcome.resource)
                before = findings.get(key)
                if before is None or _RANK[outcome.severity] > _RANK[before.severity]:
                    findings[key] = outcome
        yield from findings.values()
        yield from (one for one in outcomes if not isinstance(one, (Finding, NotApplicable)))
        if all(isinstance(outcome, NotApplicable) for outcome in outcomes) and outcomes:
            yield from outcomes


def _run(check: Check, view: View) -> Iterable[Outcome]:
    """Run a check for the versions it is for; a part that is not for these says so."""
    pairs = ((view.upgrade.from_version, check.from_versions), (view.upgrade.to_version, check.to_versions))
    if any(lies_in(version, ranges) is False for version, ranges in pairs if ranges):
        return (NotApplicable("a part of it is for other versions"),)
    return check.run(view)
