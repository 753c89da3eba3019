"""Every machine of the cluster must be Running, or the server answers 500 to the Upgrade.

Rule: validator.go checkMachines (v1.4.0 to v1.9.0-rc6) and check.sh check_machines: status.phase of every
machines.cluster.x-k8s.io in fleet-local is Running; a phase Cluster API does not know counts as not running.
Edges: no machine at all passes here as it does on the server up to 1.5.0; gate capi-machine-match sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    check,
    kubectl,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

ON_THE_WAY = ("", "Pending", "Provisioning", "Provisioned")


@check(
    title="Every machine is running",
    needs=(need("machines.cluster.x-k8s.io", "status.phase", "status.nodeRef.name"),),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade for a machine that is not Running; its node could not take part.",
    how="A node is joining or being removed, or was taken away without removing its machine.",
    fix="Wait for a node that joins; delete the machine of a node that is gone for good.",
    causes={
        "machine-not-running": "The phase is not Running. Bring the node back, or delete the machine if it is gone."
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused("The server answers 500 and does not create the Upgrade"),
)
def capi_machine_running(view: View) -> Iterator[Outcome]:
    """Yield a finding for every machine in another phase."""
    yield from view.each("machines.cluster.x-k8s.io", _judge)


def _judge(machine: JsonObject) -> Iterator[Outcome]:
    phase, name, node = text_at(machine, "status.phase"), name_of(machine), text_at(machine, "status.nodeRef.name")
    if phase == "Running":
        return
    yield Finding(
        severity=FAIL,
        cause="machine-not-running",
        message=f"Machine {name} (node {node or 'none'}) is in phase {phase or '(none)'}, not Running",
        hint="Wait for its node to join, or delete the machine if that node is gone for good",
        commands=(kubectl("describe machines.cluster.x-k8s.io {} -n fleet-local", name),),
        resource=ref_of(machine),
        evidence={"phase": phase or None, "node": node or None},
        transient=phase in ON_THE_WAY,
        touches={"node": (node,)} if node else {},
    )
