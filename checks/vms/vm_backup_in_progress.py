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
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    time_at,
    value_at,
)

from ._vms import full_name

BACKUPS = "virtualmachinebackups.harvesterhci.io"


@check(
    id="vm-backup-in-progress",
    title="No backup or snapshot of a machine is under way",
    category="vms",
    needs=(need(BACKUPS, "status.error", "status.readyToUse", "spec.type", "spec.source.name"),),
    enforced_by=(Enforcer.WEBHOOK,),
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
        kind = text_at(backup, "spec.type") or "backup"
        created = time_at(backup, "metadata.creationTimestamp")
        age = f" for {human_duration(view.now - created)}" if created else ""
        yield Finding(
            severity=FAIL,
            cause="not-ready",
            message=f"VM {kind} {full_name(backup)} of {text_at(backup, 'spec.source.name') or '?'} has been under way"
            f"{age}: the server refuses the Upgrade",
            hint="Wait until it is ready; delete it when it makes no progress\n"
            f"kubectl get {BACKUPS} {name_of(backup)} -n {namespace_of(backup)} -o yaml\n"
            f"kubectl delete {BACKUPS} {name_of(backup)} -n {namespace_of(backup)}",
            resource=ref_of(backup),
            evidence={"type": kind, "created": format_time(created) if created else None},
            transient=True,
            enforced_by=(Enforcer.WEBHOOK,),
        )

    yield from view.each(BACKUPS, judge)
