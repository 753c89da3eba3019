"""Which machines the drain of a node stops by itself, and so has not to migrate.

Rule: the detector of the target (vmlivemigratedetector, pkg/util/virtualmachineinstance; the same rule as the webhook's,
see vm-live-migration): a node selector, even an empty one; host devices; targets 1.4.1 to 1.7.3 also a CD-ROM or
container disk; no other node that is not cordoned and satisfies the required node affinity. It stops a machine through
its VirtualMachine: an instance that has none gets an error and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from preflight.api import JsonObject, View, boolean_at, lies_in, maps_at, name_of, value_at

from .._affinity import REQUIRED, fits
from ._vms import has_witness_label, home_of, host_devices

WITH_DISKS = ">=1.4.1 <1.8.0"
"""Versions that take a CD-ROM or container disk for an obstacle."""
COUNTS_EMPTY_DEVICES = "<1.9.0-rc4"
"""Versions that take an empty list of host devices for one."""
WITHOUT_WITNESS = ">=1.6.0"
"""Versions that know that a witness takes no machines."""
NODE_FIELDS = ("spec.unschedulable",)
INSTANCE_FIELDS = (
    "spec.nodeSelector",
    "spec.domain.devices.hostDevices",
    "spec.domain.devices.disks.cdrom",
    "spec.volumes.containerDisk",
    REQUIRED,
    "status.nodeName",
)


def takers(nodes: Iterable[JsonObject], *, without_witness: bool) -> tuple[JsonObject, ...]:
    """Return the nodes that may take a machine."""
    return tuple(
        node
        for node in nodes
        if not boolean_at(node, "spec.unschedulable") and not (without_witness and has_witness_label(node))
    )


class Drain(NamedTuple):
    """The drain as the target's scripts do it."""

    takers: tuple[JsonObject, ...]
    empty_devices: bool
    disks: bool

    @classmethod
    def of(cls, view: View) -> Drain:
        """Work the rule's parameters out once; the check must need the nodes with NODE_FIELDS."""
        target = view.upgrade.to_version
        return cls(
            takers(view.some("nodes"), without_witness=lies_in(target, WITHOUT_WITNESS) is not False),
            empty_devices=lies_in(target, COUNTS_EMPTY_DEVICES) is True,
            disks=lies_in(target, WITH_DISKS) is True,
        )

    def stops(self, vmi: JsonObject) -> bool:
        """Say whether the drain stops this machine, whatever KubeVirt thinks of migrating it."""
        devices = host_devices(vmi)
        return (
            value_at(vmi, "spec.nodeSelector") is not None
            or bool(devices)
            or (devices is not None and self.empty_devices)
            or (self.disks and _has_disks(vmi))
            or not any(name_of(node) != home_of(vmi) and fits(vmi, node) for node in self.takers)
        )


def _has_disks(vmi: JsonObject) -> bool:
    return any(disk.get("cdrom") is not None for disk in maps_at(vmi, "spec.domain.devices.disks")) or any(
        volume.get("containerDisk") is not None for volume in maps_at(vmi, "spec.volumes")
    )
