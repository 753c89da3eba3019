"""A state partition of 8 GB silently corrupts the new system image.

Rule: check.sh check_cos_state_partition_size (running 1.7.x); issue 10687 carries the known-issue labels of 1.8.0 to
1.8.2, so running 1.8.x is looked at too. Size of /run/initramfs/cos-state in 1-KiB blocks, divided by 1,000,000 and rounded
down, below 15 fails. Nodes first installed before 1.4.2 with a data disk of their own have 8 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    Certainty,
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
    integer_at,
    lies_in,
    name_of,
    need,
    on_node,
    ref_of,
)

from ._files import NODES, each_fact

LOOK = "df -k /run/initramfs/cos-state"
BLOCKS = 1_000_000
"""What check.sh divides df's 1-KiB blocks by."""


@check(
    id="cos-state-size",
    title="The state partition of every node is large enough",
    category="node_os",
    needs=(NODES, need("nodes/files", "facts.cosStateKiB", optional=True)),
    from_versions=">=1.7.0 <1.9.0",
    enforced_by=(Enforcer.CHECK_SH, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-8-x",
    why="The new system image does not fit, is cut off without an error, and the node does not boot from it.",
    how="Installers before 1.4.2 made an 8 GB state partition on nodes with a separate data disk.",
    fix="Remove the node from the cluster, install it anew (15 GiB since 1.4.2), and go on with the next one.",
    links=("https://github.com/harvester/harvester/issues/10687",),
    causes={"state-partition-small": "COS_STATE is smaller than the new image needs: reinstall the node first."},
    options={"minGB": Option(15, "least size in millions of KiB, as check.sh counts", minimum=1)},
)
def cos_state_size(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node with a small state partition."""
    least = int(view.options["minGB"])
    by_script = lies_in(view.upgrade.from_version, ">=1.7.0 <1.8.0")

    def judge(node: JsonObject, fact: Any) -> Iterator[Outcome]:
        size = integer_at({"kiB": fact}, "kiB")
        if size is None or size <= 0:
            raise Unreadable(f"facts.cosStateKiB is {fact!r}, not a size")
        if size // BLOCKS >= least:
            return
        yield Finding(
            severity=FAIL,
            cause="state-partition-small",
            message=f"On node {name_of(node)} the state partition has {size} KiB; at least {least * BLOCKS} KiB are needed",
            hint=f"Reinstall node {name_of(node)} before the upgrade, one node at a time",
            commands=(on_node(LOOK),),
            resource=ref_of(node),
            evidence={"sizeKiB": size, "leastKiB": least * BLOCKS},
            enforced_by=None if by_script else (Enforcer.DOCS,),
            consequence=hangs(
                Phase.NODE_UPGRADE,
                "The new system image is cut off without an error: the node does not boot from it, and the upgrade waits "
                "for it",
                Certainty.CERTAIN if by_script else Certainty.LIKELY,
            ),
        )

    yield from each_fact(view, "cosStateKiB", LOOK, judge)
