"""A passive system image that lost its holes does not fit beside the new one: the node stays in Waiting Reboot.

Rule: docs 1.4.0 to 1.4.1. Only the scripts of 1.4.1 trip over it: from 1.4.2 on they dig the holes themselves. Nodes
first installed as 1.4.0 with a data disk of their own have a passive.img that takes 3.1 GiB instead of 1.7 GiB.
Units: `du -k`, KiB used. The limit lies between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Phase,
    Unreadable,
    View,
    check,
    hangs,
    human_bytes,
    integer_at,
    name_of,
    need,
    on_node,
    ref_of,
)

from ._files import NODES, each_fact

STATE = "/run/initramfs/cos-state"
IMAGE = f"{STATE}/cOS/passive.img"
KIB_PER_MIB = 1024


@check(
    id="passive-image-sparse",
    title="The passive system image of every node is sparse",
    category="node_os",
    needs=(NODES, need("nodes/files", "facts.passiveImageKiB", optional=True)),
    to_versions="=1.4.1",
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="The new system image does not fit into COS_STATE beside a passive image that takes its full size, so the node "
    "never gets past Waiting Reboot.",
    how="The installer of 1.4.0 wrote passive.img without holes on nodes with a separate data disk.",
    fix="On the node: remount the state partition writable, dig the holes, remount it read-only.",
    links=tuple(f"https://github.com/harvester/harvester/issues/{number}" for number in (7457, 7493, 7518)),
    causes={"image-not-sparse": "passive.img takes more room than its data needs: dig the holes before the upgrade."},
    consequence=hangs(
        Phase.NODE_UPGRADE, "The new system image does not fit beside it, and the node never gets past Waiting Reboot"
    ),
    options={"maxMiB": Option(2048, "MiB that passive.img may take on disk (about 1740 when sparse)", minimum=1)},
)
def passive_image_sparse(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose passive image takes more than the limit."""
    limit = int(view.options["maxMiB"]) * KIB_PER_MIB

    def judge(node: JsonObject, fact: Any) -> Iterator[Outcome]:
        used = integer_at({"kiB": fact}, "kiB")
        if used is None or used <= 0:
            raise Unreadable(f"facts.passiveImageKiB is {fact!r}, not a size")
        if used <= limit:
            return
        yield Finding(
            severity=FAIL,
            cause="image-not-sparse",
            message=f"On node {name_of(node)} passive.img takes {used} KiB ({human_bytes(used * 1024)}) on disk, "
            f"more than {limit} KiB",
            hint=f"On node {name_of(node)} dig the holes into the image",
            commands=(
                on_node("mount -o remount,rw {}", STATE),
                on_node("fallocate --dig-holes {}", IMAGE),
                on_node("mount -o remount,ro {}", STATE),
            ),
            resource=ref_of(node),
            evidence={"usedKiB": used, "limitKiB": limit},
        )

    yield from each_fact(view, "passiveImageKiB", f"du -k {IMAGE}", judge)
