"""A node under pressure takes none of the upgrade's pods: the images are not loaded, and the Upgrade ends Failed.

Rule: the pods of the upgrade (v1.4.0 to v1.9.0-rc6: preload plan, hook jobs) tolerate none of the taints that Kubernetes
sets for DiskPressure, MemoryPressure, PIDPressure and NetworkUnavailable, and ask for no resources, so that memory
pressure is not tolerated for them either. The preload job ends after 3600 s, and with it the Upgrade. The server asks
for Ready and unschedulable only. Condition and taint count alike; whichever is there for more than ten minutes fails.
Units: minutes since the condition changed, else since the taint was added; without either time it is no new one.
Edges: NetworkUnavailable is False or absent on a healthy node. Only nodes with harvesterhci.io/managed run the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    condition,
    fails,
    human_duration,
    judged,
    kubectl,
    labels_of,
    maps_at,
    name_of,
    need,
    on_node,
    ref_of,
    text_at,
    time_at,
)

GRACE = timedelta(minutes=10)


class Pressure(NamedTuple):
    """One state of a node that Kubernetes taints it for."""

    cause: str
    taint: str
    words: str
    hint: str


PRESSURES: Mapping[str, Pressure] = {
    "DiskPressure": Pressure(
        "disk-pressure",
        "node.kubernetes.io/disk-pressure",
        "too little disk space or inodes left",
        "Free space on the node: unused images and old logs first",
    ),
    "MemoryPressure": Pressure(
        "memory-pressure",
        "node.kubernetes.io/memory-pressure",
        "too little memory left",
        "Move machines off the node, or stop what takes its memory",
    ),
    "PIDPressure": Pressure(
        "pid-pressure",
        "node.kubernetes.io/pid-pressure",
        "too many processes",
        "Find on the node what starts so many processes, and stop it",
    ),
    "NetworkUnavailable": Pressure(
        "network-unavailable",
        "node.kubernetes.io/network-unavailable",
        "no working pod network",
        "Look at the pods of the cluster network on this node",
    ),
}
"""By the type of the node's condition."""


@check(
    title="No node is under pressure",
    needs=(need("nodes", "spec.taints", "status.conditions"),),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Kubernetes keeps new pods off such a node, the upgrade's too: the images are not loaded there, and after an hour "
    "the Upgrade is Failed. Pods that run are evicted meanwhile.",
    how="The disk or the memory of the node is nearly used up, or its pod network did not come up.",
    fix="Free what the condition names, and wait until Kubernetes takes the taint away.",
    causes={
        "disk-pressure": "The kubelet has too little disk space or inodes: free some, images and logs first.",
        "memory-pressure": "The kubelet has too little memory: move machines off the node.",
        "pid-pressure": "Too many processes run on the node: find what starts them.",
        "network-unavailable": "The pod network of the node is not set up: look at its network pods.",
    },
    explains=(Explains("pod-health", Tie.NODE), Explains("control-plane-workloads", Tie.NODE)),
)
def node_pressure(view: View) -> Iterator[Outcome]:
    """Yield a finding for every state of a managed node that keeps the upgrade's pods off it."""
    yield from judged(view.some("nodes"), partial(_judge, now=view.now))


def _judge(node: JsonObject, now: datetime) -> Iterator[Outcome]:
    if text_at(labels_of(node), "[harvesterhci.io/managed]") != "true":
        return
    for kind, pressure in PRESSURES.items():
        found = condition(node, kind)
        present = found is not None and text_at(found, "status") == "True"
        taint = next((each for each in maps_at(node, "spec.taints") if text_at(each, "key") == pressure.taint), None)
        if present or taint is not None:
            since = time_at(found, "lastTransitionTime") if present and found else None
            if since is None and taint is not None:
                since = time_at(taint, "timeAdded")
            why = text_at(found, "message") if present and found else f"taint {pressure.taint}"
            yield _finding(node, kind, why, None if since is None else now - since)


def _finding(node: JsonObject, kind: str, why: str, age: timedelta | None) -> Finding:
    pressure, name = PRESSURES[kind], name_of(node)
    new = age is not None and age <= GRACE
    return Finding(
        severity=WARN if new else FAIL,
        cause=pressure.cause,
        message=f"Node {name} has {pressure.words}"
        + (f" for {human_duration(age)}" if age is not None else "")
        + f" ({why or kind})",
        hint=pressure.hint,
        commands=(
            kubectl("describe node {}", name),
            *((on_node("df -h /usr/local /var/lib/kubelet"),) if kind == "DiskPressure" else ()),
        ),
        resource=ref_of(node),
        evidence={"condition": kind, "seconds": int(age.total_seconds()) if age is not None else None},
        transient=new,
        consequence=fails(
            Phase.PRELOAD,
            "If it lasts, the upgrade's pods may not be placed on the node, and the Upgrade may end Failed"
            if new
            else "The pod that loads the images is not placed on the node, and the Upgrade ends Failed after an hour",
            Certainty.POSSIBLE if new else Certainty.CERTAIN,
        ),
    )
