"""What ties one machine to its node, and who minds on this pair of versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Severity,
    View,
    boolean_at,
    lies_in,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    ref_of,
    text_at,
    unknown,
    value_at,
)

from ._affinity import fits
from ._vms import REPO_VM, full_name, has_witness_label, host_devices, stop_command

WITH_DISKS = ">=1.4.1 <1.8.0"
"""Versions that take a CD-ROM or container disk for an obstacle."""
RESTORES = ">=1.6.0"


class Scene(NamedTuple):
    """The nodes and versions as the rule about machines sees them."""

    takers: tuple[JsonObject, ...]
    """The nodes that may take a machine, one of which may be its own."""
    empty_devices: bool
    """Whether an empty list of host devices counts."""
    refuses_disks: bool | None
    """Whether the server refuses CD-ROMs and container disks; None: the running version is not known."""
    stops_for_disks: bool
    """Whether the drain of the target stops machines with them."""
    restores: bool

    @classmethod
    def of(cls, view: View) -> Scene:
        """Work the rule's parameters out once."""
        running = view.upgrade.from_version
        without_witness = lies_in(running, RESTORES) is not False
        return cls(
            takers=tuple(
                node
                for node in view.objects("nodes")
                if not boolean_at(node, "spec.unschedulable") and not (without_witness and has_witness_label(node))
            ),
            empty_devices=lies_in(running, ">=1.9.0-rc4") is not True,
            refuses_disks=lies_in(running, WITH_DISKS),
            stops_for_disks=lies_in(view.upgrade.to_version, WITH_DISKS) is not False,
            restores=without_witness,
        )

    def judge(self, vmi: JsonObject) -> Iterator[Outcome]:
        """Yield a finding for each tie of a machine to its node."""
        refused = (Enforcer.WEBHOOK, Enforcer.SCRIPTS)
        selector, devices = value_at(vmi, "spec.nodeSelector"), host_devices(vmi)
        if selector is not None:
            keys = ", ".join(f"{key}={value}" for key, value in sorted(mapping_at(vmi, "spec.nodeSelector").items()))
            yield self._finding(vmi, "node-selector", f"it has the node selector {keys or '{} (empty)'}", refused)
        if devices or (devices is not None and self.empty_devices):
            names = [text_at(device, "deviceName") for device in maps_at(vmi, "spec.domain.devices.hostDevices")]
            tie = f"it uses host devices {', '.join(names) or '[] (an empty list)'}"
            yield self._finding(vmi, "host-devices", tie, (*refused, Enforcer.CHECK_SH))
        home = text_at(vmi, "status.nodeName")
        if not any(name_of(node) != home and fits(vmi, node) for node in self.takers):
            tie = "no other node that is not cordoned satisfies its node affinity"
            yield self._finding(vmi, "no-other-node", tie, refused)
        yield from self._disks(vmi)

    def _disks(self, vmi: JsonObject) -> Iterator[Outcome]:
        disks = maps_at(vmi, "spec.domain.devices.disks")
        cdroms = [text_at(disk, "name") for disk in disks if disk.get("cdrom") is not None]
        images = [
            text_at(volume, "name")
            for volume in maps_at(vmi, "spec.volumes")
            if volume.get("containerDisk") is not None
        ]
        if (cdroms or images) and self.refuses_disks is None:
            yield unknown(
                Code.ERROR, f"whether the server refuses the disks of {full_name(vmi)} depends on its version"
            )
        by_server = (Enforcer.WEBHOOK,) if self.refuses_disks else ()
        by_drain = (Enforcer.SCRIPTS,) if self.stops_for_disks else ()
        severity = FAIL if self.refuses_disks else WARN if self.stops_for_disks else INFO
        if cdroms:
            cause = "leftover-repo-vm" if name_of(vmi).startswith(REPO_VM) else "cdrom"
            yield self._finding(
                vmi, cause, f"it has CD-ROM {', '.join(cdroms)}", (*by_server, *by_drain, Enforcer.CHECK_SH), severity
            )
        if images and severity is not INFO:
            tie = f"it has container disk {', '.join(images)}"
            yield self._finding(vmi, "container-disk", tie, (*by_server, *by_drain), severity)

    def _finding(
        self, vmi: JsonObject, cause: str, tie: str, enforcers: tuple[Enforcer, ...], severity: Severity = FAIL
    ) -> Finding:
        who = {
            FAIL: "the server refuses the Upgrade",
            WARN: "the server accepts it, and the drain of its node shuts it down",
            INFO: "only check.sh minds",
        }[severity]
        node = text_at(vmi, "status.nodeName")
        return Finding(
            severity=severity,
            cause=cause,
            message=f"Machine {full_name(vmi)} on {node or 'no node yet'}: {tie}; {who}",
            hint=self._hint(vmi, cause),
            resource=ref_of(vmi),
            evidence={"node": node or None, "tie": tie},
            enforced_by=enforcers,
        )

    def _hint(self, vmi: JsonObject, cause: str) -> str:
        if cause == "leftover-repo-vm":
            return (
                "It belongs to an upgrade that has ended: delete it\n"
                f"kubectl delete virtualmachines.kubevirt.io {name_of(vmi)} -n {namespace_of(vmi)}"
            )
        restore = ", or set restoreVM in setting upgrade-config" if self.restores else ""
        return f"Stop the machine or remove the tie{restore}\n{stop_command(vmi)}"
