"""Only one upgrade runs at a time: the server refuses a second, and no repair may touch a cluster that is upgrading.

Rule: validator.go Create (v1.4.0 to v1.9.0-rc6), not bypassed by skipWebhook: any Upgrade whose label
harvesterhci.io/upgradeState is neither Succeeded nor Failed counts as running; a missing label counts too, which is
how an Upgrade looks whose controller failed before its first step.
What a running one waits for: see _diagnosis.py. It costs nothing to know while none runs.
Units: `patience` is how long one step may take (1 hour).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    Enforcer,
    Explains,
    JsonObject,
    Outcome,
    Tie,
    View,
    check,
    maps_at,
    name_of,
    need,
    refused,
    text_at,
)

from .._upgrades import STATE_LABEL, is_running
from ._diagnosis import CAUSES, PATIENCE, diagnose, finding
from ._phases import run_of_upgrade
from ._reasons import REASONS
from ._sight import NEEDS
from ._steps_nodes import PAUSE_MAP

FOLLOWS = (
    "capi-cluster-provisioned",
    "machine-plan-leftover",
    "managed-chart-paused",
    "managed-chart-ready",
    "node-schedulable",
    "node-version-skew",
    "vm-migration-running",
)
"""What an upgrade in the middle of its work looks like to other checks."""
NOT_OF = ("waits-for-manifests", "waits-for-chart", "waits-for-controller", "hangs-unexplained")
"""Causes of which the other checks' findings may be the root, and so do not follow from them."""
REFUSES = refused("The server answers 409 to a second Upgrade; no annotation gets past that")
OWN_CAUSES = {
    "upgrade-running": "An Upgrade has a state that is not final. Wait, or stop it; never while nodes upgrade.",
    "upgrade-without-state": "An Upgrade carries no state label: its controller failed before the first step.",
    **CAUSES,
}


@check(
    id="upgrade-in-progress",
    title="No other upgrade is running",
    category="upgrade",
    needs=(
        need(
            "upgrades.harvesterhci.io",
            "spec.version",
            "spec.image",
            "status.conditions",
            "status.nodeStatuses",
            "status.imageID",
            f"metadata.annotations[{PAUSE_MAP}]",
        ),
        *NEEDS,
    ),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server answers 409 to a second Upgrade while one is not finished; no annotation gets past that.",
    how="An upgrade is running, hangs in one of its steps, or was created by hand and never picked up.",
    fix="Wait for it, or cure what it waits for (`why` says what). If it hangs before any node is upgraded, it can be "
    "stopped as the troubleshooting page describes.",
    causes=OWN_CAUSES,
    options={"patience": PATIENCE},
    explained_by=REASONS,
    explains=tuple(
        Explains(check_id, tie=Tie.CLUSTER, causes=tuple(cause for cause in OWN_CAUSES if cause not in NOT_OF))
        for check_id in FOLLOWS
    ),
    consequence=REFUSES,
)
def upgrade_in_progress(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Upgrade that has not ended, with what it waits for."""
    yield from view.each("upgrades.harvesterhci.io", lambda upgrade: _judge(view, upgrade))


def _judge(view: View, upgrade: JsonObject) -> Iterator[Outcome]:
    if not is_running(upgrade):
        return
    run = run_of_upgrade(upgrade)
    open_steps = [
        text_at(entry, "type") for entry in maps_at(upgrade, "status.conditions") if entry.get("status") != "True"
    ]
    is_so = (
        f"its state is {run.word}" if run.word else f"it has no {STATE_LABEL} label, which the server counts as running"
    )
    yield finding(
        diagnose(view, run),
        cause="upgrade-running" if run.word else "upgrade-without-state",
        opening=f"Upgrade {name_of(upgrade)} to {text_at(upgrade, 'spec.version') or 'an image'} has not ended: {is_so}",
        evidence={"state": run.word or None, "openConditions": sorted(open_steps)},
        consequence=REFUSES,
    )
