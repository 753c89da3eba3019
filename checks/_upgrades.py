"""Which Upgrade objects are still running, as the webhook counts them."""

from __future__ import annotations

from preflight.api import JsonObject, View, condition_status, labels_of, name_of, text_at

STATE_LABEL = "harvesterhci.io/upgradeState"
FINAL_STATES = ("Succeeded", "Failed")


def state_of(upgrade: JsonObject) -> str:
    """Return the state an Upgrade carries as its label, empty when it carries none."""
    return text_at(labels_of(upgrade), f"[{STATE_LABEL}]")


def is_running(upgrade: JsonObject) -> bool:
    """Say whether an Upgrade has not ended. A missing label counts as running, as it does for the webhook."""
    return state_of(upgrade) not in FINAL_STATES


def running_upgrades(view: View) -> tuple[str, ...]:
    """Name the Upgrades that have not ended; the check must need `upgrades.harvesterhci.io`."""
    return tuple(name_of(upgrade) for upgrade in view.objects("upgrades.harvesterhci.io") if is_running(upgrade))


def before_nodes(upgrade: JsonObject) -> bool:
    """Say whether a running Upgrade is in system-services or earlier: a repair of an Addon is in nobody's way then."""
    if state_of(upgrade) in ("UpgradingNodes", "Upgrading"):
        return False
    return condition_status(upgrade, "SystemServicesUpgraded") in ("", "Unknown") and not condition_status(
        upgrade, "NodesUpgraded"
    )


def patches_services(upgrade: JsonObject) -> bool:
    """Say whether the Job apply-manifests of a running Upgrade is at work."""
    begun = condition_status(upgrade, "SystemServicesUpgraded") == "Unknown"
    return before_nodes(upgrade) and (begun or state_of(upgrade) == "UpgradingSystemServices")


def plan_is_running(plan: JsonObject) -> bool:
    """Say whether an UpgradePlan has not ended; an empty phase counts as running."""
    return text_at(plan, "status.currentPhase") not in FINAL_STATES


def plan_before_nodes(plan: JsonObject) -> bool:
    """Say whether a running UpgradePlan has not come to its nodes."""
    return text_at(plan, "status.currentPhase") not in _NODE_PHASES


def plan_patches_services(plan: JsonObject) -> bool:
    """Say whether the Job that upgrades the system services of a running UpgradePlan is at work."""
    return text_at(plan, "status.currentPhase") == "ClusterUpgrading"


_NODE_PHASES = ("ClusterUpgraded", "NodeUpgrading", "NodeUpgraded", "CleaningUp", "CleanedUp")
