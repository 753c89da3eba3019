"""Whether a write that was sent, and whose answer nobody saw, came through: told by what the object looks like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preflight.inventory import JsonObject
from preflight.remediation.journal import state_of
from preflight.remediation.plan import Action
from preflight.remediation.saved import read_saved

Entry = Mapping[str, Any]


def happened(entry: Entry, earlier: Entry | None, now: JsonObject | None, folder: Path) -> bool | None:
    """Say whether the server carried a step out; None where somebody else's change hides it.

    `earlier` is the step before it that changed the same object, `now` the object as it is. Raises RemediationError.
    """
    action = Action(entry["action"])
    if action is Action.DELETE:
        return now is None or state_of(now)["uid"] != (entry["before"] or {}).get("uid") or _going(now)
    if now is None:
        return False if action is Action.CREATE else None
    if action is Action.CREATE:
        return True if now.get("spec") == read_saved(folder, entry).get("spec") else None
    known = (earlier["settled"] or earlier["after"] if earlier else None) or entry["before"]
    return _updated(entry, known or {}, now, status=action is Action.UPDATE_STATUS)


def _updated(entry: Entry, known: Mapping[str, Any], now: JsonObject, *, status: bool) -> bool | None:
    state, field = state_of(now), "resourceVersion" if status else "generation"
    if state["uid"] != known.get("uid"):
        return None
    if carries(now, entry["change"]):
        before, present = known.get(field), state[field]
        once = not isinstance(before, int) or not isinstance(present, int) or present <= before + 1
        return True if once else None  # another edit came after it, or instead of it
    return False if state[field] == known.get(field) else None


def carries(obj: Any, change: Any) -> bool:
    """Say whether an object already is what a merge patch would make of it."""
    if not isinstance(change, dict):
        return bool(obj == change)
    if not isinstance(obj, dict):
        return False
    return all(obj.get(key) is None if value is None else carries(obj.get(key), value) for key, value in change.items())


def _going(obj: JsonObject) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))
