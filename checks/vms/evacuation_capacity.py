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

from collections.abc import Iterator

from preflight.api import (
    Code,
    Enforcer,
    NotApplicable,
    Outcome,
    Unknown,
    Unreadable,
    View,
    check,
    condition_status,
    lies_in,
    name_of,
    need,
    text_at,
    unknown,
)

from ._capacity import ANTI_AFFINITY, POD_FIELDS, Repulsion, Size, rooms
from ._crowding import Machine, Scene
from ._drain import INSTANCE_FIELDS, NODE_FIELDS, Drain
from ._launchers import ANNOTATION_FIELD, RATIO, Launchers, estimate, overhead_ratio
from ._launchers import INSTANCE_FIELDS as SIZE_FIELDS
from ._vms import ALL_STOPPED, all_stopped, full_name, home_of, is_final

INSTANCES, KUBEVIRTS = "virtualmachineinstances.kubevirt.io", "kubevirts.kubevirt.io"


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
    scene = Scene(free, nodes, repulsion, lies_in(view.upgrade.to_version, ">=1.7.0") is True)
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
