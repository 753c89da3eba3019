"""The arithmetic of the disk rule, apart from what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.api import JsonObject, Unreadable, integer_at, name_of

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Disk:
    """One node's system partition as its kubelet sees it. Units: bytes."""

    used: int
    available: int
    capacity: int

    def percent_with(self, images: int) -> float:
        """Say how full it is, in percent, once images of that many bytes are loaded.

        The same floating-point steps as the webhook's, so that both decide alike at the very limit.
        """
        return (self.used + images) / self.capacity * 100.0


def read_disk(summary: JsonObject) -> Disk | None:
    """Read node.fs of a kubelet summary; None when one of the three numbers the webhook needs is not there.

    Raises Unreadable for a number below zero: no disk has that, and the arithmetic would make room of it.
    """
    used, available, capacity = (
        integer_at(summary, f"node.fs.{name}") for name in ("usedBytes", "availableBytes", "capacityBytes")
    )
    if used is None or available is None or not capacity:
        return None
    if min(used, available, capacity) < 0:
        raise Unreadable(f"the kubelet of node {name_of(summary)} reports a disk with less than no bytes (node.fs)")
    return Disk(used, available, capacity)
