"""A live migration is under way: let it end before the upgrade starts to move machines itself.

Rule: nobody's. Its budget makes the drain wait (vm-evacuation-pdb), and its volumes are in motion.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    delays,
    kubectl,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

from ._vms import full_name, is_final

MIGRATIONS = "virtualmachineinstancemigrations.kubevirt.io"


@check(
    title="No live migration is under way",
    needs=(need(MIGRATIONS, "status.phase", "spec.vmiName"),),
    worst=WARN,
    consequence=delays(
        Phase.NODE_DRAIN, "The drain of the machine's node may have to wait until the migration has ended"
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="A migration under way holds a disruption budget and its volumes; one that never ends blocks the drain.",
    how="Somebody migrates the machine, or a node was put into maintenance.",
    fix="Wait for it; delete a migration that makes no progress.",
    causes={"migration-under-way": "The migration has not come to its end: wait, or delete it when it is stuck."},
)
def vm_migration_running(view: View) -> Iterator[Outcome]:
    """Yield a warning for every migration that has not come to its end."""
    yield from view.each(MIGRATIONS, _judge)


def _judge(migration: JsonObject) -> Iterator[Outcome]:
    if is_final(migration):
        return
    phase, machine = text_at(migration, "status.phase") or "not started", text_at(migration, "spec.vmiName")
    yield Finding(
        severity=WARN,
        cause="migration-under-way",
        message=f"Migration {full_name(migration)} of machine {machine or '?'} is {phase}",
        hint="Wait until it has ended; delete it when it makes no progress",
        commands=(kubectl("get {} {} -n {} -o yaml", MIGRATIONS, name_of(migration), namespace_of(migration)),),
        resource=ref_of(migration),
        evidence={"phase": phase},
        transient=True,
        touches={"vm": (f"{namespace_of(migration)}/{machine}",)} if machine else {},
    )
