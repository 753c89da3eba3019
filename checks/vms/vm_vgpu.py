"""A machine with a vGPU does not migrate before 1.8, and no rule of the server sees it.

Rule: nobody's. Before 1.8 vGPUs stand in spec.domain.devices.gpus, which neither webhook nor check.sh reads (from 1.8.0
on they are host devices: vm-live-migration). KubeVirt's word that it can migrate the machine is believed.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    condition_status,
    hangs,
    maps_at,
    need,
    ref_of,
    text_at,
)

from ._vms import ALL_STOPPED, all_stopped, full_name, home_of, is_final, stop, touching


@check(
    title="No running machine holds a vGPU",
    needs=(
        need("nodes"),
        need(
            "virtualmachineinstances.kubevirt.io",
            "spec.domain.devices.gpus",
            "status.conditions",
            "status.phase",
            "status.nodeName",
        ),
    ),
    from_versions="<1.8.0",
    enforced_by=(Enforcer.SCRIPTS,),
    consequence=hangs(
        Phase.NODE_DRAIN, "The drain of its node waits for the machine without end: it neither moves nor is it stopped"
    ),
    explains=(Explains("vm-not-migratable-condition", Tie.VM, folds=True),),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The machine cannot migrate, the server does not refuse it and the drain does not stop it: the drain waits for "
    "ever.",
    how="A vGPU was assigned to the machine.",
    fix="Stop the machine for the upgrade.",
    causes={"vgpu": "The machine holds a vGPU and cannot leave its node: stop it before the upgrade."},
)
def vm_vgpu(view: View) -> Iterator[Outcome]:
    """Yield a finding for every running machine with a vGPU."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    yield from view.each("virtualmachineinstances.kubevirt.io", _judge)


def _judge(vmi: JsonObject) -> Iterator[Outcome]:
    gpus = [text_at(gpu, "deviceName") for gpu in maps_at(vmi, "spec.domain.devices.gpus")]
    if not gpus or is_final(vmi) or condition_status(vmi, "LiveMigratable") == "True":
        return
    yield Finding(
        severity=FAIL,
        cause="vgpu",
        message=f"Machine {full_name(vmi)} holds vGPU {', '.join(gpus)} and cannot migrate",
        hint="Stop it before the upgrade",
        commands=stop(vmi),
        resource=ref_of(vmi),
        evidence={"gpus": gpus, "node": text_at(vmi, "status.nodeName") or None},
        touches=touching(home_of(vmi)),
    )
