"""Whether the machines of one node find room on the others, together and one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Command,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Unreadable,
    hangs,
    human_bytes,
    kubectl,
    ref_of,
    stops_workload,
    unknown,
)

from .._affinity import fits
from ._capacity import Repulsion, Size
from ._launchers import GROWTH
from ._vms import full_name, home_of, stop, touching

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


class Scene(NamedTuple):
    """The free room of every node that may take machines, and the nodes and machines themselves."""

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
            problem = (
                f"What moves from node {home} ({counted}) takes {_say(wanted)}; the other nodes have {_say(room)} free"
            )
            commands = (kubectl("describe nodes", why="what pods request of each"),)
            yield self._finding(node, "node-does-not-fit", problem, commands, wanted, room)

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
        self, obj: JsonObject, cause: str, problem: str, commands: tuple[Command, ...], wanted: Size, room: Size
    ) -> Finding:
        return Finding(
            severity=WARN if self.stopped else FAIL,
            cause=cause,
            message=problem,
            hint="Stop machines for the upgrade, or make room on another node",
            commands=commands,
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
            touches=touching("" if ref_of(obj).kind == "Node" else home_of(obj)),
        )


def _say(size: Size) -> str:
    places = f"place for {size.pods} pod{'s' * (size.pods != 1)}"
    return f"{size.cpu / 1000:g} CPUs, {human_bytes(size.memory)} of memory and {places}"
