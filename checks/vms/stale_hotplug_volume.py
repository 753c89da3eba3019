"""A disk plugged into a running machine that its definition does not hold is unplugged by the new KubeVirt.

Rule: validator.go of 1.8.2 and 1.9.0-rc4 and later: a VirtualMachine with volumeRequests, or an instance in phase
Running with a hotpluggable volume its machine's template does not name (instances without a machine are ignored);
skipped as vm-live-migration is. KubeVirt's feature changed with target 1.8.0, one release before that guard: so from
1.7.x to 1.8 and on 1.8.0 and 1.8.1 it is a warning here, and nobody else looks.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    View,
    boolean_at,
    check,
    lies_in,
    list_at,
    loses_data,
    maps_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
    value_at,
)

from ._vms import SETTINGS, full_name, home_of, skip_reason, stop, touching

GUARDED = ">=1.8.2 <1.9.0 || >=1.9.0-rc4"
UNPLUGGED = loses_data(
    Phase.SYSTEM_SERVICES,
    "The new KubeVirt may unplug the disk under the running machine, which loses what it has not written yet",
    Certainty.POSSIBLE,
)
MACHINES, INSTANCES = "virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io"


@check(
    title="Every plugged-in disk is part of its machine's definition",
    needs=(
        need("nodes"),
        need(MACHINES, "status.volumeRequests", "spec.template.spec.volumes.name"),
        need(
            INSTANCES,
            "status.phase",
            "status.nodeName",
            "spec.volumes.name",
            "spec.volumes.persistentVolumeClaim.hotpluggable",
            "spec.volumes.dataVolume.hotpluggable",
        ),
        need(SETTINGS, "value", "default", values=("upgrade-config",), optional=True),
    ),
    from_versions=">=1.7.0",
    enforced_by=(Enforcer.WEBHOOK, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-8-x",
    why="From 1.8.0 on KubeVirt takes the machine's definition for the truth and unplugs, under load, a disk that is "
    "not in it; later servers refuse the Upgrade.",
    how="The disk was plugged in without being made part of the machine, usually by the CSI driver of a guest cluster.",
    fix="Unplug the disk, make it part of the machine, or stop and start the machine.",
    links=("https://github.com/harvester/harvester/issues/10243",),
    causes={
        "volume-request-pending": "The machine has volume requests that were never taken into its definition.",
        "volume-not-in-template": "A running machine holds plugged-in disks its definition does not name.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def stale_hotplug_volume(view: View) -> Iterator[Outcome]:
    """Yield a finding for every machine with a disk that its definition does not hold."""
    guarded = lies_in(view.upgrade.from_version, GUARDED)
    skipped, unknowns = skip_reason(view) if guarded else ("", [])
    if lies_in(view.upgrade.from_version, "<1.8.0") and lies_in(view.upgrade.to_version, "<1.8.0"):
        skipped = "KubeVirt changes its ways with target 1.8.0"
    if skipped:
        view.objects("nodes")
        yield NotApplicable(skipped)
        return
    yield from unknowns
    yield from view.each(MACHINES, lambda machine: _judge_machine(machine, bool(guarded)))
    machines = {(namespace_of(machine), name_of(machine)): machine for machine in view.objects(MACHINES)}
    yield from view.each(INSTANCES, lambda vmi: _judge_instance(vmi, machines, bool(guarded)))


def _judge_machine(machine: JsonObject, guarded: bool) -> Iterator[Outcome]:
    requests = list_at(machine, "status.volumeRequests")
    if requests:
        why = f"has {len(requests)} volume requests that are not part of its definition"
        yield _finding(machine, "volume-request-pending", why, guarded, {"volumeRequests": len(requests)})


def _judge_instance(vmi: JsonObject, machines: dict[tuple[str, str], JsonObject], guarded: bool) -> Iterator[Outcome]:
    machine = machines.get((namespace_of(vmi), name_of(vmi)))
    if machine is None or text_at(vmi, "status.phase") != "Running":
        return
    plugged = [text_at(volume, "name") for volume in maps_at(vmi, "spec.volumes") if _hotpluggable(volume)]
    if not plugged:
        return
    named = {text_at(volume, "name") for volume in _template_volumes(machine)}
    stray = sorted(set(plugged) - named)
    if stray:
        why = f"holds plugged-in disks that its definition does not name: {', '.join(stray)}"
        yield _finding(vmi, "volume-not-in-template", why, guarded, {"volumes": stray}, home_of(vmi))


def _template_volumes(machine: JsonObject) -> list[JsonObject]:
    return maps_at(machine, "spec.template.spec.volumes") if value_at(machine, "spec.template") else []


def _hotpluggable(volume: JsonObject) -> bool:
    return any(boolean_at(volume, f"{kind}.hotpluggable") for kind in ("persistentVolumeClaim", "dataVolume"))


def _finding(
    obj: JsonObject, cause: str, why: str, guarded: bool, evidence: dict[str, object], node: str = ""
) -> Finding:
    return Finding(
        severity=FAIL if guarded else WARN,
        cause=cause,
        message=f"Machine {full_name(obj)} {why}",
        hint="Unplug the disk or make it part of the machine, else stop and start the machine",
        commands=stop(obj),
        resource=ref_of(obj),
        evidence=evidence,
        enforced_by=(Enforcer.WEBHOOK,) if guarded else (Enforcer.NONE,),
        consequence=refused() if guarded else UNPLUGGED,
        touches=touching(node),
    )
