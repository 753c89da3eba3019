"""A detached volume that still names a migration does not attach again, so its machine does not start.

Rule: docs 1.5 to 1.6: state detached or detaching, and status.currentMigrationNodeID is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
)

from ._volumes import claim_of, touches


@check(
    id="longhorn-migration-flap",
    title="No detached volume is left in a migration",
    category="longhorn",
    needs=(
        need(
            "volumes.longhorn.io",
            "status.currentMigrationNodeID",
            "spec.migrationNodeID",
            "status.state",
            "status.kubernetesStatus",
        ),
    ),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-5-x-to-v1-6-x",
    why="The machine that uses the volume cannot be started or moved: the volume never gets out of that migration.",
    how="A migration was broken off, often by a node that went down.",
    fix="Empty status.currentMigrationNodeID through the status subresource.",
    links=("https://github.com/harvester/harvester/issues/8949",),
    consequence=degrades(
        Phase.AFTER, "The machine that uses the volume does not start or move again until the field is emptied"
    ),
    causes={"migration-left": "The volume is detached but still names a migration: empty that field."},
)
def longhorn_migration_flap(view: View) -> Iterator[Outcome]:
    """Yield a warning for every detached volume that names a migration."""
    yield from view.each("volumes.longhorn.io", _judge)


def _judge(volume: JsonObject) -> Iterator[Outcome]:
    target, state = text_at(volume, "status.currentMigrationNodeID"), text_at(volume, "status.state")
    if not target or state not in ("detached", "detaching"):
        return
    yield Finding(
        severity=WARN,
        cause="migration-left",
        message=f"Volume {name_of(volume)}{claim_of(volume)} is {state} but still in a migration to {target}",
        hint="Empty the field",
        commands=(
            kubectl(
                "patch volumes.longhorn.io {} -n longhorn-system --subresource=status --type merge -p {}",
                name_of(volume),
                '{"status":{"currentMigrationNodeID":""}}',
            ),
        ),
        resource=ref_of(volume),
        evidence={
            "state": state,
            "currentMigrationNodeID": target,
            "migrationNodeID": text_at(volume, "spec.migrationNodeID") or None,
        },
        transient=state == "detaching",
        touches=touches(volume, target),
    )
