"""From a journal to a plan that puts back what was changed; what somebody changed since is left alone.

Rule: what is compared is what a write leaves behind for good. A spec counts as untouched while uid and generation are
as they were after our write (controllers write status all the time); a status while the resourceVersion is. A step that
was sent and of which nobody knows whether it came through is settled first, by what the object looks like. What was
touched first is put back last, so that an Addon is enabled only when what it needs is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.inventory import JsonObject
from preflight.model import ResourceRef, SourceInfo, UpgradePair
from preflight.remediation.bodies import fresh
from preflight.remediation.case import DISABLED
from preflight.remediation.journal import CHANGED, STARTED, state_of
from preflight.remediation.plan import Action, Goal, Plan, Refusal, Refused, Step, Target, Until, by_hand, target_of
from preflight.remediation.saved import read_saved
from preflight.remediation.settle import happened
from preflight.remediation.strategies.recreate_job import NUDGE

AT_WORK = ("AddonEnabling", "AddonUpdating", "AddonDeploySuccessful")

Current = Callable[[Target], JsonObject | None]
"""Read an object as it is now; None when there is none."""


@dataclass(frozen=True, slots=True)
class _Change:
    """All that a run did to one object."""

    target: Target
    entries: tuple[dict[str, Any], ...]
    """Oldest first."""

    @property
    def last(self) -> dict[str, Any]:
        return self.entries[-1]


def rollback_plan(journal: dict[str, Any], folder: Path, current: Current, source: SourceInfo) -> Plan:
    """Plan the way back. Reads each object once; raises RemediationError for a saved object that cannot be used."""
    steps: list[Step] = []
    refusals: list[Refusal] = []
    cleared: list[Refusal] = []
    for change in _changes(journal):
        entry = change.last
        about = Refusal(entry["check"], entry["cause"], change.target.ref, "")
        try:
            step = _undo(change, folder, current)
        except Refused as error:
            refusals.append(replace(about, reason=str(error)))
        else:
            if isinstance(step, str):
                cleared.append(replace(about, reason=step))
            else:
                steps.append(step)
    numbered = tuple(replace(step, number=index, repair=index) for index, step in enumerate(steps, start=1))
    return Plan(source, UpgradePair(None, None), numbered, tuple(refusals), cleared=tuple(cleared))


def _changes(journal: dict[str, Any]) -> list[_Change]:
    """Gather the steps by object, the object that was touched first last."""
    by_object: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for entry in journal["steps"]:
        if entry["state"] in CHANGED:
            named = entry["object"]
            key = (named["apiVersion"], named["kind"], named["namespace"], named["name"])
            by_object.setdefault(key, []).append(entry)
    return [_Change(Target(*key), tuple(entries)) for key, entries in reversed(by_object.items())]


def _undo(change: _Change, folder: Path, current: Current) -> Step | str:
    """Return the step back, or why there is nothing to put back. Raises Refused."""
    now = current(change.target)
    first = change.entries[0]
    if change.target.kind == "Job":
        made = f"; helm-controller has made a new one (uid {state_of(now)['uid']})" if now else ""
        return f"a Job is work, not a state: nothing to put back{made}"
    if not first["backup"]:
        return "it was gone before the repair came to it"
    original = read_saved(folder, first)
    entries = _carried_out(change.entries, now, folder)
    if not entries:
        return "the write never came through: nothing to put back"
    settled = replace(change, entries=tuple(entries))
    if now is None:
        if entries[-1]["action"] != Action.DELETE.value:
            raise Refused("somebody deleted it since")
        return _recreate(settled, original)
    if [entry["action"] for entry in entries] == [Action.DELETE.value]:
        return _still_there(first, original, now)
    return _restore(settled, original, now)


def _carried_out(entries: Sequence[dict[str, Any]], now: JsonObject | None, folder: Path) -> list[dict[str, Any]]:
    """Drop a last step that was sent and never came through. Raises Refused where that cannot be told."""
    *before, last = entries
    if last["state"] != STARTED:
        return [*before, last]
    came = happened(last, before[-1] if before else None, now, folder)
    if came is None:
        raise Refused("the journal does not know whether the write came through; look at it yourself")
    return [*before, last] if came else before


def _still_there(entry: dict[str, Any], original: JsonObject, now: JsonObject) -> str:
    if state_of(now)["uid"] != (entry["before"] or {}).get("uid"):
        if fresh(now).get("spec") == fresh(original).get("spec") and fresh(now).get("data") == original.get("data"):
            return "it is there again as it was: nothing to put back"
        raise Refused("an object of that name exists again, made by somebody else")
    if (now.get("metadata") or {}).get("deletionTimestamp"):
        raise Refused("it is being deleted: wait until it is gone, then run rollback again")
    return "it was never deleted: nothing to put back"


def _recreate(change: _Change, original: JsonObject) -> Step:
    body = fresh(original)
    return _step(
        change,
        Action.CREATE,
        change.target,
        reason="it was deleted; it is created again as it was, without its status",
        risk="its controller starts over with it" if change.target.kind in ("Addon", "HelmChart") else "",
        body={},
        base=body,
        goal=_taken_up(change.target, original, body),
        commands=(
            "# without uid, resourceVersion and status:",
            by_hand("create -f {}", change.entries[0]["backup"]),
        ),
    )


def _restore(change: _Change, original: JsonObject, now: JsonObject) -> Step | str:
    if change.last["action"] == Action.UPDATE_STATUS.value:
        return _restore_status(change, original, now)
    if change.target.kind == "HelmChart":
        if NUDGE not in ((now.get("metadata") or {}).get("annotations") or {}):
            return "the annotation is gone already: nothing to put back"
        body: JsonObject = {"metadata": {"annotations": {NUDGE: None}}}
    else:
        field = "paused" if change.target.kind == "ManagedChart" else "enabled"
        wanted, present = (obj.get("spec", {}).get(field) for obj in (original, now))
        if wanted == present:
            return "its spec is what it was before: nothing to put back"
        body = {"spec": {field: wanted}}
    _must_be_untouched(change.last, now, ("uid", "generation"))
    if body.get("spec") == {"enabled": True} and (now.get("status") or {}).get("status") == "AddonDisabling":
        raise Refused(
            "it is still being disabled, and enabled in the middle of that it would hang for ever: let the uninstalling "
            "end first (`fix --resume` with this journal makes a failed delete Job run again), then run rollback again"
        )
    return _patch(change, Action.UPDATE, now, body, "what was changed in it is set back", original)


def _restore_status(change: _Change, original: JsonObject, now: JsonObject) -> Step | str:
    wanted, present = original.get("status") or {}, now.get("status") or {}
    if wanted == present:
        return "its status is what it was before: nothing to put back"
    _must_be_untouched(change.last, now, ("uid", "resourceVersion"))
    body: JsonObject = {"status": {**{key: None for key in present if key not in wanted}, **wanted}}
    return _patch(change, Action.UPDATE_STATUS, now, body, "the status it had before is written back", original)


def _must_be_untouched(entry: dict[str, Any], now: JsonObject, fields: tuple[str, ...]) -> None:
    """Raise Refused when somebody else changed the object after our write."""
    left = [state for state in (entry["after"], entry["settled"]) if state]
    if not left:  # it was settled by what it looks like: that is as our write left it
        return
    state = state_of(now)
    if not any(all(state[field] == known[field] for field in fields) for known in left):
        known = left[-1]
        field = next(field for field in fields if state[field] != known[field])
        raise Refused(
            f"somebody changed it since: its {field} is {state[field]}, after the repair it was {known[field]}"
        )


def _patch(
    change: _Change, action: Action, now: JsonObject, body: JsonObject, reason: str, original: JsonObject
) -> Step:
    where = (change.target.namespace, change.target.kind.lower(), change.target.name)
    target = target_of({"apiVersion": change.target.api_version, "kind": change.target.kind, **now})
    return _step(
        change,
        action,
        target,
        reason=reason,
        risk="its controller acts on it" if action is Action.UPDATE else "the Addon is as stuck as it was",
        body=body,
        goal=_taken_up(target, original, body) if action is Action.UPDATE else Goal(),
        commands=(
            f"# compare with {change.entries[0]['backup']}:",
            by_hand("get -n {} {} {} -o yaml", *where),
        ),
    )


def _taken_up(target: Target, original: JsonObject, body: JsonObject) -> Goal:
    """Wait until an Addon that is enabled again is taken up; one that was never taken up before is not waited for."""
    status = (original.get("status") or {}).get("status") or ""
    if target.kind != "Addon" or (body.get("spec") or {}).get("enabled") is not True or status in DISABLED:
        return Goal()
    return Goal(Until.TAKEN_UP, f"the controller has taken up {target.words}", (target,), AT_WORK)


def _step(change: _Change, action: Action, target: Target, **more: Any) -> Step:
    entry = change.last
    finding = entry["finding"]
    return Step(
        action=action,
        target=target,
        check=entry["check"],
        cause=entry["cause"],
        finding=ResourceRef(finding["apiVersion"], finding["kind"], finding["namespace"], finding["name"]),
        strategy="rollback",
        undo="run the fix again",
        **more,
    )
