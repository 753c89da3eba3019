"""Nodes and machines must belong together one to one: an orphan on either side keeps an upgrade waiting for a node.

Rule: validator.go isNodeMachineMatching (v1.5.1 to v1.9.0-rc6): as many machines as nodes; every machine has a
nodeRef; every node has label harvesterhci.io/managed=true and an annotation naming a machine that points back at it.
Up to 1.5.0 the server never compares, and check.sh compares the counts alone, so swapped or dangling references pass
it: they fail here for every FROM, since the drain of a node starts from the plan Secret of its machine alone. Without the
label upgrade_manifests.sh of every target read (1.4.0 to 1.9.0-rc6) waits without limit for a plan on all nodes that
selects by that label.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    Certainty,
    Command,
    Consequence,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    Tie,
    View,
    annotations_of,
    check,
    hangs,
    judged,
    kubectl,
    labels_of,
    lies_in,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

MACHINES = "machines.cluster.x-k8s.io"
ANNOTATION, MANAGED = "cluster.x-k8s.io/machine", "harvesterhci.io/managed"
NEVER_DRAINED = hangs(
    Phase.NODE_DRAIN,
    "The drain of a node starts from its machine, so the upgrade waits without end for a node that has none, or for one "
    "that is not there (read in the code, not tried on 1.4)",
    Certainty.LIKELY,
)
NOT_SELECTED = hangs(
    Phase.SYSTEM_SERVICES,
    "The script waits without limit for a plan that covers every node, and this one is never covered",
)


class Say(NamedTuple):
    """What a mismatch comes to on the running version, and who stops for it."""

    consequence: Consequence
    enforced_by: tuple[Enforcer, ...]


@check(
    title="Every node has its machine and every machine its node",
    needs=(need("nodes", f"metadata.annotations[{ANNOTATION}]"), need(MACHINES, "status.nodeRef.name")),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="From 1.5.1 the server refuses the Upgrade; before that an orphan machine stalls the node upgrades. A node "
    "without the managed label hangs the upgrade of every version.",
    how="A node was removed without its machine, joined by hand, or its labels and annotations were edited.",
    fix="Delete the machine of a node that is gone; repair the annotation or label of a node that is there.",
    causes={
        "count-mismatch": "There are more machines than nodes, or fewer: find the orphan and delete or repair it.",
        "node-not-managed": "The node lacks label harvesterhci.io/managed=true: set it, or remove the node.",
        "node-without-machine": "The node names no machine: it was not provisioned by Rancher; repair the annotation.",
        "machine-missing": "The node names a machine that does not exist: repair the annotation.",
        "machine-points-elsewhere": "The machine the node names points at another node: repair the annotation.",
        "machine-without-node": "The machine has no nodeRef: its node never joined. Delete it if that never will.",
        "machine-of-missing-node": "The machine points at a node that does not exist: delete the machine.",
    },
    waived_by="harvesterhci.io/skipWebhook",
    explains=(
        Explains("capi-machine-running", Tie.OBJECT, causes=("machine-without-node", "machine-of-missing-node")),
        Explains("machine-plan-leftover", Tie.OBJECT, causes=("machine-without-node", "machine-of-missing-node")),
    ),
)
def capi_machine_match(view: View) -> Iterator[Outcome]:
    """Yield every node and machine that does not belong to one of the other side."""
    nodes, machines = view.some("nodes"), view.objects(MACHINES)
    compared = lies_in(view.upgrade.from_version, ">=1.5.1") is not False
    server = (Enforcer.WEBHOOK,) if compared else ()
    say = Say(refused() if compared else NEVER_DRAINED, server or (Enforcer.NONE,))
    if len(nodes) != len(machines):
        yield _count(len(nodes), len(machines), say._replace(enforced_by=(*server, Enforcer.CHECK_SH)))
    label = Say(refused() if compared else NOT_SELECTED, (*server, Enforcer.SCRIPTS))
    yield from judged(nodes, lambda node: _judge_label(node, label))
    names = {name_of(node) for node in nodes}
    yield from judged(machines, lambda machine: _judge_machine(machine, names, say))
    by_name = {name_of(machine): machine for machine in machines}
    yield from judged(nodes, lambda node: _judge_node(node, by_name, say))


def _finding(obj: JsonObject, say: Say, cause: str, message: str, command: Command, *nodes: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause=cause,
        message=message,
        hint="Repair it before the upgrade",
        commands=(command,),
        resource=ref_of(obj),
        enforced_by=say.enforced_by,
        consequence=say.consequence,
        touches={"node": nodes} if nodes else {},
    )


def _count(nodes: int, machines: int, say: Say) -> Finding:
    return Finding(
        severity=FAIL,
        cause="count-mismatch",
        message=f"There are {nodes} node(s) and {machines} machine(s) in fleet-local; there must be as many of each",
        hint="Find the one without a counterpart",
        commands=(kubectl("get machines.cluster.x-k8s.io -n fleet-local -o wide"), kubectl("get nodes")),
        resource=ResourceRef("cluster.x-k8s.io/v1beta1", "Cluster", "fleet-local", "local"),
        evidence={"nodes": nodes, "machines": machines},
        enforced_by=say.enforced_by,
        consequence=say.consequence,
    )


def _judge_label(node: JsonObject, say: Say) -> Iterator[Outcome]:
    if text_at(labels_of(node), f"[{MANAGED}]") != "true":
        text = f"Node {name_of(node)} lacks the label {MANAGED}=true, by which the upgrade selects its nodes"
        yield _finding(node, say, "node-not-managed", text, kubectl("label node {} {}=true", name_of(node), MANAGED))


def _judge_machine(machine: JsonObject, nodes: set[str], say: Say) -> Iterator[Outcome]:
    name, node = name_of(machine), text_at(machine, "status.nodeRef.name")
    delete = kubectl("delete machines.cluster.x-k8s.io {} -n fleet-local", name)
    if not node:
        yield _finding(machine, say, "machine-without-node", f"Machine {name} refers to no node", delete)
    elif node not in nodes:
        text = f"Machine {name} refers to node {node}, which does not exist"
        yield _finding(machine, say, "machine-of-missing-node", text, delete, node)


def _judge_node(node: JsonObject, machines: dict[str, JsonObject], say: Say) -> Iterator[Outcome]:
    name, machine = name_of(node), text_at(annotations_of(node), f"[{ANNOTATION}]")
    repair = kubectl("annotate node {} --overwrite {}=MACHINE", name, ANNOTATION)
    if not machine:
        yield _finding(node, say, "node-without-machine", f"Node {name} names no machine ({ANNOTATION})", repair)
    elif machine not in machines:
        text = f"Node {name} names machine {machine}, which does not exist"
        yield _finding(node, say, "machine-missing", text, repair)
    elif (other := text_at(machines[machine], "status.nodeRef.name")) != name and other:
        text = f"Node {name} names machine {machine}, but that machine points at node {other}"
        yield _finding(node, say, "machine-points-elsewhere", text, repair, other)
