"""A version that cannot be reached from the running one: the server says so only after the ISO was downloaded.

Rule: pkg/controller/master/upgrade, same logic v1.4.0 to v1.9.0-rc6, with the minimum that the ISO carries: the
knowledge has it, _paths.py the order of the tests. The webhook and check.sh do not look. The documentation lists fewer
paths than the server accepts: those are warned of. Edges: a target of a known series without data of its own has those
of the newest of it, and its minimum is taken from its Version object where that names one (on clusters whose upgrade
checker works it repeats the ISO's), as is that of a target of a series that nothing is known of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Certainty,
    Code,
    Consequence,
    Enforcer,
    Finding,
    HarvesterVersion,
    Outcome,
    Phase,
    Release,
    ResourceRef,
    Severity,
    View,
    check,
    delays,
    fails,
    kubectl,
    need,
    parse_version,
    unknown,
)

from ._paths import VERSIONS, minimum_of_version_object, needs_more, rejection, route

RUNNING = ResourceRef("harvesterhci.io/v1beta1", "Setting", "", "server-version")


@check(
    id="upgrade-path",
    title="The target can be reached from the running version",
    category="upgrade",
    needs=(need(VERSIONS, "spec.minUpgradableVersion", optional=True),),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade",
    why="The upgrade controller compares the versions only when the ISO is on the cluster, and the Upgrade then fails.",
    how="A minor release was skipped, or a patch release that the target demands (v1.4.0 goes to v1.4.1 only).",
    fix="Upgrade by way of the releases in between, each completely, or choose another target.",
    causes={
        "path-rejected": "The server rejects this pair of versions. Take the way over the releases the hint names.",
        "path-undocumented": "The server accepts it, and the documentation does not list it, so nobody has tested it.",
        "same-version": "The target is the version that is running. The server accepts it: it repeats the upgrade.",
        "better-target": "A later patch release of the target mends known faults of the upgrade. Prefer it.",
    },
    waived_by="harvesterhci.io/skip-version-check",
)
def upgrade_path(view: View) -> Iterator[Outcome]:
    """Yield a finding when the server would reject the pair, or the documentation does not list it."""
    current, target = view.upgrade.from_version, view.upgrade.to_version
    if current is None or target is None:
        which = "running" if current is None else "target"
        yield unknown(
            Code.ERROR, f"the {which} version is not known, so the path cannot be judged: give --from and --to"
        )
        return
    release = view.release(target)
    minimum = parse_version(release.minimum) if release and release.minimum else None
    reason = rejection(current, target, minimum)
    if needs_more(release, reason, current, target):
        found = minimum_of_version_object(view, target)
        if isinstance(found, HarvesterVersion):
            minimum, reason = found, rejection(current, target, found)
        elif not reason and (release is None or view.missing(VERSIONS)):
            yield found
            return
    facts: dict[str, Any] = {"from": current.raw, "to": target.raw, "minimum": minimum.raw if minimum else None}
    if release and release.inherited:
        facts["dataOf"] = release.inherited
    if reason:
        yield _rejected(view, current, target, reason, facts)
    else:
        yield from _accepted(current, target, release, facts)


def _rejected(
    view: View, current: HarvesterVersion, target: HarvesterVersion, reason: str, facts: dict[str, Any]
) -> Finding:
    way = route(view.knowledge.releases, current, target)
    hint = (
        f"Upgrade step by step: {' → '.join(way)}" if way else "Choose another target; see the table of supported paths"
    )
    text = f"The server finds out only after it has downloaded the ISO: the Upgrade to {target} ends Failed"
    evidence = facts | ({"route": list(way)} if way else {}) | {"consequence": f"{text}."}
    message = f"No direct way from {current} to {target}: {reason}"
    return _finding(FAIL, "path-rejected", message, hint, evidence, Enforcer.SCRIPTS, fails(Phase.IMAGE, text))


def _accepted(
    current: HarvesterVersion, target: HarvesterVersion, release: Release | None, facts: dict[str, Any]
) -> Iterator[Finding]:
    if current.raw == target.raw or (current.semantic and current.semantic == target.semantic):
        message = f"{target} is the version that is running: the server accepts that and repeats the upgrade"
        then = delays(Phase.NODE_DRAIN, "Every node is drained and upgraded again", Certainty.CERTAIN)
        yield _finding(INFO, "same-version", message, "Make sure that it is meant", facts, Enforcer.NONE, then)
        return
    if not (release and release.documented) or current.is_prerelease or not current.within(release.documented):
        message = f"The server accepts {current} → {target}, and the documentation does not list that path"
        hint = "Try it on a cluster you can lose first"
        then = fails(Phase.NODE_UPGRADE, "Nobody has tested this path: it may fail half-way", Certainty.POSSIBLE)
        yield _finding(WARN, "path-undocumented", message, hint, facts, Enforcer.DOCS, then)
    if release and release.better and not target.is_prerelease:
        message = f"{target} has known faults that a later patch release mends: {release.better}"
        then = fails(Phase.NODE_UPGRADE, "The upgrade may meet the faults that are known of it", Certainty.POSSIBLE)
        yield _finding(INFO, "better-target", message, "Choose the later patch release", facts, Enforcer.NONE, then)


def _finding(
    severity: Severity,
    cause: str,
    message: str,
    hint: str,
    facts: dict[str, Any],
    enforcer: Enforcer,
    consequence: Consequence,
) -> Finding:
    return Finding(
        severity=severity,
        cause=cause,
        message=message,
        hint=hint,
        commands=(kubectl("get settings.harvesterhci.io server-version -o jsonpath={.value}"),),
        resource=RUNNING,
        evidence=facts,
        enforced_by=(enforcer,),
        consequence=consequence,
    )
