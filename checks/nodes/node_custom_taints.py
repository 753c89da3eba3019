"""A taint the upgrade's pods do not tolerate keeps them Pending until their job's time is up: the Upgrade ends Failed.

Rule: the image preload plan of the running version (v1.4.0 to v1.9.0-rc6) tolerates CriticalAddonsOnly,
kubevirt.io/drain:NoSchedule, node-role.kubernetes.io/control-plane:NoExecute and /etcd:NoExecute, and
kubernetes.io/arch=amd64|arm64|arm:NoSchedule; its job ends after 3600 s. No one checks this beforehand.
Edges: PreferNoSchedule harms nothing; node.kubernetes.io/unschedulable is gate node-schedulable; what Kubernetes itself
says of a node by a taint is node-ready or node-pressure, any other taint of node.kubernetes.io (out-of-service) was set
by somebody. Only nodes with harvesterhci.io/managed run the plan.
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
    Phase,
    Tie,
    View,
    check,
    fails,
    judged,
    kubectl,
    labels_of,
    maps_at,
    name_of,
    need,
    ref_of,
    text_at,
)

EFFECTS = ("NoSchedule", "NoExecute")
TOLERATED = (
    ("kubevirt.io/drain", "NoSchedule"),
    ("node-role.kubernetes.io/control-plane", "NoExecute"),
    ("node-role.kubernetes.io/etcd", "NoExecute"),
)
ARCHITECTURES = ("amd64", "arm64", "arm")
KUBERNETES = "node.kubernetes.io/"
ELSEWHERE = (
    "disk-pressure",
    "memory-pressure",
    "network-unavailable",
    "not-ready",
    "pid-pressure",
    "unreachable",
    "unschedulable",
)
"""Taints of Kubernetes that node-pressure, node-ready and node-schedulable speak of."""


@check(
    title="No node has a taint the upgrade does not tolerate",
    needs=(need("nodes", "spec.taints"),),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade runs a pod on every managed node; a taint it does not tolerate keeps it Pending for an hour, "
    "then the Upgrade is Failed, after the ISO was downloaded.",
    how="Somebody tainted the node to keep work off it, or to have the pods of a node that is down moved.",
    fix="Remove the taint for the time of the upgrade and put it back afterwards.",
    causes={
        "taint-not-tolerated": "A taint of your own that the upgrade's pods do not tolerate: remove it for a while.",
        "taint-of-kubernetes": "A taint under Kubernetes' own name that no state of the node explains, such as "
        "out-of-service: remove it when its reason is gone.",
    },
    consequence=fails(
        Phase.PRELOAD,
        "The pod that loads the images stays Pending on this node, and the Upgrade ends Failed after an hour",
    ),
    explains=(Explains("pod-health", Tie.NODE),),
)
def node_custom_taints(view: View) -> Iterator[Outcome]:
    """Yield a finding for every taint on a managed node that would keep the upgrade's pods off it."""
    yield from judged(view.some("nodes"), _judge)


def _judge(node: JsonObject) -> Iterator[Outcome]:
    if text_at(labels_of(node), "[harvesterhci.io/managed]") != "true":
        return
    for taint in maps_at(node, "spec.taints"):
        key, value, effect = text_at(taint, "key"), text_at(taint, "value"), text_at(taint, "effect")
        if effect not in EFFECTS or _is_tolerated(key, value, effect):
            continue
        own = not key.startswith(KUBERNETES)
        if not own and key.removeprefix(KUBERNETES) in ELSEWHERE:
            continue
        yield Finding(
            severity=FAIL,
            cause="taint-not-tolerated" if own else "taint-of-kubernetes",
            message=f"Node {name_of(node)} has taint {key}{'=' + value if value else ''}:{effect}, "
            "which the upgrade's pods do not tolerate",
            hint="Remove the taint for the time of the upgrade",
            commands=(kubectl("taint nodes {} {}:{}-", name_of(node), key, effect),),
            resource=ref_of(node),
            evidence={"key": key, "value": value or None, "effect": effect},
        )


def _is_tolerated(key: str, value: str, effect: str) -> bool:
    if key == "CriticalAddonsOnly":
        return True
    if key == "kubernetes.io/arch":
        return effect == "NoSchedule" and value in ARCHITECTURES
    return (key, effect) in TOLERATED
