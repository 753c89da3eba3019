"""How much room Longhorn's disks have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    Code,
    JsonObject,
    NotCollected,
    Reason,
    Unreadable,
    View,
    boolean_at,
    condition_status,
    integer_at,
    mapping_at,
    name_of,
)


class Disk(NamedTuple):
    """One disk of one Longhorn node. Units: bytes."""

    node: str
    name: str
    maximum: int
    available: int
    scheduled: int
    reserved: int
    open: bool
    """Whether Longhorn may put new replicas on it."""

    def room(self, over_percent: int, minimal_percent: int) -> int:
        """Return how much more Longhorn lets be placed on it.

        Rule: Longhorn's scheduler: what is scheduled stays within the over-provisioned size without the reserve, and
        what is available stays above the minimal share.
        """
        by_size = (self.maximum - self.reserved) * over_percent // 100 - self.scheduled
        by_space = self.available - self.maximum * minimal_percent // 100
        return min(by_size, by_space) if self.open else 0


def disks_of(node: JsonObject) -> Iterator[Disk]:
    """Return the disks of a Longhorn node that report a size."""
    node_open = boolean_at(node, "spec.allowScheduling") is not False and _holds(node, "Schedulable")
    statuses = mapping_at(node, "status.diskStatus")
    for name, spec in sorted(mapping_at(node, "spec.disks").items()):
        status = statuses.get(name)
        if not isinstance(spec, dict) or not isinstance(status, dict) or status.get("storageMaximum") is None:
            continue
        yield Disk(
            node=name_of(node),
            name=name,
            maximum=_bytes(node, name, status, "storageMaximum"),
            available=_bytes(node, name, status, "storageAvailable"),
            scheduled=_bytes(node, name, status, "storageScheduled"),
            reserved=_bytes(node, name, {"storageReserved": 0, **spec}, "storageReserved"),
            open=node_open
            and boolean_at(spec, "allowScheduling") is not False
            and not boolean_at(spec, "evictionRequested"),
        )


def sizes_of(node: JsonObject) -> Iterator[int]:
    """Return the sizes of a Longhorn node's disks, of those that report one. Units: bytes."""
    for name, status in sorted(mapping_at(node, "status.diskStatus").items()):
        if isinstance(status, dict) and status.get("storageMaximum") is not None:
            yield _bytes(node, name, status, "storageMaximum")


def _bytes(node: JsonObject, disk: str, holder: JsonObject, field: str) -> int:
    count = integer_at(holder, field)
    if count is None or count < 0:
        told = "is missing" if count is None else f"is {count}"
        raise Unreadable(f"Longhorn node {name_of(node)}: {field} of disk {disk} {told}, not a number of bytes")
    return count


def _holds(node: JsonObject, kind: str) -> bool:
    return condition_status(node, kind) != "False"


def needed_gib(view: View, *, cdi: bool) -> int:
    """Return what one copy takes: the image, and beside it the repository's volume or the import's scratch volume.

    Raises NotCollected for a release whose sizes are not known.
    """
    target, running = view.release(view.upgrade.to_version), view.release(view.upgrade.from_version)
    image = int(view.options["isoGiB"]) or (target.image_gib if target else 0)
    working = int(view.options["repoGiB"])
    if working < 0:
        working = (running.working_gib if running else 0) or -1
    if cdi:  # the scratch volume is as large as the image
        working = max(working, image)
    if not image:
        raise NotCollected(Reason(Code.ERROR, f"the size of the image of {view.upgrade.to_version} is not known"))
    if working < 0:
        text = f"what an upgrade from {view.upgrade.from_version} takes beside its image is not known"
        raise NotCollected(Reason(Code.ERROR, text))
    return image + working
