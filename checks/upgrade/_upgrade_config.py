"""Setting upgrade-config as the server decodes it: the types it wants, and what each fault of it does.

Rule: settings.UpgradeConfig in pkg/settings (v1.4.0 to v1.9.0-rc6); the last three paths exist from 1.7.0 on.
"""

from __future__ import annotations

from typing import Any

from preflight.api import (
    Certainty,
    Command,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Phase,
    ResourceRef,
    Severity,
    View,
    effective_value,
    fails,
    hangs,
    harmless,
    kubectl,
    lies_in,
    ref_of,
    stops_workload,
    value_at,
)

NAME = "upgrade-config"
TYPE, CONCURRENCY = "imagePreloadOption.strategy.type", "imagePreloadOption.strategy.concurrency"
MODE = "nodeUpgradeOption.strategy.mode"
TYPED = ((TYPE, str), (CONCURRENCY, int), ("restoreVM", bool))
TYPED_SINCE_1_7 = (
    ("logReadyTimeout", str),
    (MODE, str),
    ("nodeUpgradeOption.strategy.pauseNodes", list),
)
STRATEGIES, MODES = ("sequential", "parallel", "skip"), ("auto", "manual")
LOG_READY_MINUTES = range(1, 21)
EDIT = kubectl("edit settings.harvesterhci.io upgrade-config")
RESTART = kubectl("rollout restart deployment harvester -n harvester-system")
UNLABELLED = (
    "The controller fails before its first step: the Upgrade stays without a state, and the next one is refused for it"
)
CONSEQUENCES = {
    "preload-strategy-invalid": hangs(
        Phase.PRELOAD,
        "The controller retries without end once the repository is up; the Upgrade never gets a state Failed",
    ),
    "images-not-preloaded": fails(
        Phase.NODE_UPGRADE, "A node that cannot pull an image when it needs it may end the upgrade", Certainty.POSSIBLE
    ),
    "restore-vm-ignored": stops_workload(Phase.NODE_DRAIN, "VMs that the upgrade shuts down may stay off after it"),
    "log-timeout-ignored": harmless("The server waits 5 minutes for the logging instead"),
    "node-mode-unknown": harmless("The server treats it as auto: no node pauses"),
}


def type_problem(view: View, config: dict[str, Any]) -> str:
    """Say what of the setting the server cannot decode, empty when it can decode all of it."""
    typed = TYPED + (TYPED_SINCE_1_7 if lies_in(view.upgrade.from_version, ">=1.7.0") is not False else ())
    for path, wanted in typed:
        found = value_at(config, path)
        if found is not None and (not isinstance(found, wanted) or (wanted is int and isinstance(found, bool))):
            return f"{path} is {found!r}, which the server cannot decode"
    return ""


def finding(
    setting: JsonObject | None,
    severity: Severity,
    cause: str,
    text: str,
    enforcer: Enforcer,
    consequence: Consequence | None = None,
    command: Command = EDIT,
) -> Finding:
    """Make a finding about the setting, or about its absence (None)."""
    return Finding(
        severity=severity,
        cause=cause,
        message=f"Setting {NAME}: {text}",
        hint="Correct the setting before creating the Upgrade"
        if setting
        else "Restart the harvester deployment, which creates the setting",
        commands=(command,),
        resource=ref_of(setting) if setting else ResourceRef("harvesterhci.io/v1beta1", "Setting", "", NAME),
        evidence={"value": effective_value(setting) if setting else None},
        enforced_by=(enforcer,),
        consequence=consequence or CONSEQUENCES[cause],
    )
