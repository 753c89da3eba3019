"""A witness node must be one, be tainted, and leaves one node less for replicas than there are nodes.

Rule: check.sh check_nodes: at most one node with label node-role.harvesterhci.io/witness=true, and it carries the
taint node-role.kubernetes.io/etcd=true:NoExecute. A witness without any taint makes jq fail there and ends the whole
script without a summary; here it is a finding. The webhook (from v1.6.0) takes the label's key alone for a witness,
check.sh and the upgrade scripts its value "true": they disagree on any other value.
Edges: no replica is placed on a witness, so an attached volume that wants one on every node stays degraded, and the
server, which counts the witness as a node, refuses the Upgrade for it (longhorn-volume-health).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Explains,
    JsonObject,
    Outcome,
    Tie,
    Unknown,
    View,
    check,
    integer_at,
    judged,
    kubectl,
    maps_at,
    name_of,
    need,
    text_at,
)

from ._witness import WITNESS_LABEL, witness_label
from ._witness_findings import FEWER_REPLICAS, HALF_A_WITNESS, STAY_DEGRADED, witness_finding

VOLUMES = "volumes.longhorn.io"
TAINT = {"key": "node-role.kubernetes.io/etcd", "value": "true", "effect": "NoExecute"}
NAMES_SHOWN = 10


@check(
    title="The witness node, if any, is set up as one",
    needs=(need("nodes", "spec.taints"), need(VOLUMES, "spec.numberOfReplicas", "status.state", optional=True)),
    worst=WARN,
    enforced_by=(Enforcer.CHECK_SH, Enforcer.WEBHOOK, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/advanced/witness",
    why="The upgrade treats a witness differently in several places; one that is half set up is treated both ways.",
    how="The label or the taint was changed by hand after the node joined.",
    fix="Keep exactly one witness, with the label's value true and the etcd taint; give volumes as many replicas as "
    "there are other nodes.",
    causes={
        "several-witnesses": "More than one node is labelled as witness; Harvester supports one.",
        "witness-taint-missing": "The witness lacks the taint that keeps workloads off it: add it.",
        "witness-label-value": "The label is there with a value other than true: set it to true, or remove it.",
        "replicas-exceed-data-nodes": "These volumes want more replicas than there are nodes to hold them, so they "
        "stay degraded while attached: lower their numberOfReplicas.",
    },
    consequence=HALF_A_WITNESS,
    explains=(Explains("longhorn-volume-health", Tie.VOLUME, causes=("replicas-exceed-data-nodes",)),),
)
def witness_node(view: View) -> Iterator[Outcome]:
    """Yield what is wrong with the witness, and the volumes that can never be healthy because of it."""
    nodes = view.some("nodes")
    yield from judged(nodes, _judge_label)
    witnesses = [node for node in nodes if witness_label(node) == "true"]
    yield from judged(nodes, _judge_taint)
    if len(witnesses) > 1:
        names = ", ".join(name_of(node) for node in witnesses)
        yield witness_finding(
            witnesses[1],
            "several-witnesses",
            f"{len(witnesses)} nodes are labelled as witness, one is supported: {names}",
            kubectl("label node {} {}-", name_of(witnesses[1]), WITNESS_LABEL),
            Enforcer.CHECK_SH,
        )
    if witnesses:
        yield from _volumes(view, witnesses[0], len(nodes) - len(witnesses))


def _judge_label(node: JsonObject) -> Iterator[Outcome]:
    value = witness_label(node)
    if value not in (None, "true"):
        yield witness_finding(
            node,
            "witness-label-value",
            f"Node {name_of(node)} has the witness label with value {value!r}: the webhook from 1.6 on takes it for a "
            "witness, the upgrade scripts do not",
            kubectl("label node {} {}=true --overwrite", name_of(node), WITNESS_LABEL),
            Enforcer.NONE,
        )


def _judge_taint(node: JsonObject) -> Iterator[Outcome]:
    if witness_label(node) != "true":
        return
    taints = maps_at(node, "spec.taints")
    if not any(all(text_at(taint, key) == wanted for key, wanted in TAINT.items()) for taint in taints):
        taint = f"{TAINT['key']}={TAINT['value']}:{TAINT['effect']}"
        yield witness_finding(
            node,
            "witness-taint-missing",
            f"Witness node {name_of(node)} lacks the taint {taint}",
            kubectl("taint nodes {} {}", name_of(node), taint),
            Enforcer.CHECK_SH,
        )


def _volumes(view: View, witness: JsonObject, data_nodes: int) -> Iterator[Outcome]:
    if missing := view.missing(VOLUMES):
        yield Unknown(missing)
        return
    names = [
        name_of(volume)
        for volume in view.objects(VOLUMES)
        if text_at(volume, "status.state") == "attached"
        and (integer_at(volume, "spec.numberOfReplicas") or 0) > data_nodes
    ]
    if names:
        shown = ", ".join(names[:NAMES_SHOWN]) + (f", {len(names) - NAMES_SHOWN} more" if names[NAMES_SHOWN:] else "")
        looks = data_nodes + 1 >= 3
        yield witness_finding(
            witness,
            "replicas-exceed-data-nodes",
            f"{len(names)} attached volume(s) want more replicas than the {data_nodes} node(s) that hold any: {shown}",
            kubectl("get volumes.longhorn.io -n longhorn-system {} -o yaml", names[0]),
            Enforcer.WEBHOOK if looks else Enforcer.NONE,
            consequence=STAY_DEGRADED if looks else FEWER_REPLICAS,
            volumes=tuple(names),
        )
