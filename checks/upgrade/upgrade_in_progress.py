"""Only one upgrade runs at a time: the server refuses a second, and no repair may touch a cluster that is upgrading.

Rule: validator.go Create (v1.4.0 to v1.9.0-rc6), not bypassed by skipWebhook: any Upgrade whose label
harvesterhci.io/upgradeState is neither Succeeded nor Failed counts as running; a missing label counts too, which is
how an Upgrade looks whose controller failed before its first step.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Tie,
    View,
    check,
    kubectl,
    maps_at,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

from .._upgrades import STATE_LABEL, is_running, state_of

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


@check(
    id="upgrade-in-progress",
    title="No other upgrade is running",
    category="upgrade",
    needs=(need("upgrades.harvesterhci.io", "spec.version", "status.conditions", "status.nodeStatuses.*.state"),),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server answers 409 to a second Upgrade while one is not finished; no annotation gets past that.",
    how="An upgrade is running, hangs in one of its steps, or was created by hand and never picked up.",
    fix="Wait for it. If it hangs before any node is upgraded, stop it as the troubleshooting page describes.",
    causes={
        "upgrade-running": "An Upgrade has a state that is not final. Wait, or stop it; never while nodes upgrade.",
        "upgrade-without-state": "An Upgrade carries no state label: its controller failed before the first step.",
    },
    explains=tuple(Explains(check_id, tie=Tie.CLUSTER) for check_id in FOLLOWS),
    consequence=refused("The server answers 409 to a second Upgrade; no annotation gets past that"),
)
def upgrade_in_progress(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Upgrade that has not ended."""
    yield from view.each("upgrades.harvesterhci.io", _judge)


def _judge(upgrade: JsonObject) -> Iterator[Outcome]:
    if not is_running(upgrade):
        return
    state = state_of(upgrade)
    name = name_of(upgrade)
    open_steps = [
        text_at(entry, "type") for entry in maps_at(upgrade, "status.conditions") if entry.get("status") != "True"
    ]
    yield Finding(
        severity=FAIL,
        cause="upgrade-running" if state else "upgrade-without-state",
        message=f"Upgrade {name} to {text_at(upgrade, 'spec.version') or 'an image'} has not ended: "
        + (f"its state is {state}" if state else f"it has no {STATE_LABEL} label, which the server counts as running"),
        hint="Wait for it to end; stop it only while no node is being upgraded",
        commands=(kubectl("get upgrades.harvesterhci.io {} -n harvester-system -o yaml", name),),
        resource=ref_of(upgrade),
        evidence={"state": state or None, "openConditions": sorted(open_steps)},
    )
