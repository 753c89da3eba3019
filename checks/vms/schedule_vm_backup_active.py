"""A backup schedule that is not suspended makes the server refuse the Upgrade.

Rule: validator.go checkScheduleVMBackups (all versions): status.suspended is not true. The server reads the status, so
a fresh spec.suspend still blocks until the controller has copied it.
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
    kubectl,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
)

from ._vms import full_name

SCHEDULES = "schedulevmbackups.harvesterhci.io"


@check(
    title="Every backup schedule is suspended",
    needs=(need(SCHEDULES, "status.suspended", "spec.suspend", "spec.cron"),),
    enforced_by=(Enforcer.WEBHOOK,),
    consequence=refused(),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="A schedule could start a backup half-way through, so the server wants all of them suspended.",
    how="Schedules are active unless somebody suspends them.",
    fix="Suspend the schedule for the upgrade and resume it afterwards.",
    causes={
        "schedule-active": "The schedule is active: suspend it for the upgrade.",
        "suspend-not-taken": "It was suspended, but the controller has not taken note yet: the server still refuses.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def schedule_vm_backup_active(view: View) -> Iterator[Outcome]:
    """Yield a finding for every schedule the server takes for active."""
    yield from view.each(SCHEDULES, _judge)


def _judge(schedule: JsonObject) -> Iterator[Outcome]:
    if boolean_at(schedule, "status.suspended"):
        return
    asked = bool(boolean_at(schedule, "spec.suspend"))
    names = (SCHEDULES, name_of(schedule), namespace_of(schedule))
    if asked:
        hint, command = "Wait until the controller sets status.suspended", kubectl("get {} {} -n {} -o yaml", *names)
    else:
        hint = "Suspend it for the upgrade, and resume it afterwards"
        command = kubectl("patch {} {} -n {} --type merge -p {}", *names, '{"spec":{"suspend":true}}')
    yield Finding(
        severity=FAIL,
        cause="suspend-not-taken" if asked else "schedule-active",
        message=f"Backup schedule {full_name(schedule)} ({text_at(schedule, 'spec.cron') or 'no time'}) is "
        + ("to be suspended but still counts as active" if asked else "active"),
        hint=hint,
        commands=(command,),
        resource=ref_of(schedule),
        evidence={"suspend": asked, "suspended": False},
        transient=asked,
    )
