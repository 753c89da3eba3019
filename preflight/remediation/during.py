"""What may be repaired while an Upgrade runs: an Addon that the upgrade waits for, as long as no node is upgraded.

Rule: every other repair is refused while an Upgrade runs. Deleting the install Job of such an Addon, or writing its
status, lets the next try of the upgrade's Job apply-manifests pass (measured on the controllers of v1.4.0: the patch was
accepted 9 s and 2 s later). Once condition SystemServicesUpgraded is True, nodes are cordoned, drained and rebooted, and
nothing of ours may get in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from preflight.errors import RemediationError, Unreadable
from preflight.fields import condition_status, labels_of, ref_of, text_at
from preflight.inventory import JsonObject
from preflight.remediation.case import Case, in_progress
from preflight.remediation.plan import During, Plan, Refused, Step

STATE_LABEL = "harvesterhci.io/upgradeState"
FINAL_STATES = ("Succeeded", "Failed")
NODE_STATES = ("UpgradingNodes", "Upgrading")
PLAN = "UpgradePlan"
NODE_PHASES = ("ClusterUpgraded", "NodeUpgrading", "NodeUpgraded", "CleaningUp", "CleanedUp")
"""Phases of an UpgradePlan once its nodes' turn has come."""
STRATEGIES = ("recreate-job", "settle-status")
"""Neither uninstalls anything, and neither waits for an edit that the addon webhook would deny."""
CHECK = "addon-stuck"
OFFER = "; an Addon that it waits for may be repaired all the same: --during-upgrade"


@dataclass(frozen=True, slots=True)
class Running:
    """An Upgrade or UpgradePlan that has not ended."""

    kind: str
    name: str
    state: str
    """The label, or phase, that says its state; empty where it has none."""
    waits_early: bool
    """Whether it is in system-services or before."""
    patching: bool
    """Whether it upgrades the system services now."""
    job: str = ""
    """The Job that does, as people would name it."""

    @property
    def words(self) -> str:
        """Its kind and name."""
        return f"{self.kind} {self.name}"


def running_upgrades(upgrades: Iterable[JsonObject]) -> list[Running]:
    """Return the Upgrades and UpgradePlans that have not ended.

    One without state has not ended; one that cannot be read waits for nothing.
    """
    found = (_plan(one) if ref_of(one).kind == PLAN else _upgrade(one) for one in upgrades)
    return [one for one in found if one.state not in FINAL_STATES]


def _upgrade(upgrade: JsonObject) -> Running:
    name = ref_of(upgrade).name or "(without name)"
    try:
        state = str(labels_of(upgrade).get(STATE_LABEL) or "")
        services, nodes = (condition_status(upgrade, kind) for kind in ("SystemServicesUpgraded", "NodesUpgraded"))
    except Unreadable:
        return Running("Upgrade", name, "", False, False)
    early = state not in NODE_STATES and services in ("", "Unknown") and not nodes
    patching = early and (services == "Unknown" or state == "UpgradingSystemServices")
    return Running("Upgrade", name, state, early, patching, f"Job {name}-apply-manifests")


def _plan(plan: JsonObject) -> Running:
    name = ref_of(plan).name or "(without name)"
    try:
        phase = text_at(plan, "status.currentPhase")
    except Unreadable:
        return Running(PLAN, name, "", False, False)
    return Running(PLAN, name, phase, phase not in NODE_PHASES, phase == "ClusterUpgrading", "its Job")


def why_refused(upgrades: Iterable[JsonObject], *, during: bool) -> str:
    """Say why nothing may be repaired now; empty when nothing speaks against it."""
    running = running_upgrades(upgrades)
    late = [one for one in running if not one.waits_early]
    if during and late:
        return f"{late[0].words} is at its nodes ({_state(late[0])}), and nothing is repaired meanwhile"
    if during or not running:
        return ""
    text = f"{running[0].words} has not ended, and nothing is repaired while a cluster upgrades"
    return text + ("" if late else OFFER)


def _state(one: Running) -> str:
    return one.state or "without state"


def during_of(upgrades: Iterable[JsonObject]) -> During | None:
    """Say of the plan which Upgrade goes on beside it, and what that one does next; None while none runs."""
    running = running_upgrades(upgrades)
    if not running:
        return None
    one = running[0]
    then = (
        f"the next try of {one.job} patches the Addon, which is then accepted, and its new version is deployed"
        if one.patching
        else "it goes on with its own step; when it comes to the system services, its patch of the Addon is accepted"
    )
    return During(
        one.kind, one.name, _state(one), f"{then}. Should that Job have given up, it ends Failed all the same"
    )


def beside(plan: Plan, upgrades: Iterable[JsonObject]) -> Plan:
    """Return the rest of a run as one to be carried out beside the Upgrade that runs, if one does.

    Raises RemediationError where a step of it is none of those that may be.
    """
    during = during_of(upgrades)
    wrong = [step.strategy for step in plan.steps if step.check != CHECK or step.strategy not in STRATEGIES]
    if during and wrong:
        raise RemediationError(f"what is left of it is {wrong[0]}, which is not done while {during.words} runs")
    return replace(plan, during=during)


def must_suit(case: Case, steps: Iterable[Step]) -> None:
    """Raise Refused for a repair that is none of those that may be made beside a running Upgrade."""
    if case.check != CHECK:
        raise Refused(
            "while an Upgrade runs only Addons it waits for are repaired; this can be cured when it has ended"
        )
    if not in_progress(case.addon):
        raise Refused(
            "no operation is in progress on the Addon, so the Upgrade does not wait for it; repair it when that has ended"
        )
    for step in steps:
        if step.strategy not in STRATEGIES:
            raise Refused(
                f"{step.strategy} is not used while an Upgrade runs (only {' and '.join(STRATEGIES)} are); repair it when "
                "that has ended"
            )
