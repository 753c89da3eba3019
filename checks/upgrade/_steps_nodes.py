"""What an upgrade waits for at a node: a person, its Jobs, the machines on it, budgets, the node itself.

Rule: Rancher takes one node after the other: cordon, Job pre-drain (waits until no machine is counted on the node), drain
(evicts, without limit), Job post-drain (RKE2 and the operating system), a reboot until osImage is what annotation
pendingOSImage says. upgrade_node.sh get_running_vm_count counts every instance with label kubevirt.io/nodeName whose
phase is not Succeeded (v1.4.0 to v1.9.0-rc6).
"""

from __future__ import annotations

import json

from preflight.api import (
    Command,
    JsonObject,
    ResourceRef,
    annotations_of,
    condition,
    human_duration,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    on_cluster,
    parse_json,
    ref_of,
    text_at,
    time_at,
)

from .._budgets import Budgets, is_judged_elsewhere, refused
from ._phases import NodeStep
from ._sight import BUDGETS, JOBS, MACHINES, NODES, PENDING_OS, PODS, Looks, Seen, Sight, Wait
from ._steps_before import CONTROLLER, job_wait
from ._workloads import full_name, job_ended, newest, quoted

PERSON, MACHINE, BUDGET, NODE, JOB = (
    "waits-for-unpause",
    "waits-for-machine",
    "waits-for-budget",
    "waits-for-node",
    "waits-for-node-job",
)
PAUSE_MAP = "harvesterhci.io/node-upgrade-pause-map"
EVACUATION = "kubevirt-migration-pdb-kubevirt-evacuation-"
"""How a budget begins that guards a machine while it is moved off its node; the script waits until it is gone."""
SHOWN = 3
_AT_WORK = (
    NodeStep.FAILED,
    NodeStep.REBOOT,
    NodeStep.POST_DRAIN,
    NodeStep.DRAIN,
    NodeStep.PRE_DRAIN,
    NodeStep.WHOLE,
    NodeStep.PAUSED,
    NodeStep.PRELOAD,
)
"""Which node is looked at first: the one that is furthest, as long as it is under way."""
_JOB_TYPES = {
    NodeStep.PRE_DRAIN: "pre-drain",
    NodeStep.DRAIN: "pre-drain",
    NodeStep.POST_DRAIN: "post-drain",
    NodeStep.REBOOT: "post-drain",
    NodeStep.WHOLE: "single-node-upgrade",
}


def look_at_nodes(sight: Sight) -> Looks:
    """Yield what holds up the node whose turn it is."""
    under_way = [
        (node, state.step) for step in _AT_WORK for node, state in sight.run.nodes.items() if state.step is step
    ]
    for node, step in under_way:
        yield from _look_at(sight, node, step)
    if not under_way:
        yield _nobodys_turn(sight)


def _look_at(sight: Sight, node: str, step: NodeStep) -> Looks:
    if step is NodeStep.PAUSED:
        yield _paused(sight, node)
        return
    yield from _not_ready(sight, node, step)
    if step in (NodeStep.PRE_DRAIN, NodeStep.WHOLE):
        yield from _machines(sight, node)
    if step is NodeStep.DRAIN:
        yield from _budgets(sight, node)
    job = newest(sight.own(JOBS, _JOB_TYPES.get(step, "prepare"), node))
    if job is not None and job_ended(job) != "Complete":
        yield job_wait(sight, job, JOB, f"node {node} in {step.value}: ")
    elif job is None and JOBS not in sight.unread:
        yield Seen(f"Job {_JOB_TYPES.get(step, '')} of node {node}: there is none")
    else:
        yield _at(sight, node, step, job)


def _at(sight: Sight, node: str, step: NodeStep, job: JsonObject | None) -> Seen:
    """Say that the node is at a step whose Job has nothing left to do."""
    since = time_at(job, "status.completionTime") if job else None
    words = {
        NodeStep.DRAIN: "which Rancher drains",
        NodeStep.REBOOT: "which has yet to come back with the new system",
    }.get(step, f"in {step.value}")
    ref = ResourceRef("v1", "Node", "", node)
    commands = (kubectl("describe node {}", node),)
    hint = "Look at the node's console and at service rke2-server or rke2-agent on it"
    wait = Wait(NODE, f"node {node}, {words}", ref, False, hint, commands, {"node": (node,)}, since)
    return Seen(f"node {node}: {step.value}", wait)


def _not_ready(sight: Sight, node: str, step: NodeStep) -> Looks:
    found = next((one for one in sight.read(NODES) if name_of(one) == node), None)
    if found is None:
        if NODES not in sight.unread:
            words = f"node {node}, which is not in the cluster any more"
            commands = (kubectl("get nodes -o wide"),)
            ref = ResourceRef("v1", "Node", "", node)
            yield Seen(words, Wait(NODE, words, ref, True, "Bring the node back", commands, {"node": (node,)}))
        return
    ready = condition(found, "Ready") or {}
    status, since = text_at(ready, "status") or "Unknown", time_at(ready, "lastTransitionTime")
    pending = annotations_of(found).get(PENDING_OS)
    image = text_at(found, "status.nodeInfo.osImage")
    words = f"Ready {status}, runs {image or 'an unknown system'}" + (f", is to run {pending}" if pending else "")
    wait = None
    if status != "True":
        long = since is not None and (sight.now - since).total_seconds() > _MAY_BE_AWAY[step is NodeStep.REBOOT]
        gone = f"has not been Ready for {human_duration(sight.now - since)}" if since else "is not Ready"
        said = quoted(text_at(ready, "message"))
        wait = Wait(
            NODE,
            f"node {node} in {step.value}, which {gone}{f': {said}' if said else ''}",
            ref_of(found),
            long or since is None,
            "Look at the node's console: it is down, still booting, or its kubelet does not start",
            (kubectl("describe node {}", node),),
            {"node": (node,)},
            since,
        )
    yield Seen(f"node {node}: {words}", wait)


_MAY_BE_AWAY = {False: 600, True: 1800}
"""Seconds a node may be away before it counts as one that does not come back by itself: else, and while it reboots."""


def _machines(sight: Sight, node: str) -> Looks:
    left = [
        vmi
        for vmi in sight.read(MACHINES)
        if labels_of(vmi).get("kubevirt.io/nodeName") == node and text_at(vmi, "status.phase") != "Succeeded"
    ]
    if MACHINES in sight.unread:
        return
    yield Seen(f"machines on node {node}: {len(left)}", _until_gone(sight, node, left) if left else None)
    for budget in sight.read(BUDGETS) if not left else ():
        if name_of(budget).startswith(EVACUATION):
            yield _stale(budget)


def _stale(budget: JsonObject) -> Seen:
    words = f"PodDisruptionBudget {full_name(budget)} to go, which an evacuation has left"
    hint = "Delete the budget, once no migration of its machine runs"
    command = kubectl("delete poddisruptionbudgets.policy {} -n {}", name_of(budget), namespace_of(budget))
    return Seen(f"PodDisruptionBudget {full_name(budget)}", Wait(BUDGET, words, ref_of(budget), True, hint, (command,)))


def _until_gone(sight: Sight, node: str, left: list[JsonObject]) -> Wait:
    left = sorted(left, key=lambda vmi: full_name(vmi))
    names = [full_name(vmi) for vmi in left]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    job = newest(sight.own(JOBS, "pre-drain", node) or sight.own(JOBS, "single-node-upgrade", node))
    since = time_at(job, "metadata.creationTimestamp") if job else None
    failed = any(text_at(vmi, "status.phase") == "Failed" for vmi in left)
    overdue = since is not None and (sight.now - since).total_seconds() > _LEAVES_WITHIN
    return Wait(
        MACHINE,
        f"{_machine_words(len(left))} on node {node} to leave it: {', '.join(names[:SHOWN])}{more}",
        ref_of(left[0]),
        failed or overdue,
        "Migrate or shut down the machine, or cure what keeps it from moving",
        (_stop(left[0]),),
        {"vm": tuple(names), "node": (node,)},
        since,
    )


_LEAVES_WITHIN = 1800
"""Seconds after which a machine that is still on the node is not one that is being migrated."""


def _machine_words(amount: int) -> str:
    return "a machine" if amount == 1 else f"{amount} machines"


def _stop(vmi: JsonObject) -> Command:
    why = "shuts the machine down; start it again afterwards"
    return on_cluster("virtctl stop {} -n {}", name_of(vmi), namespace_of(vmi), why=why)


def _budgets(sight: Sight, node: str) -> Looks:
    budgets = Budgets()
    for budget in sight.read(BUDGETS):
        if not is_judged_elsewhere(budget) or name_of(budget).startswith("instance-manager-"):
            budgets.add(budget)
    for pod in sight.read(PODS):
        if text_at(pod, "spec.nodeName") == node:
            for _ in budgets.place(pod):
                pass
    found = 0
    for budget, pods in budgets.selected():
        if held := refused(budget, pods):
            found += 1
            yield Seen(f"PodDisruptionBudget {full_name(budget)} allows none", _budget(node, budget, held))
    for pod, names in budgets.crowded:
        found += 1
        words = f"pod {full_name(pod)} on node {node}, which {len(names)} budgets select, so that it cannot be evicted"
        command = kubectl("get poddisruptionbudgets.policy -n {}", namespace_of(pod))
        hint = "Delete all but one of the budgets"
        yield Seen(words, Wait(BUDGET, words, ref_of(pod), True, hint, (command,), {"pod": (full_name(pod),)}))
    if not found and not {BUDGETS, PODS} & sight.unread.keys():
        yield Seen(f"disruption budgets of pods on node {node}: none refuses")


def _budget(node: str, budget: JsonObject, held: list[JsonObject]) -> Wait:
    names = sorted(map(full_name, held))
    return Wait(
        BUDGET,
        f"PodDisruptionBudget {full_name(budget)}, which lets {', '.join(names[:SHOWN])} not be evicted from node {node}",
        ref_of(budget),
        True,
        "Let the budget allow one disruption, delete the pod yourself, or delete the budget for the upgrade",
        (kubectl("get poddisruptionbudgets.policy {} -n {} -o yaml", name_of(budget), namespace_of(budget)),),
        {"pod": tuple(names), "node": (node,)},
    )


def _paused(sight: Sight, node: str) -> Seen:
    words = f"somebody to unpause node {node}"
    run = sight.run
    if run.is_plan:
        command = kubectl("edit upgradeplans.management.harvesterhci.io {}", run.name)
        hint = f"Take {node} out of spec.nodeUpgradeOption.pauseNodes when it may be upgraded"
    else:
        value = json.dumps({**_pauses(run.obj), node: "unpause"}, separators=(",", ":"))
        text = "annotate --overwrite upgrades.harvesterhci.io {} -n harvester-system {}"
        command = kubectl(text, run.name, f"{PAUSE_MAP}={value}")
        hint = "The node was paused on purpose: unpause it when it may be upgraded"
    ref = ResourceRef("v1", "Node", "", node)
    return Seen(f"node {node}: paused", Wait(PERSON, words, ref, True, hint, (command,), {"node": (node,)}))


def _pauses(upgrade: JsonObject) -> dict[str, object]:
    text = annotations_of(upgrade).get(PAUSE_MAP)
    found = parse_json(text, f"annotation {PAUSE_MAP}") if isinstance(text, str) and text else {}
    return found if isinstance(found, dict) else {}


def _nobodys_turn(sight: Sight) -> Seen:
    left = [node for node, state in sight.run.nodes.items() if state.step is NodeStep.WAITS]
    words = (
        f"Rancher to begin with node {' or '.join(left[:SHOWN])}" if left else "its controller: no node is under way"
    )
    hint = "Look at the machine plans and at Rancher's planner, which takes one node after the other"
    commands = (
        kubectl("get machines.cluster.x-k8s.io -n fleet-local"),
        kubectl("logs -n cattle-system deployment/rancher --tail=50"),
    )
    return Seen("nodes: none is under way", Wait(CONTROLLER, words, ref_of(sight.run.obj), False, hint, commands))
