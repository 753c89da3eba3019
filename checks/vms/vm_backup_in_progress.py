"""A backup or snapshot of a machine that is not done makes the server refuse the Upgrade.

Rule: validator.go checkVMBackups (all versions): status.error is not set and readyToUse is not true; no status at all
counts as running; snapshots count. One with an error never blocks, one that failed without recording it always does.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    boolean_at,
    check,
    format_time,
    human_duration,
    kubectl,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
    time_at,
    value_at,
)

from ._vms import full_name

BACKUPS = "virtualmachinebackups.harvesterhci.io"


@check(
    title="No backup or snapshot of a machine is under way",
    needs=(need(BACKUPS, "status.error", "status.readyToUse", "spec.type", "spec.source.name"),),
    enforced_by=(Enforcer.WEBHOOK,),
    consequence=refused(),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The server refuses the Upgrade while a backup or snapshot is neither ready nor failed.",
    how="It runs, its backup target cannot be reached, or it failed without recording an error.",
    fix="Wait until it is ready, or delete it.",
    causes={"not-ready": "Neither ready nor failed: wait for it; delete it when it makes no progress."},
    waived_by="harvesterhci.io/skipWebhook",
)
def vm_backup_in_progress(view: View) -> Iterator[Outcome]:
    """Yield a finding for every backup and snapshot that is neither ready nor failed."""

    def judge(backup: JsonObject) -> Iterator[Outcome]:
        if value_at(backup, "status.error") is not None or boolean_at(backup, "status.readyToUse"):
            return
        kind, source = text_at(backup, "spec.type") or "backup", text_at(backup, "spec.source.name")
        created = time_at(backup, "metadata.creationTimestamp")
        age = f" for {human_duration(view.now - created)}" if created else ""
        yield Finding(
            severity=FAIL,
            cause="not-ready",
            message=f"VM {kind} {full_name(backup)} of {source or '?'} has been under way{age}",
            hint="Wait until it is ready; delete it when it makes no progress",
            commands=(
                kubectl("get {} {} -n {} -o yaml", BACKUPS, name_of(backup), namespace_of(backup)),
                kubectl("delete {} {} -n {}", BACKUPS, name_of(backup), namespace_of(backup), why="if it is stuck"),
            ),
            resource=ref_of(backup),
            evidence={"type": kind, "created": format_time(created) if created else None},
            transient=True,
            touches={"vm": (f"{namespace_of(backup)}/{source}",)} if source else {},
        )

    yield from view.each(BACKUPS, judge)
