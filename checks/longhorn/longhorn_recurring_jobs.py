"""Recurring snapshots and backups of Longhorn, which Harvester does not support, get in the way of the upgrade.

Rule: docs, all versions: recurringjobs with a task snapshot* or backup* are to be disabled before upgrading.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    delays,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
    texts_at,
)


@check(
    id="longhorn-recurring-jobs",
    title="Longhorn takes no recurring snapshots or backups",
    category="longhorn",
    needs=(need("recurringjobs.longhorn.io", "spec.task", "spec.groups", "spec.cron"),),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="A snapshot or backup that starts half-way attaches volumes and keeps nodes from being drained.",
    how="Somebody made the job in the Longhorn UI.",
    fix="Delete the job, or take its groups away, until the upgrade is over.",
    consequence=delays(
        Phase.NODE_DRAIN,
        "A snapshot or backup that starts half-way attaches volumes, and the drain of their node may wait for it",
        Certainty.POSSIBLE,
    ),
    causes={"recurring-task": "The job starts snapshots or backups by itself: disable it for the upgrade."},
)
def longhorn_recurring_jobs(view: View) -> Iterator[Outcome]:
    """Yield a warning for every recurring snapshot or backup job."""
    yield from view.each("recurringjobs.longhorn.io", _judge)


def _judge(job: JsonObject) -> Iterator[Outcome]:
    task = text_at(job, "spec.task")
    if not task.startswith(("snapshot", "backup")):
        return
    name = name_of(job)
    groups = texts_at(job, "spec.groups")
    yield Finding(
        severity=WARN,
        cause="recurring-task",
        message=f"Recurring job {name} takes a {task} at {text_at(job, 'spec.cron') or 'no set time'} "
        f"(groups: {', '.join(groups) or 'none'})",
        hint="Disable it until the upgrade is over",
        commands=(
            kubectl("get recurringjobs.longhorn.io {} -n longhorn-system -o yaml > {}.yaml", name, name, why="keep it"),
            kubectl("delete recurringjobs.longhorn.io {} -n longhorn-system", name),
        ),
        resource=ref_of(job),
        evidence={"task": task, "groups": groups},
    )
