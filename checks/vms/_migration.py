"""What ties one machine to its node, and who minds on this pair of versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Code,
    Command,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Severity,
    View,
    harmless,
    kubectl,
    lies_in,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    ref_of,
    refused,
    stops_workload,
    text_at,
    unknown,
    value_at,
)

from .._affinity import fits
from ._drain import COUNTS_EMPTY_DEVICES, WITH_DISKS, WITHOUT_WITNESS, takers
from ._vms import REPO_VM, full_name, home_of, host_devices, stop, touching

BY_BOTH = (Enforcer.WEBHOOK, Enforcer.SCRIPTS)
CONSEQUENCES: dict[Severity, Consequence] = {
    FAIL: refused(),
    WARN: stops_workload(
        Phase.NODE_DRAIN, "The server accepts it, and the drain of its node may shut the machine down"
    ),
    INFO: harmless("Only check.sh minds: the server accepts it, and the drain migrates the machine"),
}


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
        without_witness = lies_in(running, WITHOUT_WITNESS) is not False
        return cls(
            takers=takers(view.objects("nodes"), without_witness=without_witness),
            empty_devices=lies_in(running, COUNTS_EMPTY_DEVICES) is not False,
            refuses_disks=lies_in(running, WITH_DISKS),
            stops_for_disks=lies_in(view.upgrade.to_version, WITH_DISKS) is not False,
            restores=without_witness,
        )

    def judge(self, vmi: JsonObject) -> Iterator[Outcome]:
        """Yield a finding for each tie of a machine to its node."""
        selector, devices = value_at(vmi, "spec.nodeSelector"), host_devices(vmi)
        if selector is not None:
            keys = ", ".join(f"{key}={value}" for key, value in sorted(mapping_at(vmi, "spec.nodeSelector").items()))
            yield self._finding(vmi, "node-selector", f"it has the node selector {keys or '{} (empty)'}", BY_BOTH)
        if devices or (devices is not None and self.empty_devices):
            names = [text_at(device, "deviceName") for device in maps_at(vmi, "spec.domain.devices.hostDevices")]
            tie = f"it uses host devices {', '.join(names) or '[] (an empty list)'}"
            yield self._finding(vmi, "host-devices", tie, BY_BOTH)
        home = text_at(vmi, "status.nodeName")
        if not any(name_of(node) != home and fits(vmi, node) for node in self.takers):
            tie = "no other node that is not cordoned satisfies its node affinity"
            yield self._finding(vmi, "no-other-node", tie, BY_BOTH)
        yield from self._disks(vmi)

    def _disks(self, vmi: JsonObject) -> Iterator[Outcome]:
        cdroms = cdroms_of(vmi, "spec")
        images = [
            text_at(volume, "name")
            for volume in maps_at(vmi, "spec.volumes")
            if volume.get("containerDisk") is not None
        ]
        if (cdroms or images) and self.refuses_disks is None:
            what = f"whether the server refuses the disks of {full_name(vmi)} depends on its version"
            yield unknown(Code.ERROR, what)
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
        node = home_of(vmi)
        hint, commands = self._cure(vmi, cause)
        return Finding(
            severity=severity,
            cause=cause,
            message=f"Machine {full_name(vmi)} on {node or 'no node yet'}: {tie}",
            hint=hint,
            commands=commands,
            resource=ref_of(vmi),
            evidence={"node": node or None, "tie": tie},
            enforced_by=enforcers,
            consequence=CONSEQUENCES[severity],
            touches=touching(node),
        )

    def _cure(self, vmi: JsonObject, cause: str) -> tuple[str, tuple[Command, ...]]:
        if cause == "leftover-repo-vm":
            command = kubectl("delete virtualmachines.kubevirt.io {} -n {}", name_of(vmi), namespace_of(vmi))
            return "It belongs to an upgrade that has ended: delete it", (command,)
        restore = ", or set restoreVM in setting upgrade-config" if self.restores else ""
        return f"Stop the machine or remove the tie{restore}", stop(vmi)


def cdroms_of(obj: JsonObject, spec: str) -> list[str]:
    """Name the CD-ROMs of a machine whose definition stands at `spec`."""
    disks = maps_at(obj, f"{spec}.domain.devices.disks")
    return [text_at(disk, "name") for disk in disks if disk.get("cdrom") is not None]
