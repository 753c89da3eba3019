"""From a journal to a plan that puts back what was changed, newest first; what somebody changed since is left alone.

Rule: what is compared is what a write leaves behind for good. A spec counts as untouched while uid and generation are
as they were after our write (controllers write status all the time); a status while the resourceVersion is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.inventory import JsonObject
from preflight.model import ResourceRef, SourceInfo, UpgradePair
from preflight.remediation.bodies import fresh
from preflight.remediation.journal import DONE, NOT_CONVERGED, STARTED, WRITTEN, read_saved, state_of
from preflight.remediation.plan import Action, Goal, Plan, Refusal, Refused, Step, Target, target_of
from preflight.remediation.strategies.recreate_job import NUDGE

CHANGED = (STARTED, WRITTEN, DONE, NOT_CONVERGED)
"""States of a step that may have changed something."""

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
    """Plan the way back. Reads each object once; raises RemediationError for a saved object that cannot be read."""
    steps: list[Step] = []
    refusals: list[Refusal] = []
    cleared: list[Refusal] = []
    for change in _changes(journal):
        entry = change.last
        about = Refusal(entry["check"], entry["cause"], change.target.ref, "")
        try:
            step = _undo(change, folder, current)
        except Refused as error:
            refusals.append(Refusal(about.check, about.cause, about.resource, str(error)))
        else:
            if isinstance(step, str):
                cleared.append(Refusal(about.check, about.cause, about.resource, step))
            else:
                steps.append(step)
    numbered = tuple(_numbered(step, index) for index, step in enumerate(steps, start=1))
    return Plan(source, UpgradePair(None, None), numbered, tuple(refusals), cleared=tuple(cleared))


def _numbered(step: Step, number: int) -> Step:
    from dataclasses import replace

    return replace(step, number=number, repair=number)


def _changes(journal: dict[str, Any]) -> list[_Change]:
    """Gather the steps by object, the object that was changed last first."""
    by_object: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for entry in journal["steps"]:
        if entry["state"] in CHANGED:
            named = entry["object"]
            key = (named["apiVersion"], named["kind"], named["namespace"], named["name"])
            entries = by_object.pop(key, [])  # put at the end again: the newest change decides the order
            by_object[key] = [*entries, entry]
    return [_Change(Target(*key), tuple(entries)) for key, entries in reversed(by_object.items())]


def _undo(change: _Change, folder: Path, current: Current) -> Step | str:
    """Return the step back, or why there is nothing to put back. Raises Refused."""
    now = current(change.target)
    actions = [entry["action"] for entry in change.entries]
    first = change.entries[0]
    if change.target.kind == "Job":
        made = f"; helm-controller has made a new one (uid {state_of(now)['uid']})" if now else ""
        return f"a Job is work, not a state: nothing to put back{made}"
    if not first["backup"]:
        return "it was gone before the repair came to it"
    original = read_saved(folder, first["backup"])
    if actions[0] == Action.DELETE.value and now is None:
        return _recreate(change, original)
    if actions == [Action.DELETE.value]:
        return _still_there(first, now)
    if now is None:
        raise Refused("somebody deleted it since")
    return _restore(change, original, now)


def _still_there(entry: dict[str, Any], now: JsonObject | None) -> str:
    if now is not None and state_of(now)["uid"] == (entry["before"] or {}).get("uid"):
        return "it was never deleted: nothing to put back"
    raise Refused("an object of that name exists again, made by somebody else")


def _recreate(change: _Change, original: JsonObject) -> Step:
    return _step(
        change,
        Action.CREATE,
        change.target,
        reason="it was deleted; it is created again as it was, without its status",
        risk="its controller starts over with it" if change.target.kind in ("Addon", "HelmChart") else "",
        body={},
        base=fresh(original),
        commands=(f"kubectl create -f {change.entries[0]['backup']}  # without uid, resourceVersion and status",),
    )


def _restore(change: _Change, original: JsonObject, now: JsonObject) -> Step | str:
    last = change.last
    if last["action"] == Action.UPDATE_STATUS.value:
        _must_be_untouched(last, now, ("uid", "resourceVersion"))
        body: JsonObject = {"status": _replacement(original.get("status") or {}, now.get("status") or {})}
        if (original.get("status") or {}) == (now.get("status") or {}):
            return "its status is what it was before: nothing to put back"
        return _patch(change, Action.UPDATE_STATUS, now, body, "the status it had before is written back")
    _must_be_untouched(last, now, ("uid", "generation"))
    body = {}
    if change.target.kind == "HelmChart":
        if NUDGE not in ((now.get("metadata") or {}).get("annotations") or {}):
            return "the annotation is gone already: nothing to put back"
        body = {"metadata": {"annotations": {NUDGE: None}}}
    elif original.get("spec", {}).get("enabled") != now.get("spec", {}).get("enabled"):
        body = {"spec": {"enabled": original.get("spec", {}).get("enabled")}}
    if not body:
        return "its spec is what it was before: nothing to put back"
    return _patch(change, Action.UPDATE, now, body, "what was changed in it is set back")


def _must_be_untouched(entry: dict[str, Any], now: JsonObject, fields: tuple[str, ...]) -> None:
    """Raise Refused when somebody else changed the object after our write."""
    left = [state for state in (entry["after"], entry["settled"]) if state]
    if not left:
        raise Refused("the journal does not know whether the write came through; look at it yourself")
    state = state_of(now)
    if not any(all(state[field] == known[field] for field in fields) for known in left):
        known = left[-1]
        field = next(field for field in fields if state[field] != known[field])
        raise Refused(
            f"somebody changed it since: its {field} is {state[field]}, after the repair it was {known[field]}"
        )


def _replacement(wanted: JsonObject, present: JsonObject) -> JsonObject:
    """Return the merge patch that turns one status into another, where fields vanish too."""
    return {**{key: None for key in present if key not in wanted}, **wanted}


def _patch(change: _Change, action: Action, now: JsonObject, body: JsonObject, reason: str) -> Step:
    where = f"-n {change.target.namespace} {change.target.kind.lower()} {change.target.name}"
    return _step(
        change,
        action,
        target_of({"apiVersion": change.target.api_version, "kind": change.target.kind, **now}),
        reason=reason,
        risk="its controller acts on it" if action is Action.UPDATE else "the Addon is as stuck as it was",
        body=body,
        commands=(f"kubectl get {where} -o yaml  # compare with {change.entries[0]['backup']}",),
    )


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
        goal=Goal(),
        **more,
    )
