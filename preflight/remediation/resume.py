"""Go on with a run that died: settle the step it was at, then carry out what is left of the repairs it had begun.

Repairs that it had not begun are left: what the cluster needs now is for a new plan to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.inventory import JsonObject
from preflight.model import SourceInfo, UpgradePair
from preflight.remediation.journal import CHANGED, DONE, PLANNED, STARTED, WRITTEN
from preflight.remediation.plan import Action, Plan, Refusal, Refused, Step, Target
from preflight.remediation.resume_toggle import repeated_uninstalling
from preflight.remediation.rollback import Current
from preflight.remediation.saved import read_saved, step_from, target_from
from preflight.remediation.settle import carries, happened

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
    repairs: dict[int, list[Entry]] = {}
    for entry in journal["steps"]:  # what an earlier resume added stands at the end
        repairs.setdefault(entry["repair"], []).append(entry)
    for entries in repairs.values():
        if not any(entry["state"] in CHANGED for entry in entries):
            continue
        try:
            settled = _settled(entries, current, folder)
            extra = repeated_uninstalling(entries, settled, current, len(journal["steps"]) + len(added) + 1)
            left = [*([extra] if extra else []), *_left(entries, settled, current)]
        except Refused as error:
            about = entries[0]
            refusals.append(Refusal(about["check"], about["cause"], target_from(about["object"]).ref, str(error)))
            continue
        added += [extra] if extra else []
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
            came = happened(entry, _same(entries[:index], entry), current(named(entry)), folder)
            if came is None:
                raise Refused(
                    "whether its last write came through cannot be told, since somebody changed the object; look at it "
                    "yourself, or put it back with `rollback`"
                )
            state = WRITTEN if came else PLANNED
        states[entry["number"]] = {DONE: DONE}.get(state) or (WRITTEN if state in CHANGED else PLANNED)
    return states


def _same(entries: list[Entry], entry: Entry) -> Entry | None:
    return next((one for one in reversed(entries) if named(one) == named(entry)), None)


def named(entry: Entry) -> Target:
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
            now = current(named(entry))
            if now is None:
                raise Refused("somebody deleted it since")
            if carries(now, entry["change"]) and states[number] == PLANNED:
                states[number] = DONE  # somebody has done it meanwhile
                continue
            if states[number] == WRITTEN and not carries(now, entry["change"]):
                raise Refused("somebody changed it since; look at it yourself, or put it back with `rollback`")
        first = False
        yield step_from(entry, sent=states[number] == WRITTEN)
