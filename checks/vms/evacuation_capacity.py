"""When a node is drained its machines must fit on the others; where they cannot, the drain never ends.

Rule: nobody's. For every node with machines the drain would migrate: together they must fit into the free room of the
other nodes (not cordoned, no witness), each of them on one other node that its required node affinity allows, and each
must find a node its required anti-affinity leaves it. Room is CPU, memory and places for pods, counted as the scheduler
does (checks/vms/_capacity.py); what a machine takes is what its launcher pod requests and 32 MiB, by which the launcher
of a newer KubeVirt is larger (checks/vms/_launchers.py). Machines that fit by sum may still not fit in fact.
A migration without room is given up after 5 to 15 minutes. Targets before 1.7.0 begin again for ever; later ones stop a
machine whose evacuation failed, and do not start it again: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Command,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Unknown,
    Unreadable,
    View,
    check,
    condition_status,
    hangs,
    human_bytes,
    kubectl,
    lies_in,
    name_of,
    need,
    ref_of,
    stops_workload,
    text_at,
    unknown,
)

from ._affinity import fits
from ._capacity import ANTI_AFFINITY, POD_FIELDS, Repulsion, Size, rooms
from ._drain import INSTANCE_FIELDS, NODE_FIELDS, Drain
from ._launchers import ANNOTATION_FIELD, GROWTH, RATIO, Launchers, estimate, overhead_ratio
from ._launchers import INSTANCE_FIELDS as SIZE_FIELDS
from ._vms import ALL_STOPPED, all_stopped, full_name, home_of, is_final, stop, touching

INSTANCES, KUBEVIRTS = "virtualmachineinstances.kubevirt.io", "kubevirts.kubevirt.io"
WAITS = hangs(
    Phase.NODE_DRAIN,
    "The drain of the node waits without end for a migration that finds no room (as requests and machines stand now)",
    Certainty.LIKELY,
)
STOPPED = stops_workload(
    Phase.NODE_DRAIN, "The drain may stop a machine that finds no room; it stays off afterwards, restoreVM or not"
)


class Machine(NamedTuple):
    """A machine that stands on a node, and what it takes there."""

    vmi: JsonObject
    size: Size
    moves: bool
    """Whether the drain migrates it."""
    pod: bool
    """Whether its launcher pod was read, and so is part of what the node's pods take."""


@check(
    title="The other nodes can hold the machines of any one node",
    needs=(
        need("nodes", "status.allocatable", *NODE_FIELDS),
        need("pods", ANNOTATION_FIELD, *POD_FIELDS),
        need(INSTANCES, *INSTANCE_FIELDS, *SIZE_FIELDS, ANTI_AFFINITY, "status.phase", "status.conditions"),
        need(KUBEVIRTS, RATIO, optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Nodes are emptied one by one by live migration; a machine that finds no room stays, and the drain with it.",
    how="The cluster is too full to lose a node, a machine is larger than what any other node has left, a node has no "
    "place for another pod, or machines that must not share a node take all of them.",
    fix="Stop machines for the upgrade, make them smaller, or add a node.",
    causes={
        "node-does-not-fit": "Together the node's machines need more than all other nodes have free.",
        "machine-does-not-fit": "No single other node has room for the machine.",
        "machine-repelled": "Its anti-affinity leaves the machine no other node.",
    },
)
def evacuation_capacity(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node, and every machine, that the others cannot take."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    free = rooms(view.some("nodes"), view.objects("pods"))
    homes: dict[str, list[Machine]] = {}
    yield from _place(view, homes)
    for home, machines in homes.items():
        if home in free:
            free[home] -= sum((machine.size for machine in machines if not machine.pod), Size())
    nodes = {name_of(node): node for node in view.objects("nodes")}
    repulsion = Repulsion(machine.vmi for machines in homes.values() for machine in machines)
    scene = _Scene(free, nodes, repulsion, lies_in(view.upgrade.to_version, ">=1.7.0") is True)
    for home, machines in sorted(homes.items()):
        yield from scene.judge(home, [machine for machine in machines if machine.moves])


def _place(view: View, homes: dict[str, list[Machine]]) -> Iterator[Outcome]:
    """Put every machine on its node; yield what cannot be told of one."""
    drain, launchers = Drain.of(view), Launchers(view.objects("pods"))
    for vmi in view.objects(INSTANCES):
        try:
            if is_final(vmi) or not home_of(vmi):
                continue
            size, pod = launchers.request(vmi), True
            if size is None:
                size, pod = estimate(vmi, overhead_ratio(view.read(KUBEVIRTS))), False
                missing = view.missing(KUBEVIRTS)
                if missing:
                    yield Unknown(missing.noting(f"by what the overhead of machine {full_name(vmi)} is multiplied"))
            stays = drain.stops(vmi) or condition_status(vmi, "LiveMigratable") == "False"
            going = bool(text_at(vmi, "metadata.deletionTimestamp"))
            homes.setdefault(home_of(vmi), []).append(Machine(vmi, size, not (stays or going), pod))
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"machine {full_name(vmi)}: {error}")


class _Scene(NamedTuple):
    free: Mapping[str, Size]
    nodes: Mapping[str, JsonObject]
    repulsion: Repulsion
    stopped: bool
    """Whether the target stops what does not move."""

    def judge(self, home: str, machines: list[Machine]) -> Iterator[Outcome]:
        """Judge the machines of one node, together and one by one."""
        yield from self._judge_node(home, machines)
        for machine in machines:
            try:
                yield from self._judge_machine(home, machine.vmi, machine.size + GROWTH)
            except Unreadable as error:
                yield unknown(Code.UNPARSABLE, f"machine {full_name(machine.vmi)}: {error}")

    def _judge_node(self, home: str, machines: list[Machine]) -> Iterator[Outcome]:
        others = [room for name, room in self.free.items() if name != home]
        room = sum((room.or_more(Size()) for room in others), Size())
        wanted = sum((machine.size + GROWTH for machine in machines), Size())
        node = self.nodes.get(home)
        if node is not None and not wanted.within(room):
            counted = f"{len(machines)} machine{'s' * (len(machines) != 1)}"
            problem = f"The {counted} on node {home} take {_say(wanted)}; the other nodes have {_say(room)} free"
            command = kubectl("describe nodes", why="what pods request of each")
            yield self._finding(node, "node-does-not-fit", problem, command, wanted, room)

    def _judge_machine(self, home: str, vmi: JsonObject, size: Size) -> Iterator[Outcome]:
        others = {name: room for name, room in self.free.items() if name != home and fits(vmi, self.nodes[name])}
        if not any(size.within(room) for room in others.values()):
            best = max(others.values(), key=lambda room: (room.memory, room.cpu), default=Size())
            problem = (
                f"Machine {full_name(vmi)} on {home} takes {_say(size)}; the emptiest other node has {_say(best)} free"
            )
            yield self._finding(vmi, "machine-does-not-fit", problem, stop(vmi), size, best)
        elif set(others) <= self.repulsion.nodes(vmi):
            problem = f"Machine {full_name(vmi)} on {home} must not share a node with machines on every other node"
            yield self._finding(vmi, "machine-repelled", problem, stop(vmi), size, Size())

    def _finding(
        self, obj: JsonObject, cause: str, problem: str, command: Command, wanted: Size, room: Size
    ) -> Finding:
        return Finding(
            severity=WARN if self.stopped else FAIL,
            cause=cause,
            message=problem,
            hint="Stop machines for the upgrade, or make room on another node",
            commands=(command,),
            resource=ref_of(obj),
            evidence={
                "requestedMilliCpu": wanted.cpu,
                "requestedBytes": wanted.memory,
                "requestedPods": wanted.pods,
                "freeMilliCpu": room.cpu,
                "freeBytes": room.memory,
                "freePods": room.pods,
            },
            consequence=STOPPED if self.stopped else WAITS,
            touches=touching(home_of(obj)),
        )


def _say(size: Size) -> str:
    return f"{size.cpu / 1000:g} CPUs, {human_bytes(size.memory)} of memory and {size.pods} pods"
