"""A toggle that died, or ended, while the chart was being uninstalled: what is so decides what comes next.

The step that disables is over once the Addon is AddonDisabled, however that came about. Until then it is waited for;
where the Job that uninstalls the chart has failed for good, waiting is in vain, and that Job goes first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from preflight.fields import condition_status
from preflight.inventory import JsonObject
from preflight.remediation.case import DISABLED, addon_status, failure_time
from preflight.remediation.journal import DONE, PLANNED, WRITTEN
from preflight.remediation.plan import Action, Goal, Step, Target, Until, by_hand, target_of
from preflight.remediation.rollback import Current
from preflight.remediation.saved import step_from
from preflight.remediation.strategies.recreate_job import DELETE_REASON, DELETE_RISK

Entry = dict[str, Any]


def repeated_uninstalling(entries: list[Entry], states: dict[int, str], current: Current, number: int) -> Step | None:
    """Plan to delete the Job that failed to uninstall the chart, where a toggle would wait for it in vain.

    Sets the states of the steps before the one that enables to what the Addon shows.
    """
    first, last = entries[0], next((one for one in entries if one["change"] == {"spec": {"enabled": True}}), None)
    if first["strategy"] != "toggle" or states[first["number"]] == PLANNED:
        return None
    if last is None or states[last["number"]] != PLANNED:
        return None
    named = first["object"]
    addon = current(Target(named["apiVersion"], named["kind"], named["namespace"], named["name"]))
    if addon is None:
        return None
    over = addon_status(addon) in DISABLED
    for entry in entries:
        if entry is not last:
            states[entry["number"]] = DONE if over or entry is not first else WRITTEN
    job = current(Target("batch/v1", "Job", named["namespace"], f"helm-delete-{named['name']}"))
    if over or job is None or addon_status(addon) != "AddonDisabling" or condition_status(job, "Failed") != "True":
        # a failure that is recorded now is not one of the Job that is at work
        first["goal"] = {**first["goal"], "until": Until.ADDON_STATUS.value, "objects": [dict(named)]}
        first["goal"].update(statuses=list(DISABLED), stale=failure_time(addon))
        return None
    states[first["number"]] = DONE  # what it waits for is what the new step waits for
    return _delete(first, addon, job, number)


def _delete(entry: Entry, addon: JsonObject, job: JsonObject, number: int) -> Step:
    target = target_of(job)
    words = f"a new Job {target.name} has run and {target_of(addon).words} is AddonDisabled"
    goal = Goal(Until.JOB_RECREATED, words, (target_of(addon), target), DISABLED, failure_time(addon))
    return replace(
        step_from(entry, sent=False),
        action=Action.DELETE,
        target=target,
        reason=DELETE_REASON,
        risk=DELETE_RISK,
        undo="none needed: helm-controller has made a new Job",
        commands=(by_hand("-n {} delete job {} --cascade=background", target.namespace, target.name),),
        body=None,
        goal=goal,
        number=number,
    )
