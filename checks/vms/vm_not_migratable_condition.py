"""A machine that KubeVirt will not migrate, and that nobody stops, holds up the drain of its node for ever.

Rule: upgrade_node.sh wait_vms_out_or_shutdown (1.4.0 to 1.9.0-rc6) waits until no instance is left on the node. While it
waits nothing is evicted but by KubeVirt's evacuation controller, and that makes a migration only for an instance whose
effective eviction strategy (its own, else the KubeVirt object's, else None) is LiveMigrate or LiveMigrateIfPossible
and whose condition LiveMigratable is True (VMIMigratableOnEviction, KubeVirt 1.2 to 1.8). No migration, no failed one
either, so what targets from 1.7.0 on stop after a failed evacuation does not include it.
Left out: what the drain stops (checks/vms/_drain.py) and instances at their end or being deleted (vm-not-counted-out).
restoreVM does not help; a single node for machines does, since there all of them are stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Unknown,
    View,
    check,
    condition,
    hangs,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._drain import INSTANCE_FIELDS, NODE_FIELDS, Drain
from ._phases import PHASE_TIMES, time_in_phase
from ._vms import ALL_STOPPED, all_stopped, full_name, home_of, is_final, stop, touching

INSTANCES, KUBEVIRTS = "virtualmachineinstances.kubevirt.io", "kubevirts.kubevirt.io"
MOVES = ("LiveMigrate", "LiveMigrateIfPossible")
SETTLES = timedelta(minutes=2)
"""How long KubeVirt may take to say whether it can migrate a machine that has just started."""
WAITS = hangs(
    Phase.NODE_DRAIN, "The drain of its node waits for the machine without end: nothing moves it and nothing stops it"
)
MAY_WAIT = hangs(
    Phase.NODE_DRAIN, "The drain of its node may wait for the machine, if it is still so by then", Certainty.POSSIBLE
)


@check(
    title="KubeVirt will migrate every running machine",
    needs=(
        need("nodes", *NODE_FIELDS),
        need(
            INSTANCES,
            *INSTANCE_FIELDS,
            "spec.evictionStrategy",
            "status.phase",
            "status.conditions",
            PHASE_TIMES,
        ),
        need(KUBEVIRTS, "spec.configuration.evictionStrategy", optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    consequence=WAITS,
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Admission lets such a machine pass, the drain neither moves nor stops it, and waits without limit.",
    how="A disk that only one node may mount (RWO, local storage), SR-IOV, a host disk, or an eviction strategy that "
    "asks for something else than migration: a machine defined without the UI has none.",
    fix="Stop the machine before its node's turn, or remove the reason the condition names.",
    causes={
        "not-live-migratable": "KubeVirt says it cannot migrate the machine, or says nothing. Stop it before the "
        "upgrade.",
        "no-eviction-strategy": "Neither the machine nor KubeVirt has an eviction strategy: set LiveMigrateIfPossible.",
        "eviction-strategy": "The machine's eviction strategy leaves the move to somebody else: set "
        "LiveMigrateIfPossible.",
    },
)
def vm_not_migratable_condition(view: View) -> Iterator[Outcome]:
    """Yield a finding for every running machine that neither migrates nor is stopped."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    drain = Drain.of(view)

    def judge(vmi: JsonObject) -> Iterator[Outcome]:
        if is_final(vmi) or text_at(vmi, "metadata.deletionTimestamp") or drain.stops(vmi):
            return
        if home_of(vmi):
            yield from _judge_condition(view, vmi) or _judge_strategy(view, vmi)
        else:
            yield from _judge_strategy(view, vmi)

    yield from view.each(INSTANCES, judge)


def _judge_condition(view: View, vmi: JsonObject) -> list[Outcome]:
    migratable = condition(vmi, "LiveMigratable")
    if migratable is None:
        young = time_in_phase(vmi, "Running", view.now) < SETTLES
        why = f"KubeVirt {'has not said yet' if young else 'does not say'} whether it can migrate it"
        return [_finding(vmi, "not-live-migratable", why, young)]
    if text_at(migratable, "status") == "True":
        return []
    why = text_at(migratable, "message") or text_at(migratable, "reason") or "no reason given"
    return [_finding(vmi, "not-live-migratable", f"KubeVirt cannot migrate it ({why})")]


def _judge_strategy(view: View, vmi: JsonObject) -> list[Outcome]:
    strategy: str | Unknown = text_at(vmi, "spec.evictionStrategy")
    if not strategy:
        strategy = _fallback(view)
        if isinstance(strategy, Unknown):
            return [strategy]
    if strategy in MOVES:
        return []
    cause = "no-eviction-strategy" if strategy in ("", "None") else "eviction-strategy"
    return [_finding(vmi, cause, f"its eviction strategy is {strategy or 'not set'}")]


def _fallback(view: View) -> str | Unknown:
    missing = view.missing(KUBEVIRTS)
    if missing:
        return Unknown(missing.noting("the eviction strategy of machines without one of their own"))
    kubevirt = next(iter(view.read(KUBEVIRTS)), None)
    if kubevirt is None:
        return unknown(Code.INCOMPLETE, "there is no KubeVirt object in harvester-system")
    return text_at(kubevirt, "spec.configuration.evictionStrategy")


def _finding(vmi: JsonObject, cause: str, why: str, young: bool = False) -> Finding:
    node = home_of(vmi)
    firm = node and not young
    cure = (
        "" if cause == "not-live-migratable" else ", or give it eviction strategy LiveMigrateIfPossible and restart it"
    )
    return Finding(
        severity=FAIL if firm else WARN,
        cause=cause,
        message=f"Machine {full_name(vmi)} on {node or 'no node yet'} {'stays' if firm else 'may stay'} where it is: {why}",
        hint=f"Stop it before the upgrade reaches its node{cure}",
        commands=stop(vmi),
        resource=ref_of(vmi),
        evidence={"node": node or None, "evictionStrategy": text_at(vmi, "spec.evictionStrategy") or None},
        transient=young,
        consequence=WAITS if firm else MAY_WAIT,
        touches=touching(node),
    )
