"""A machine that KubeVirt will not migrate, and that nobody stops, holds up the drain of its node for ever.

Rule: nobody's. The server does not read the condition LiveMigratable, and the drain stops only what vm-live-migration
lists (target 1.7.0 and later: also a machine whose evacuation failed, but KubeVirt makes none for such a machine). So:
an instance not at its end whose LiveMigratable is False, or whose eviction strategy is neither LiveMigrate nor
LiveMigrateIfPossible (none of its own: that of the KubeVirt object). Left out: machines with a node selector or host
devices, which the drain stops. restoreVM does not help; a single node does, since there all machines are stopped.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Unknown,
    View,
    check,
    condition,
    need,
    ref_of,
    text_at,
    value_at,
)

from ._vms import ALL_STOPPED, all_stopped, full_name, host_devices, is_final, stop_command

MOVES = ("LiveMigrate", "LiveMigrateIfPossible")


@check(
    id="vm-not-migratable-condition",
    title="KubeVirt will migrate every running machine",
    category="vms",
    needs=(
        need("nodes"),
        need(
            "virtualmachineinstances.kubevirt.io",
            "spec.nodeSelector",
            "spec.domain.devices.hostDevices",
            "spec.evictionStrategy",
            "status.phase",
            "status.conditions",
            "status.nodeName",
        ),
        need("kubevirts.kubevirt.io", "spec.configuration.evictionStrategy", optional=True),
    ),
    worst=WARN,
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Admission lets such a machine pass, the drain neither moves nor stops it, and waits without limit.",
    how="A disk that only one node may mount (RWO, local storage), SR-IOV, a host disk, or an eviction strategy that "
    "asks for something else than migration.",
    fix="Stop the machine before its node's turn, or remove the reason the condition names.",
    causes={
        "not-live-migratable": "KubeVirt says it cannot migrate the machine, and why. Stop it before the upgrade.",
        "no-eviction-strategy": "The machine's eviction strategy asks for no migration: set LiveMigrateIfPossible.",
    },
)
def vm_not_migratable_condition(view: View) -> Iterator[Outcome]:
    """Yield a warning for every running machine that neither migrates nor is stopped."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    fallback = None
    if not view.missing("kubevirts.kubevirt.io"):
        kubevirt = next(iter(view.objects("kubevirts.kubevirt.io")), {})
        fallback = text_at(kubevirt, "spec.configuration.evictionStrategy")

    def judge(vmi: JsonObject) -> Iterator[Outcome]:
        if is_final(vmi) or host_devices(vmi) or value_at(vmi, "spec.nodeSelector") is not None:
            return
        migratable = condition(vmi, "LiveMigratable")
        if migratable and text_at(migratable, "status") == "False":
            why = text_at(migratable, "message") or text_at(migratable, "reason") or "no reason given"
            yield _finding(vmi, "not-live-migratable", f"KubeVirt cannot migrate it ({why})")
            return
        own = text_at(vmi, "spec.evictionStrategy")
        missing = view.missing("kubevirts.kubevirt.io")
        if not own and missing:
            yield Unknown(missing.noting("the eviction strategy of machines without one of their own"))
        elif (own or fallback) not in MOVES:
            yield _finding(vmi, "no-eviction-strategy", f"its eviction strategy is {own or fallback or 'not set'}")

    yield from view.each("virtualmachineinstances.kubevirt.io", judge)


def _finding(vmi: JsonObject, cause: str, why: str) -> Finding:
    node = text_at(vmi, "status.nodeName")
    return Finding(
        severity=WARN,
        cause=cause,
        message=f"Machine {full_name(vmi)} on {node or 'no node yet'} stays where it is: {why}; the drain of its node "
        "waits for it without limit",
        hint=f"Stop it before the upgrade reaches its node\n{stop_command(vmi)}",
        resource=ref_of(vmi),
        evidence={"node": node or None, "evictionStrategy": text_at(vmi, "spec.evictionStrategy") or None},
        enforced_by=(Enforcer.SCRIPTS,),
    )
