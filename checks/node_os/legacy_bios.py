"""A node that boots by legacy BIOS may have to be reinstalled for an upgrade to come.

Rule: docs, target 1.8.0 and later: a warning. Seen on the node by the absence of /sys/firmware/efi.
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
    Unreadable,
    View,
    check,
    degrades,
    name_of,
    need,
    on_node,
    ref_of,
)

from ._files import NODES, each_fact


@check(
    id="legacy-bios",
    title="Every node boots by UEFI",
    category="node_os",
    needs=(NODES, need("nodes/files", "facts.efi", optional=True)),
    to_versions=">=1.8.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-8-x",
    why="Later releases may no longer be installed over a legacy BIOS boot; the node then has to be installed anew.",
    how="The firmware was set to legacy or CSM boot when the node was installed.",
    fix="Plan to reinstall the node as UEFI, one node at a time; it does not stop this upgrade.",
    causes={"boots-by-bios": "The node has no EFI firmware interface."},
    consequence=degrades(
        Phase.AFTER, "This upgrade goes on; a later one may need the node installed anew", Certainty.POSSIBLE
    ),
)
def legacy_bios(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node that did not boot by UEFI."""
    yield from each_fact(view, "efi", "ls -d /sys/firmware/efi", _judge)


def _judge(node: JsonObject, efi: Any) -> Iterator[Outcome]:
    if not isinstance(efi, bool):
        raise Unreadable(f"facts.efi is {efi!r}, not true or false")
    if not efi:
        yield Finding(
            severity=WARN,
            cause="boots-by-bios",
            message=f"Node {name_of(node)} boots by legacy BIOS",
            hint=f"Plan to reinstall node {name_of(node)} as UEFI",
            commands=(on_node("ls -d /sys/firmware/efi"),),
            resource=ref_of(node),
            evidence={"efi": False},
        )
