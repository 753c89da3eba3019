"""What a stuck Addon means to an Upgrade that is running already, and what can be done about it in that step.

Rule: until apply-manifests has ended (condition SystemServicesUpgraded True) a repair of the Addon's Job, or of its
status, is what lets the Job's next try pass (measured: patch accepted after 9 s and 2 s). A new Job installs the chart of
the old version, which has to be served still: apply-manifests switches Deployment cattle-system/harvester-cluster-repo
before it patches Addons. From then on nodes are upgraded, and nothing is repaired. An Addon without an operation in
progress refuses no patch, so the upgrade does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from preflight.api import (
    Certainty,
    Command,
    Enforcer,
    Finding,
    HarvesterVersion,
    JsonObject,
    Phase,
    Remediation,
    Unreadable,
    View,
    hangs,
    harmless,
    maps_at,
    name_of,
    namespace_of,
    need,
    parse_version,
    ref_of,
    text_at,
    tool,
)

from .._upgrades import (
    before_nodes,
    is_running,
    patches_services,
    plan_before_nodes,
    plan_is_running,
    plan_patches_services,
    state_of,
)
from ._causes import Cause
from ._commands import fix
from ._enforcement import Ends, ends, patched_by
from ._facts import Facts
from ._timeline import release_status

UPGRADES, UPGRADE_PLANS = "upgrades.harvesterhci.io", "upgradeplans.management.harvesterhci.io"
DEPLOYMENTS = "deployments.apps"
RUNNING_NEEDS = (
    need(UPGRADES, "spec.version", "status.conditions", optional=True),
    need(UPGRADE_PLANS, "spec.version", "status.currentPhase", optional=True, unserved_is_empty=True),
)
"""What tells whether an upgrade runs, and how far it is."""
OLD_CHARTS = "harvester-cluster-repo"
"""Deployment of cattle-system that serves the charts, and part of the address of its repository."""
Advice = tuple[str, tuple[Command, ...]]
"""The hint and the commands of a finding."""
REPAIRED = ("recreate-job", "settle-status")
WHY = tool("why")


@dataclass(frozen=True, slots=True)
class Running:
    """The Upgrade or UpgradePlan that has not ended."""

    name: str
    """Its kind and name."""
    word: str
    """Its state, as it says itself."""
    early: bool
    """Whether it has not begun with the nodes, so that an Addon may still be repaired."""
    patching: bool
    """Whether its Job that upgrades the system services is at work."""
    target: HarvesterVersion | None


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What a finding says while an Upgrade runs, in place of what it says before one."""

    words: str
    """Begins the message; empty where the Upgrade does not wait for the Addon."""
    hint: str
    commands: tuple[Command, ...]
    repair: Remediation | None
    ends: Ends


def running_of(view: View) -> Running | None:
    """Return the Upgrade or UpgradePlan that has not ended; None where there is none, or none could be read."""
    for resource, ways in _WAYS.items():
        for upgrade in view.read(resource):
            name = f"{ref_of(upgrade).kind} {ref_of(upgrade).name}"
            try:
                if ways.runs(upgrade):
                    named = text_at(upgrade, "spec.version")
                    target = (parse_version(named) if named else None) or view.upgrade.to_version
                    return Running(name, ways.state(upgrade), ways.early(upgrade), ways.patches(upgrade), target)
            except Unreadable:
                return Running(name, "", False, False, view.upgrade.to_version)
    return None


@dataclass(frozen=True, slots=True)
class _Ways:
    """How one kind of upgrade says what it is at."""

    runs: Callable[[JsonObject], bool]
    state: Callable[[JsonObject], str]
    early: Callable[[JsonObject], bool]
    patches: Callable[[JsonObject], bool]


_WAYS = {
    UPGRADES: _Ways(is_running, state_of, before_nodes, patches_services),
    UPGRADE_PLANS: _Ways(
        plan_is_running,
        lambda plan: text_at(plan, "status.currentPhase"),
        plan_before_nodes,
        plan_patches_services,
    ),
}


def meanwhile(
    running: Running, facts: Facts, cause: Cause, view: View, repair: Remediation | None, said: Advice
) -> Meanwhile:
    """Say what holds while this Upgrade runs; `said` is the advice that holds while none does.

    An operation that is expected to end may well be the upgrade's own.
    """
    held = None if cause.transient else _held(running, facts, view)
    waits = "may wait" if held is Certainty.POSSIBLE else "waits"
    words = f"{running.name}, in {running.word or 'no state'}, {waits} for " if held else ""
    own = _repair(running, facts, view, repair)
    hint, commands = _advice(running, facts, repair, own, said, waits=held is not None or not running.patching)
    return Meanwhile(words, hint, commands, own, _ends(running, facts, view, held))


def _held(running: Running, facts: Facts, view: View) -> Certainty | None:
    """Say how sure it is that the Upgrade is held up by this Addon; None where it is not.

    Whether the scripts write to an Addon whose chart version stays the same depends on values that they compare; an
    Upgrade that stands in that very step with an operation in progress on one of those is taken to wait for it.
    """
    if not (running.patching and facts.in_progress):
        return None
    release = view.release(running.target)
    try:
        patched = patched_by(facts.addon, running.target, release)
    except Unreadable:  # it depends on values that are there and cannot be read
        patched = None
    if patched is None:
        return Certainty.POSSIBLE
    known = release.addon(namespace_of(facts.addon), name_of(facts.addon)) if release else None
    if patched:
        return Certainty.CERTAIN
    return Certainty.LIKELY if known and known.patched == "other-version" else None


def _repair(running: Running, facts: Facts, view: View, repair: Remediation | None) -> Remediation | None:
    """Return the repair that can be carried out now; None where none can."""
    if repair is None or not running.early or not facts.in_progress or repair.strategy not in REPAIRED:
        return None
    if repair.strategy == "settle-status":
        return repair
    try:
        served = old_chart_is_served(running, facts.addon, view)
    except Unreadable:  # of the Addon, or of the Deployment that serves its chart
        served = None
    if served is not True and release_status(facts) == "deployed":
        return Remediation("settle-status", False)
    return None if served is False else Remediation("recreate-job", False)


def old_chart_is_served(running: Running, addon: JsonObject, view: View) -> bool | None:
    """Say whether a new Job would find the Addon's present chart; None where that cannot be told."""
    if not running.patching or OLD_CHARTS not in text_at(addon, "spec.repo"):
        return True
    release = view.release(running.target)
    known = release.addon(namespace_of(addon), name_of(addon)) if release else None
    if known and known.version and known.version == text_at(addon, "spec.version"):
        return True
    for deployment in view.read(DEPLOYMENTS):
        if name_of(deployment) == OLD_CHARTS and namespace_of(deployment) == "cattle-system":
            images = [text_at(one, "image") for one in maps_at(deployment, "spec.template.spec.containers")]
            return not any(image.endswith(f":{running.target}") for image in images) if images else None
    return None


def _advice(
    running: Running,
    facts: Facts,
    repair: Remediation | None,
    own: Remediation | None,
    said: Advice,
    *,
    waits: bool,
) -> Advice:
    place = namespace_of(facts.addon), name_of(facts.addon)
    if own is not None:
        flags = ("--during-upgrade", "--apply", *(("--force",) if own.strategy == "settle-status" else ()))
        return (_NOW if waits else _BESIDE)[own.strategy], (fix("addon-stuck", *place, *flags),)
    if repair is None:
        return said
    if not running.early:
        return _LATER, (WHY,)
    return (_NOT_IN_THE_WAY if not facts.in_progress else _NOT_NOW), (WHY,)


_NOW = {
    "recreate-job": "Delete only the Job now: helm-controller makes it again, and the upgrade's next patch is accepted",
    "settle-status": "Write the status by hand now: the upgrade's next patch is accepted and installs the new version, "
    "while a new Job might not find the old chart any more",
}
_BESIDE = {
    "recreate-job": "Delete only the Job; the upgrade does not wait for this Addon, and is not in the way",
    "settle-status": "Write the status by hand; the upgrade does not wait for this Addon, and is not in the way",
}
_LATER = "Nodes are being upgraded, and nothing is repaired meanwhile: cure it once the Upgrade has ended"
_NOT_IN_THE_WAY = (
    "No operation is in progress on it, so the upgrade does not wait for it: cure it once the Upgrade has ended"
)
_NOT_NOW = "What would cure it cannot be done while an Upgrade runs: see what the upgrade waits for"


def _ends(running: Running, facts: Facts, view: View, held: Certainty | None) -> Ends:
    if held:
        text = (
            f"{running.name} gets no further: each try of its Job for the system services ends at this Addon, whose patch "
            'is denied ("an existing operation is in progress")'
        )
        return Ends((Enforcer.SCRIPTS,), (hangs(Phase.SYSTEM_SERVICES, text, held),))
    if running.early and not running.patching:
        later = ends(facts, replace(view, upgrade=replace(view.upgrade, to_version=running.target)))
        who = tuple(one for one in later.enforced_by if one is not Enforcer.WEBHOOK)
        kept = tuple(one for one in later.consequences if one.phase is not Phase.ADMISSION)
        return Ends(who or (Enforcer.NONE,), kept or _FREE)
    return Ends((Enforcer.NONE,), _FREE)


def kept_for_later(running: Running | None, finding: Finding) -> Finding:
    """Return a finding whose repair is one of those that are never made while an Upgrade runs, without its offer."""
    if running is None or finding.remediation is None:
        return finding
    hint = "Nothing of it is deleted while an Upgrade runs: do it once that has ended"
    return replace(finding, hint=hint, commands=(WHY,), remediation=None)


_FREE = (harmless("The upgrade that runs does not wait for it"),)
