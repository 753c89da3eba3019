"""An instance the scripts count, and that nobody will ever move or stop, keeps the upgrade of its node waiting for ever.

Rule: upgrade_node.sh get_running_vm_count (same at 1.4.0 to 1.9.0-rc6) counts every instance with the label
kubevirt.io/nodeName of the node whose phase is not Succeeded. So these count, and evacuation passes them over:
- Failed. It only stays so under runStrategy Manual or Once, or without a machine; under the others virt-controller
  deletes or makes it anew: 10 minutes are given to it. On a single node the machines are stopped by their API, which
  refuses a Failed instance for Manual and cures Once.
- without a VirtualMachine (of its own, a replica set or a pool): whatever stops machines acts on VirtualMachines. On a
  single node that is for ever; on several it is for those the drain would stop (checks/vms/_drain.py), while all others
  migrate, or are found by vm-not-migratable-condition.
- being deleted, when its grace period (30 s unless it says otherwise) ended more than 10 minutes ago.
An instance without the label has never been handed to a node and is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    Certainty,
    Enforcer,
    JsonObject,
    Outcome,
    View,
    boolean_at,
    check,
    format_time,
    human_duration,
    integer_at,
    labels_of,
    name_of,
    namespace_of,
    need,
    text_at,
    time_at,
)

from ._counted import INSTANCES, counted, without_machine
from ._drain import INSTANCE_FIELDS, NODE_FIELDS, Drain
from ._phases import PHASE_TIMES, time_in_phase
from ._vms import NODE_LABEL, all_stopped, has_machine

MACHINES = "virtualmachines.kubevirt.io"
GRACE = 30
"""Seconds KubeVirt gives a machine to shut down when it does not say otherwise."""
SETTLES = timedelta(minutes=10)


@check(
    title="Every instance on a node can be moved or stopped",
    needs=(
        need("nodes", *NODE_FIELDS),
        need(INSTANCES, *INSTANCE_FIELDS, "spec.terminationGracePeriodSeconds", "status.phase", PHASE_TIMES),
        need(MACHINES, "spec.runStrategy", "spec.running"),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The script waits, without limit, until no instance is counted on the node; nobody moves or stops these.",
    how="A guest that shut itself down badly, instances made without a machine, or one whose deletion is stuck.",
    fix="Delete the instance, or cure what holds up its deletion.",
    causes={
        "vmi-failed": "The instance has failed and stays: delete it, or start the machine again.",
        "vmi-without-vm": "The instance belongs to no VirtualMachine, so nothing can stop it: delete it.",
        "vmi-terminating": "The instance is being deleted and does not end: see its launcher pod and finalizers.",
    },
)
def vm_not_counted_out(view: View) -> Iterator[Outcome]:
    """Yield a finding for every instance that is counted and that nobody moves or stops."""
    alone, drain = all_stopped(view), Drain.of(view)
    machines = {(namespace_of(machine), name_of(machine)): machine for machine in view.objects(MACHINES)}

    def judge(vmi: JsonObject) -> Iterator[Outcome]:
        phase, machine = text_at(vmi, "status.phase"), machines.get((namespace_of(vmi), name_of(vmi)))
        if NODE_LABEL not in labels_of(vmi) or phase == "Succeeded":
            return
        if text_at(vmi, "metadata.deletionTimestamp"):
            yield from _judge_deletion(vmi, view, alone)
        elif phase == "Failed":
            if machine is not None or not view.gaps(MACHINES, namespace_of(vmi)):
                yield from _judge_failed(vmi, run_strategy(machine) if machine else "", view, alone)
        elif not has_machine(vmi) and (alone or drain.stops(vmi)):
            yield without_machine(vmi, alone)

    yield from view.each(INSTANCES, judge)


def run_strategy(machine: JsonObject) -> str:
    """Return what a machine is to do; the older field `running` stands for Always and Halted."""
    running = boolean_at(machine, "spec.running")
    if running is not None:
        return "Always" if running else "Halted"
    return text_at(machine, "spec.runStrategy") or "Halted"


def _judge_failed(vmi: JsonObject, strategy: str, view: View, alone: bool) -> Iterator[Outcome]:
    if alone and strategy == "Once":
        return
    age = time_in_phase(vmi, "Failed", view.now)
    why = f"its machine's runStrategy is {strategy}" if strategy else "it belongs to no machine"
    evidence = {"runStrategy": strategy or None}
    if strategy in ("", "Manual", "Once"):
        yield counted(vmi, "vmi-failed", f"has failed and stays so, because {why}", evidence, alone)
    elif age > SETTLES:
        what = f"failed {human_duration(age) if age < timedelta.max else 'long'} ago and was not replaced, though {why}"
        yield counted(vmi, "vmi-failed", what, evidence, alone, Certainty.LIKELY)
    else:
        what = f"has failed; {why}, so it is about to be replaced or removed"
        yield counted(vmi, "vmi-failed", what, evidence, alone, Certainty.POSSIBLE)


def _judge_deletion(vmi: JsonObject, view: View, alone: bool) -> Iterator[Outcome]:
    deleted = time_at(vmi, "metadata.deletionTimestamp")
    grace = integer_at(vmi, "spec.terminationGracePeriodSeconds")
    grace = GRACE if grace is None else grace
    if deleted is None or (view.now - deleted).total_seconds() <= grace + SETTLES.total_seconds():
        return
    what = f"has been terminating for {human_duration(view.now - deleted)}, with a grace period of {grace} s"
    evidence = {"deleted": format_time(deleted), "graceSeconds": grace}
    yield counted(vmi, "vmi-terminating", what, evidence, alone)
