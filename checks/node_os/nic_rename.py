"""Ports of some network cards get another name in 1.7.0 and 1.7.1, and the node comes back without its network.

Rule: docs, target 1.7.0 (any) and 1.7.1 (bonded; Harvester's management network always is); 1.7.2 and later handle it.
Drivers i40e and ice add the port (`np0`) to the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    name_of,
    need,
    on_node,
    ref_of,
    texts_at,
)

from ._files import NODES, each_fact

RENAMING = ("i40e", "ice")


@check(
    id="nic-rename",
    title="No network card is renamed by the new kernel",
    category="node_os",
    needs=(NODES, need("nodes/files", "facts.drivers", optional=True)),
    from_versions="<1.7.0",
    to_versions=">=1.7.0 <1.7.2",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="The new kernel calls the ports otherwise than the configuration does, so the node loses its network.",
    how="The cards are driven by i40e or ice, whose port names changed.",
    fix="Upgrade to 1.7.2 or later, or pin each name with ifname=NAME:MAC in third_party_kernel_args of /oem/grubenv.",
    links=tuple(f"https://github.com/harvester/harvester/issues/{number}" for number in (9815, 9802, 10397)),
    causes={"driver-renames-ports": "A card of this driver gets new port names: pin them, or choose 1.7.2 or later."},
    consequence=hangs(
        Phase.NODE_UPGRADE,
        "The node may come back without its network, and the upgrade waits for it",
        Certainty.POSSIBLE,
    ),
)
def nic_rename(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node with a card whose ports change their names."""
    yield from each_fact(view, "drivers", "readlink /sys/class/net/*/device/driver", _judge)


def _judge(node: JsonObject, drivers: Any) -> Iterator[Outcome]:
    found = sorted({driver for driver in texts_at({"drivers": drivers}, "drivers") if driver in RENAMING})
    if found:
        yield Finding(
            severity=WARN,
            cause="driver-renames-ports",
            message=f"Node {name_of(node)} has network cards of driver {', '.join(found)}: the new kernel renames "
            "their ports and the node may lose its network",
            hint="Choose 1.7.2 or later as the target, or pin the names on the node: add ifname=NAME:MAC for each port "
            "to third_party_kernel_args",
            commands=(on_node("grub2-editenv /oem/grubenv list"),),
            resource=ref_of(node),
            evidence={"drivers": found},
        )
