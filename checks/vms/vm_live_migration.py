"""A running machine that cannot move to another node makes the server refuse the Upgrade.

Rule: validator.go checkNonLiveMigratableVMs, for every VirtualMachineInstance, whatever its phase: a node selector,
even an empty one; host devices (v1.9.0: at least one); no other node that may take it (not cordoned, required node
affinity; witnesses left out from v1.6.0; readiness, taints and room are not looked at); v1.4.1 to v1.7.3 also any
CD-ROM or container disk. The pre-drain of the target shuts the same machines down.
check.sh reads machines instead of instances and of them CD-ROMs only (its expression for host devices selects nothing),
on every version and also on a single node: so it fails CD-ROMs which 1.4.0 and 1.8 servers accept. Those are no
blockers here. A machine with a CD-ROM that is neither stopped nor has an instance (Starting, CrashLoopBackOff,
ErrorUnschedulable) is one for check.sh and none for the server: a warning, as it may have an instance by then.
It honours restoreVM on every version, the server from v1.6.0 only: we follow the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    View,
    check,
    harmless,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
)

from ._drain import INSTANCE_FIELDS, NODE_FIELDS
from ._migration import Scene, cdroms_of
from ._vms import SETTINGS, full_name, skip_reason, stop

INSTANCES, MACHINES = "virtualmachineinstances.kubevirt.io", "virtualmachines.kubevirt.io"
DISKS = ("spec.domain.devices.disks.name", "spec.domain.devices.disks.cdrom")
MAY_BE_REFUSED = refused(
    "check.sh fails for it; the server looks at running machines only, and may refuse the Upgrade once this one runs",
    Certainty.POSSIBLE,
)
NOBODY_ELSE = harmless("Only check.sh minds: this server accepts a machine with a CD-ROM")


@check(
    title="Every running machine can move to another node",
    needs=(
        need("nodes", *NODE_FIELDS),
        need(
            INSTANCES,
            *INSTANCE_FIELDS,
            *DISKS,
            "spec.volumes.name",
        ),
        need(MACHINES, "status.printableStatus", *(f"spec.template.{field}" for field in DISKS)),
        need(SETTINGS, "value", "default", values=("upgrade-config",), optional=True),
    ),
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
        "cdrom": "The machine has a CD-ROM. 1.4.1 to 1.7.3 refuse it once it runs: eject it or stop the machine.",
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
    yield from view.each(INSTANCES, scene.judge)
    having = {(namespace_of(vmi), name_of(vmi)) for vmi in view.objects(INSTANCES)}
    starting = NOBODY_ELSE if scene.refuses_disks is False else MAY_BE_REFUSED
    yield from view.each(MACHINES, lambda machine: _judge_machine(machine, having, starting))


def _judge_machine(machine: JsonObject, having: set[tuple[str, str]], consequence: Consequence) -> Iterator[Outcome]:
    state = text_at(machine, "status.printableStatus")
    if state == "Stopped" or (namespace_of(machine), name_of(machine)) in having:
        return
    cdroms = cdroms_of(machine, "spec.template.spec")
    if cdroms:
        yield Finding(
            severity=WARN,
            cause="cdrom",
            message=f"Machine {full_name(machine)} is {state or 'in no state'} and has CD-ROM {', '.join(cdroms)}",
            hint="Stop the machine or eject the CD-ROM",
            commands=stop(machine),
            resource=ref_of(machine),
            evidence={"state": state or None, "node": None},
            enforced_by=(Enforcer.CHECK_SH,),
            consequence=consequence,
        )
