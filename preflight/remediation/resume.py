"""Go on with a run that died: settle the step it was at, then carry out what is left of the repairs it had begun.

Repairs that it had not begun are left: what the cluster needs now is for a new plan to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from preflight.fields import condition_status
from preflight.inventory import JsonObject
from preflight.model import ResourceRef, SourceInfo, UpgradePair
from preflight.remediation.case import DISABLED, addon_status, failure_time
from preflight.remediation.journal import CHANGED, DONE, PLANNED, STARTED, WRITTEN
from preflight.remediation.plan import Action, Goal, Plan, Refusal, Refused, Step, Target, Until, target_of
from preflight.remediation.rollback import Current
from preflight.remediation.saved import goal_from, read_saved, target_from
from preflight.remediation.settle import carries, happened
from preflight.remediation.strategies.recreate_job import DELETE_REASON, DELETE_RISK

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resumed:
    """What is left to do, and what was found out about the steps whose end nobody knew."""

    plan: Plan
    states: Mapping[int, str]
    """Step → the state it turned out to be in."""
    sent: frozenset[int]
    """Steps that need no writing any more, only waiting."""
    saved: Mapping[int, JsonObject]
    """Step → what was saved for it."""
    added: tuple[Step, ...] = ()
    """Steps that the run did not plan, and without which the rest could not be done."""


def resume_plan(journal: dict[str, Any], folder: Path, current: Current, source: SourceInfo) -> Resumed:
    """Plan the rest. Reads each object once; raises RemediationError for a saved object that cannot be used."""
    steps: list[Step] = []
    refusals: list[Refusal] = []
    states: dict[int, str] = {}
    added: list[Step] = []
    for _, group in groupby(journal["steps"], key=lambda entry: entry["repair"]):
        entries = list(group)
        if not any(entry["state"] in CHANGED for entry in entries):
            continue
        try:
            settled = _settled(entries, current, folder)
            if extra := _failed_uninstalling(entries, settled, current, len(journal["steps"]) + len(added) + 1):
                added.append(extra)
            left = [*([extra] if extra else []), *_left(entries, settled, current)]
        except Refused as error:
            named = entries[0]
            refusals.append(Refusal(named["check"], named["cause"], target_from(named["object"]).ref, str(error)))
            continue
        states |= settled
        steps += left
    plan = Plan(source, UpgradePair(None, None), tuple(steps), tuple(refusals))
    sent = frozenset(step.number for step in steps if states.get(step.number) == WRITTEN)
    saved = {
        entry["number"]: read_saved(folder, entry)
        for entry in journal["steps"]
        if entry["backup"] and any(step.repair == entry["repair"] for step in steps)
    }
    return Resumed(plan, states, sent, saved, tuple(added))


def _settled(entries: list[Entry], current: Current, folder: Path) -> dict[int, str]:
    """Say of each step of a repair what it came to. Raises Refused where that cannot be told."""
    states: dict[int, str] = {}
    for index, entry in enumerate(entries):
        state = entry["state"]
        if state == STARTED:
            came = happened(entry, _same(entries[:index], entry), current(_named(entry)), folder)
            if came is None:
                raise Refused(
                    "whether its last write came through cannot be told, since somebody changed the object; look at it "
                    "yourself, or put it back with `rollback`"
                )
            state = WRITTEN if came else PLANNED
        states[entry["number"]] = {DONE: DONE}.get(state) or (WRITTEN if state in CHANGED else PLANNED)
    return states


def _failed_uninstalling(entries: list[Entry], states: dict[int, str], current: Current, number: int) -> Step | None:
    """Plan to delete the Job that failed to uninstall the chart, where a toggle waits for it in vain."""
    entry = entries[0]
    if entry["strategy"] != "toggle" or states[entry["number"]] != WRITTEN or entry["action"] != Action.UPDATE.value:
        return None
    addon, named = current(_named(entry)), entry["object"]
    job = current(Target("batch/v1", "Job", named["namespace"], f"helm-delete-{named['name']}"))
    if addon is None or job is None or addon_status(addon) != "AddonDisabling":
        return None
    if condition_status(job, "Failed") != "True":
        return None
    states[entry["number"]] = DONE  # what it waits for is what the new step waits for
    target = target_of(job)
    words = f"a new Job {target.name} has run and {target_of(addon).words} is AddonDisabled"
    goal = Goal(Until.JOB_RECREATED, words, (target_of(addon), target), DISABLED, failure_time(addon))
    command = f"kubectl -n {target.namespace} delete job {target.name} --cascade=background"
    return replace(
        _step(entry, sent=False),
        action=Action.DELETE,
        target=target,
        reason=DELETE_REASON,
        risk=DELETE_RISK,
        undo="none needed: helm-controller has made a new Job",
        commands=(command,),
        body=None,
        goal=goal,
        number=number,
    )


def _same(entries: list[Entry], entry: Entry) -> Entry | None:
    return next((one for one in reversed(entries) if _named(one) == _named(entry)), None)


def _named(entry: Entry) -> Target:
    """Name the object without its state: that may have changed."""
    return replace(target_from(entry["object"]), uid="", resource_version="")


def _left(entries: list[Entry], states: dict[int, str], current: Current) -> Iterator[Step]:
    """Yield what is still to be written or waited for."""
    first = True
    for entry in entries:
        number = entry["number"]
        if states[number] == DONE:
            continue
        if first and entry["action"] == Action.UPDATE.value:
            now = current(_named(entry))
            if now is None:
                raise Refused("somebody deleted it since")
            if carries(now, entry["change"]) and states[number] == PLANNED:
                states[number] = DONE  # somebody has done it meanwhile
                continue
            if states[number] == WRITTEN and not carries(now, entry["change"]):
                raise Refused("somebody changed it since; look at it yourself, or put it back with `rollback`")
        first = False
        yield _step(entry, sent=states[number] == WRITTEN)


def _step(entry: Entry, *, sent: bool) -> Step:
    target = replace(target_from(entry["object"]), resource_version="")
    finding = entry["finding"]
    return Step(
        action=Action(entry["action"]),
        target=target,
        check=entry["check"],
        cause=entry["cause"],
        finding=ResourceRef(finding["apiVersion"], finding["kind"], finding["namespace"], finding["name"]),
        strategy=entry["strategy"],
        reason=("was sent already, and is only waited for" if sent else "goes on: " + entry["reason"]),
        risk=entry["risk"],
        undo=entry["undo"],
        loses=entry["loses"],
        automatic=entry["automatic"],
        commands=tuple(entry["commands"]),
        body=entry["change"],
        goal=goal_from(entry),
        number=entry["number"],
        repair=entry["repair"],
    )
