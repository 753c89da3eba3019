"""Nodes and machines must belong together one to one: an orphan on either side keeps an upgrade waiting for a node.

Rule: validator.go isNodeMachineMatching (v1.5.1 to v1.9.0-rc6): as many machines as nodes; every machine has a
nodeRef; every node has label harvesterhci.io/managed=true and an annotation naming a machine that points back at it.
Up to 1.5.0 the server never compares, and check.sh compares the counts alone, so swapped or dangling references pass
it: we judge them for every FROM, as a warning below 1.5.1. The label is a failure everywhere: upgrade_manifests.sh of
every target read (1.4.0 to 1.9.0-rc6) waits without limit for a plan on all nodes that selects by that label.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    ResourceRef,
    Severity,
    View,
    annotations_of,
    check,
    judged,
    labels_of,
    lies_in,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

MACHINES = "machines.cluster.x-k8s.io"
Say: TypeAlias = tuple[Severity, tuple[Enforcer, ...]]
"""How bad a mismatch is on the running version, and who stops for it."""
ANNOTATION, MANAGED = "cluster.x-k8s.io/machine", "harvesterhci.io/managed"


@check(
    id="capi-machine-match",
    title="Every node has its machine and every machine its node",
    category="rancher",
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
)
def capi_machine_match(view: View) -> Iterator[Outcome]:
    """Yield every node and machine that does not belong to one of the other side."""
    nodes, machines = view.objects("nodes"), view.objects(MACHINES)
    if not nodes:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
        return
    compared = lies_in(view.upgrade.from_version, ">=1.5.1") is not False
    say: Say = (FAIL, (Enforcer.WEBHOOK,)) if compared else (WARN, (Enforcer.NONE,))
    if len(nodes) != len(machines):
        who = (*((Enforcer.WEBHOOK,) if compared else ()), Enforcer.CHECK_SH)
        yield _count(len(nodes), len(machines), (say[0], who))
    label: Say = (FAIL, (*((Enforcer.WEBHOOK,) if compared else ()), Enforcer.SCRIPTS))
    yield from judged(nodes, lambda node: _judge_label(node, label))
    names = {name_of(node) for node in nodes}
    yield from judged(machines, lambda machine: _judge_machine(machine, names, say))
    by_name = {name_of(machine): machine for machine in machines}
    yield from judged(nodes, lambda node: _judge_node(node, by_name, say))


def _finding(obj: JsonObject, say: Say, cause: str, message: str, command: str) -> Finding:
    return Finding(
        severity=say[0],
        cause=cause,
        message=message,
        hint=f"Repair it before the upgrade\n{command}",
        resource=ref_of(obj),
        enforced_by=say[1],
    )


def _count(nodes: int, machines: int, say: Say) -> Finding:
    return Finding(
        severity=say[0],
        cause="count-mismatch",
        message=f"There are {nodes} node(s) and {machines} machine(s) in fleet-local; there must be as many of each",
        hint="Find the one without a counterpart\n"
        "kubectl get machines.cluster.x-k8s.io -n fleet-local -o wide\nkubectl get nodes",
        resource=ResourceRef("cluster.x-k8s.io/v1beta1", "Cluster", "fleet-local", "local"),
        evidence={"nodes": nodes, "machines": machines},
        enforced_by=say[1],
    )


def _judge_label(node: JsonObject, say: Say) -> Iterator[Outcome]:
    if text_at(labels_of(node), f"[{MANAGED}]") != "true":
        text = f"Node {name_of(node)} lacks the label {MANAGED}=true, by which the upgrade selects its nodes"
        yield _finding(node, say, "node-not-managed", text, f"kubectl label node {name_of(node)} {MANAGED}=true")


def _judge_machine(machine: JsonObject, nodes: set[str], say: Say) -> Iterator[Outcome]:
    name, node = name_of(machine), text_at(machine, "status.nodeRef.name")
    delete = f"kubectl delete machines.cluster.x-k8s.io {name} -n fleet-local"
    if not node:
        yield _finding(machine, say, "machine-without-node", f"Machine {name} refers to no node", delete)
    elif node not in nodes:
        text = f"Machine {name} refers to node {node}, which does not exist"
        yield _finding(machine, say, "machine-of-missing-node", text, delete)


def _judge_node(node: JsonObject, machines: dict[str, JsonObject], say: Say) -> Iterator[Outcome]:
    name, machine = name_of(node), text_at(annotations_of(node), f"[{ANNOTATION}]")
    repair = f"kubectl annotate node {name} --overwrite {ANNOTATION}=MACHINE"
    if not machine:
        yield _finding(node, say, "node-without-machine", f"Node {name} names no machine ({ANNOTATION})", repair)
    elif machine not in machines:
        text = f"Node {name} names machine {machine}, which does not exist"
        yield _finding(node, say, "machine-missing", text, repair)
    elif (other := text_at(machines[machine], "status.nodeRef.name")) != name and other:
        text = f"Node {name} names machine {machine}, but that machine points at node {other}"
        yield _finding(node, say, "machine-points-elsewhere", text, repair)
