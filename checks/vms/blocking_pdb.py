"""A disruption budget that allows no disruption keeps the drain of the nodes its pods stand on going for ever.

Rule: Rancher drains every node with eviction (force, ignoring DaemonSets, no timeout of its own: 600 s an attempt, and
attempts without end; upgrade controller 1.4.0 to 1.9.0-rc6, Rancher machinedrain). The Kubernetes eviction API refuses
a Running pod of a budget whose status.disruptionsAllowed is 0, unless the pod is not Ready and the budget says
AlwaysAllow, or its currentHealthy is at least its desiredHealthy (above 0). A pod that two budgets select cannot be
evicted at all: an error at once. Pods that are Pending, at their end or being deleted, of a DaemonSet, or of the node
itself (static) are not evicted.
A budget that would allow a disruption if all its pods were healthy, or that its controller has not looked at since it
was changed, is expected to give way.
Left out, since the drain meets them differently: instance managers of Longhorn (orphan-engine and other gates), the
budgets KubeVirt makes for a machine (vm-evacuation-pdb) and the pods of machines, which are gone before the drain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from preflight.api import (
    FAIL,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    integer_at,
    judged,
    kubectl,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

from .._budgets import MIRROR, Budgets, gives_way, is_judged_elsewhere, refused
from ._vms import full_name

BUDGETS = "poddisruptionbudgets.policy"
SHOWN = 5
"""Pods named in the message; all are in the evidence up to KEPT."""
KEPT = 50

WAITS = hangs(Phase.NODE_DRAIN, "The drain of the pods' nodes retries the eviction without end")
UNLESS_HEALED = hangs(
    Phase.NODE_DRAIN,
    "The drain of the pods' nodes retries the eviction until the budget's pods are healthy; nothing says they will be",
    Certainty.LIKELY,
)


@check(
    title="Every disruption budget lets its nodes be drained",
    needs=(
        need("nodes"),
        need(
            BUDGETS,
            "spec.selector",
            "spec.unhealthyPodEvictionPolicy",
            "status.disruptionsAllowed",
            "status.expectedPods",
            "status.currentHealthy",
            "status.desiredHealthy",
            "status.observedGeneration",
        ),
        need("pods", "spec.nodeName", "status.phase", "status.conditions", f"metadata.annotations[{MIRROR}]"),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The drain of a node retries an eviction that is refused without limit: the node stays in Pre-drained.",
    how="A workload of one replica with minAvailable 1, a budget of 100 %, pods that are not healthy, or two budgets "
    "over the same pods.",
    fix="Let the budget allow one disruption (more replicas, a lower minAvailable), or delete it for the upgrade.",
    links=("https://github.com/harvester/harvester/issues/4665",),
    causes={
        "pdb-allows-none": "The budget allows no disruption of pods that the drain has to evict: make it allow one.",
        "pod-under-two-pdbs": "More than one budget selects the pod, so no eviction of it succeeds: leave it one.",
    },
)
def blocking_pdb(view: View) -> Iterator[Outcome]:
    """Yield a finding for every budget that allows nothing, and for every pod under several."""
    if len(view.some("nodes")) == 1:
        yield NotApplicable("the cluster has one node, and a single node is not drained")
        return
    budgets = Budgets()
    for budget in view.objects(BUDGETS):
        if not is_judged_elsewhere(budget):
            budgets.add(budget)
    yield from judged(view.objects("pods"), budgets.place)
    for budget, pods in budgets.selected():
        yield from judged([budget], partial(_judge_budget, pods=pods))
    for pod, names in budgets.crowded:
        yield _crowded(pod, names)


def _judge_budget(budget: JsonObject, pods: list[JsonObject]) -> Iterator[Outcome]:
    stuck = refused(budget, pods)
    if not stuck:
        return
    passes = gives_way(budget)
    numbers = {
        part: integer_at(budget, f"status.{part}") or 0
        for part in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    }
    yield Finding(
        severity=FAIL,
        cause="pdb-allows-none",
        message=f"PodDisruptionBudget {full_name(budget)} allows no disruption ({numbers['currentHealthy']} of "
        f"{numbers['expectedPods']} pods are healthy, {numbers['desiredHealthy']} must be), and the drain has to evict "
        f"{_named(stuck)}",
        hint="Get its pods healthy: it then allows a disruption"
        if passes
        else "Let it allow one disruption (another replica, a lower minAvailable), or delete it for the upgrade",
        commands=(
            kubectl("get poddisruptionbudgets.policy {} -n {} -o yaml", name_of(budget), namespace_of(budget)),
            *([kubectl("get pods -n {} -o wide", namespace_of(budget))] if passes else ()),
        ),
        resource=ref_of(budget),
        evidence={**numbers, "pods": sorted(map(name_of, stuck))[:KEPT]},
        transient=passes,
        consequence=UNLESS_HEALED if passes else WAITS,
        touches=_touched(stuck),
    )


def _crowded(pod: JsonObject, names: list[str]) -> Finding:
    return Finding(
        severity=FAIL,
        cause="pod-under-two-pdbs",
        message=f"Pod {full_name(pod)} on {text_at(pod, 'spec.nodeName')} is selected by {len(names)} disruption budgets: "
        f"{', '.join(sorted(names)[:SHOWN])}",
        hint="Change or delete the budgets until one selects it",
        commands=(kubectl("get poddisruptionbudgets.policy -n {} -o yaml", namespace_of(pod)),),
        resource=ref_of(pod),
        evidence={"budgets": sorted(names)[:KEPT]},
        consequence=hangs(
            Phase.NODE_DRAIN,
            "Every eviction of the pod is answered with an error, and the drain retries it without end",
        ),
        touches=_touched([pod]),
    )


def _named(pods: list[JsonObject]) -> str:
    places = sorted(f"{name_of(pod)} on {text_at(pod, 'spec.nodeName')}" for pod in pods)
    left = len(places) - SHOWN
    return ", ".join(places[:SHOWN]) + (f" and {left} more" if left > 0 else "")


def _touched(pods: list[JsonObject]) -> dict[str, tuple[str, ...]]:
    nodes = dict.fromkeys(text_at(pod, "spec.nodeName") for pod in pods)
    return {"node": tuple(sorted(nodes)), "pod": tuple(sorted(map(full_name, pods)))}
