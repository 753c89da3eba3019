"""Which checks a pod cannot decide with what its account may do: said where the manifests are printed, not after a night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from preflight.check import Check, Need
from preflight.model import Severity, UpgradePair
from preflight.rbac import PLAN_SECRETS, SECRET_LISTS
from preflight.releases import Knowledge
from preflight.resources import How
from preflight.runner import applicability
from preflight.values.versions import parse_version

KUBELET, PLANS, PROBE, ALL_SECRETS = "--with-kubelet", "--with-plans", "--with-probe-nodes", "--with-releases"


def possible_pairs(knowledge: Knowledge, to: str) -> tuple[UpgradePair, ...]:
    """Return the upgrades to a target that it may be about: from each older release that is known, or from any."""
    target = parse_version(to) if to else None
    releases = [release.version for release in knowledge.releases]
    older = [version for version in releases if target is None or target.is_dev or version < target]
    return tuple(UpgradePair(version, target) for version in older) or (UpgradePair(None, target),)


def left_undecided(
    checks: Iterable[Check], pairs: Sequence[UpgradePair], opted_in: Iterable[str]
) -> Mapping[str, list[str]]:
    """Return, per flag that was not given, the checks that could block this upgrade and that need it.

    What only a node shows is undecided on some clusters only, as the running version has it; it may be attested instead.
    """
    given = set(opted_in)
    if ALL_SECRETS in given:
        given.add(PLANS)
    found: dict[str, list[str]] = {}
    for check in checks:
        flags = {flag for need in check.needs if (flag := _flag(need)) and flag not in given}
        if check.worst is Severity.FAIL and any(applicability(check, pair)[0] is not False for pair in pairs):
            for flag in sorted(flags):
                found.setdefault(flag, []).append(check.id)
    return found


def _flag(need: Need) -> str:
    """Name the flag that lets a need be read, empty for one that the plain role can read or that is not needed."""
    if need.resource.how is How.NODE:  # optional, since no source but a probe has it: the check itself says so
        return PROBE
    if need.optional:
        return ""
    if need.resource.how is How.KUBELET:
        return KUBELET
    return PLANS if need.resource.name in (PLAN_SECRETS, *SECRET_LISTS) else ""
