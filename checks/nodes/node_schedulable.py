"""A cordoned node makes the server refuse the Upgrade, whoever cordoned it and why.

Rule: validator.go checkNodes (v1.4.0 to v1.9.0-rc6) and check.sh check_nodes agree: spec.unschedulable must not be
true. Maintenance mode cordons too; its annotation harvesterhci.io/maintain-status tells the two apart.
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
    annotations_of,
    boolean_at,
    check,
    judged,
    kubectl,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

MAINTENANCE = "harvesterhci.io/maintain-status"


@check(
    title="Every node accepts new pods",
    needs=(need("nodes", "spec.unschedulable", f"metadata.annotations[{MAINTENANCE}]"),),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade while a node is cordoned: VMs that move off one node need room on the others.",
    how="Somebody cordoned or drained the node, put it into maintenance mode, or an upgrade stopped half-way.",
    fix="Uncordon the node, or leave maintenance mode in the UI.",
    causes={
        "node-cordoned": "spec.unschedulable is true: uncordon the node.",
        "node-in-maintenance": "The node is in maintenance mode: leave it in the UI (Hosts, Disable Maintenance Mode).",
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused(),
    explains=(Explains("longhorn-eviction-requested", Tie.NODE),),
)
def node_schedulable(view: View) -> Iterator[Outcome]:
    """Yield a finding for every cordoned node."""
    yield from judged(view.some("nodes"), _judge)


def _judge(node: JsonObject) -> Iterator[Outcome]:
    if not boolean_at(node, "spec.unschedulable"):
        return
    name, maintenance = name_of(node), text_at(annotations_of(node), f"[{MAINTENANCE}]")
    yield Finding(
        severity=FAIL,
        cause="node-in-maintenance" if maintenance else "node-cordoned",
        message=f"Node {name} is unschedulable"
        + (f": maintenance mode is {maintenance}" if maintenance else ": it is cordoned"),
        hint="Leave maintenance mode of this node in the UI (Hosts), which also uncordons it"
        if maintenance
        else "Uncordon the node",
        commands=() if maintenance else (kubectl("uncordon {}", name),),
        resource=ref_of(node),
        evidence={"unschedulable": True, "maintenance": maintenance or None},
    )
