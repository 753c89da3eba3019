"""A running machine that cannot move to another node makes the server refuse the Upgrade.

Rule: validator.go checkNonLiveMigratableVMs, for every VirtualMachineInstance, whatever its phase: a node selector,
even an empty one; host devices (v1.9.0: at least one); no other node that may take it (not cordoned, required node
affinity; witnesses left out from v1.6.0; readiness, taints and room are not looked at); v1.4.1 to v1.7.3 also any
CD-ROM or container disk. The pre-drain of the target shuts the same machines down.
check.sh reads machines instead of instances, sees CD-ROMs and host devices only, on every version and also on a
single node, and stops at the first kind: so it fails CD-ROMs which 1.4.0 and 1.8 servers accept. Those are no blockers
here. It honours restoreVM on every version, the server from v1.6.0 only: we follow the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import FAIL, Enforcer, NotApplicable, Outcome, View, check, need

from ._affinity import REQUIRED
from ._migration import Scene
from ._vms import SETTINGS, skip_reason


@check(
    id="vm-live-migration",
    title="Every running machine can move to another node",
    category="vms",
    needs=(
        need("nodes", "spec.unschedulable"),
        need(
            "virtualmachineinstances.kubevirt.io",
            "spec.nodeSelector",
            "spec.domain.devices.hostDevices",
            "spec.domain.devices.disks.name",
            "spec.domain.devices.disks.cdrom",
            "spec.volumes.name",
            "spec.volumes.containerDisk",
            REQUIRED,
            "status.nodeName",
        ),
        need(SETTINGS, "value", "default", optional=True),
    ),
    worst=FAIL,
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.CHECK_SH),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Nodes are drained one by one by migrating their machines; one that cannot move is refused at admission, and "
    "shut down by the drain where it is not.",
    how="The machine is tied to its node: a node selector or affinity, a passed-through device, a CD-ROM or container "
    "disk on versions that cannot migrate these.",
    fix="Stop the machine, eject the CD-ROM or remove the tie; from 1.6.0 on restoreVM in setting upgrade-config lets "
    "the upgrade stop and start it.",
    causes={
        "node-selector": "The machine has a node selector (an empty one counts). Remove it or stop the machine.",
        "host-devices": "The machine uses devices of its node. Detach them or stop the machine.",
        "cdrom": "The machine has a CD-ROM. 1.4.1 to 1.7.3 refuse it: eject it or stop the machine.",
        "container-disk": "The machine has a container disk. 1.4.1 to 1.7.3 refuse it: remove it or stop the machine.",
        "no-other-node": "No other node may take the machine: uncordon one, widen its affinity, or stop it.",
        "leftover-repo-vm": "The machine served the files of an earlier upgrade and was never removed: delete it.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def vm_live_migration(view: View) -> Iterator[Outcome]:
    """Yield a finding for every tie of every running machine to its node."""
    skipped, unknowns = skip_reason(view)
    if skipped:
        yield NotApplicable(skipped)
        return
    yield from unknowns
    scene = Scene.of(view)
    yield from view.each("virtualmachineinstances.kubevirt.io", scene.judge)
