"""When a node is drained its machines must fit on the others; where they cannot, the drain never ends.

Rule: nobody's. For every node with machines the drain would migrate: together they must fit into the free room of the
other nodes (not cordoned, no witness), each of them on one other node, and each must find a node its required anti-
affinity leaves it. Only what is certain is reported: room is counted generously (checks/vms/_capacity.py), and machines
that fit by sum may still not fit in fact.
Targets before 1.7.0 wait for ever; later ones stop a machine whose evacuation fails: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Severity,
    Unreadable,
    View,
    check,
    human_bytes,
    lies_in,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._capacity import ANTI_AFFINITY, Repulsion, Size, moves, rooms, wants
from ._vms import ALL_STOPPED, all_stopped, full_name, stop_command

INSTANCES = "virtualmachineinstances.kubevirt.io"


@check(
    id="evacuation-capacity",
    title="The other nodes can hold the machines of any one node",
    category="vms",
    needs=(
        need("nodes", "status.allocatable", "spec.unschedulable"),
        need("pods", "spec.nodeName", "status.phase", "spec.containers.resources.requests"),
        need(
            INSTANCES,
            "status.nodeName",
            "status.phase",
            "spec.nodeSelector",
            "spec.domain.devices.hostDevices",
            "spec.domain.resources.requests",
            ANTI_AFFINITY,
        ),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Nodes are emptied one by one by live migration; a machine that finds no room stays, and the drain with it.",
    how="The cluster is too full to lose a node, a machine is larger than what any other node has left, or machines "
    "that must not share a node take all of them.",
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
    free = rooms(view.objects("nodes"), view.objects("pods"))
    homes: dict[str, list[tuple[JsonObject, Size]]] = {}
    for vmi in view.objects(INSTANCES):
        try:
            if moves(vmi):
                homes.setdefault(text_at(vmi, "status.nodeName"), []).append((vmi, wants(vmi)))
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"machine {full_name(vmi)}: {error}")
    severity = WARN if lies_in(view.upgrade.to_version, ">=1.7.0") else FAIL
    scene = _Scene(free, Repulsion(vmi for group in homes.values() for vmi, _ in group), severity)
    nodes = {text_at(node, "metadata.name"): node for node in view.objects("nodes")}
    for home, machines in sorted(homes.items()):
        yield from scene.judge_node(home, nodes.get(home), [size for _, size in machines])
        for vmi, size in machines:
            try:
                yield from scene.judge_machine(home, vmi, size)
            except Unreadable as error:
                yield unknown(Code.UNPARSABLE, f"machine {full_name(vmi)}: {error}")


class _Scene(NamedTuple):
    free: Mapping[str, Size]
    repulsion: Repulsion
    severity: Severity

    def judge_node(self, home: str, node: JsonObject | None, sizes: list[Size]) -> Iterator[Outcome]:
        others = [room for name, room in self.free.items() if name != home]
        room = sum((Size(max(one.cpu, 0), max(one.memory, 0)) for one in others), Size())
        wanted = sum(sizes, Size())
        if node is not None and not wanted.within(room):
            problem = (
                f"The {len(sizes)} machines on node {home} request {_say(wanted)}; the other nodes have {_say(room)}"
            )
            yield self._finding(node, "node-does-not-fit", problem + " free", "kubectl describe nodes", wanted, room)

    def judge_machine(self, home: str, vmi: JsonObject, size: Size) -> Iterator[Outcome]:
        others = {name: room for name, room in self.free.items() if name != home}
        if not any(size.within(room) for room in others.values()):
            best = max(others.values(), key=lambda room: (room.memory, room.cpu), default=Size())
            problem = (
                f"Machine {full_name(vmi)} on {home} requests {_say(size)}; the emptiest other node has {_say(best)}"
            )
            yield self._finding(vmi, "machine-does-not-fit", problem + " free", stop_command(vmi), size, best)
        elif others and set(others) <= self.repulsion.nodes(vmi):
            problem = f"Machine {full_name(vmi)} on {home} must not share a node with machines on every other node"
            yield self._finding(vmi, "machine-repelled", problem, stop_command(vmi), size, Size())

    def _finding(self, obj: JsonObject, cause: str, problem: str, command: str, wanted: Size, room: Size) -> Finding:
        end = "the drain waits for ever" if self.severity is FAIL else "the drain stops what cannot move"
        return Finding(
            severity=self.severity,
            cause=cause,
            message=f"{problem}: {end}",
            hint=f"Stop machines for the upgrade, or make room on another node\n{command}",
            resource=ref_of(obj),
            evidence={
                "requestedMilliCpu": wanted.cpu,
                "requestedBytes": wanted.memory,
                "freeMilliCpu": room.cpu,
                "freeBytes": room.memory,
            },
            enforced_by=(Enforcer.SCRIPTS,),
        )


def _say(size: Size) -> str:
    return f"{size.cpu / 1000:g} CPUs and {human_bytes(size.memory)} of memory"
