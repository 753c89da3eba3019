"""How a finding about an instance that stays on its node is worded."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Command,
    Finding,
    JsonObject,
    Phase,
    hangs,
    kubectl,
    maps_at,
    name_of,
    namespace_of,
    ref_of,
    text_at,
)

from ._vms import delete, full_name, has_machine, home_of, touching

INSTANCES, SETS = "virtualmachineinstances.kubevirt.io", "virtualmachineinstancereplicasets.kubevirt.io"
WAITS = {
    Certainty.CERTAIN: "The upgrade of its node waits without end for the instance to be gone",
    Certainty.LIKELY: "The upgrade of its node waits without end for the instance to be gone (that virt-controller will "
    "not replace it after all is not proven)",
    Certainty.POSSIBLE: "The upgrade of its node may wait for the instance to be gone",
}
CURES = {
    "vmi-failed": "Delete it, or start its machine again",
    "vmi-without-vm": "Delete it for the upgrade, where a set made it by scaling that to 0",
    "vmi-terminating": "See what holds up its deletion: its launcher pod, its finalizers, its node",
}


def without_machine(vmi: JsonObject, alone: bool) -> Finding:
    """Make the finding about an instance that nothing can stop."""
    owners = [
        f"{text_at(owner, 'kind')} {text_at(owner, 'name')}" for owner in maps_at(vmi, "metadata.ownerReferences")
    ]
    what = f"belongs to {' and '.join(owners) or 'nothing'}, not to a VirtualMachine that could be stopped"
    return counted(vmi, "vmi-without-vm", what, {"owners": owners}, alone)


def counted(
    vmi: JsonObject,
    cause: str,
    what: str,
    evidence: Mapping[str, object],
    alone: bool,
    certainty: Certainty = Certainty.CERTAIN,
) -> Finding:
    """Make the finding: `alone` says that the cluster has a single node for machines."""
    node, passes = home_of(vmi), certainty is Certainty.POSSIBLE
    phase = Phase.NODE_UPGRADE if alone else Phase.NODE_DRAIN
    return Finding(
        severity=WARN if passes else FAIL,
        cause=cause,
        message=f"Instance {full_name(vmi)} on {node} {what}",
        hint=CURES[cause],
        commands=_commands(vmi, cause),
        resource=ref_of(vmi),
        evidence={"node": node, "phase": text_at(vmi, "status.phase") or None, **evidence},
        transient=passes,
        consequence=hangs(phase, WAITS[certainty], certainty),
        touches=touching(node),
    )


def _commands(vmi: JsonObject, cause: str) -> tuple[Command, ...]:
    name, namespace = name_of(vmi), namespace_of(vmi)
    if cause == "vmi-terminating":
        return (
            kubectl("get {} {} -n {} -o yaml", INSTANCES, name, namespace),
            kubectl("get pods -n {} -l vm.kubevirt.io/name={} -o wide", namespace, name),
        )
    owner = next(iter(maps_at(vmi, "metadata.ownerReferences")), {})
    if cause == "vmi-without-vm" and owner.get("kind") == "VirtualMachineInstanceReplicaSet":
        return (kubectl("scale {} {} -n {} --replicas 0", SETS, text_at(owner, "name"), namespace),)
    return (kubectl("delete {} {} -n {}", INSTANCES, name, namespace),) if has_machine(vmi) else delete(vmi)
