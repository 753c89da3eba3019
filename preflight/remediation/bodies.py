"""What is sent: a change merged into an object as it is, or an object made ready to be created again."""

from __future__ import annotations

import copy
from typing import Any

from preflight.inventory import JsonObject
from preflight.remediation.plan import Step

SERVER_OWNED = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "finalizers",
)
"""Owners too: an object created with an owner that is gone is collected at once. Finalizers are set by controllers."""


def merged(target: Any, change: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) and return the result; neither argument is changed."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def fresh(obj: JsonObject, change: JsonObject | None = None) -> JsonObject:
    """Return an object as it can be created again: same labels, annotations and spec, without life and status."""
    made = {key: copy.deepcopy(value) for key, value in obj.items() if key != "status"}
    metadata = made.get("metadata") or {}
    made["metadata"] = {key: value for key, value in metadata.items() if key not in SERVER_OWNED}
    result: JsonObject = merged(made, change or {})
    return result


def change_for(step: Step, current: JsonObject) -> JsonObject:
    """Return the merge patch of a step for the object as it is now: conditions that the plan never saw are kept."""
    change = copy.deepcopy(step.body or {})
    wanted = change.get("status", {}).get("conditions") if isinstance(change.get("status"), dict) else None
    status = current.get("status")
    present = status.get("conditions") if isinstance(status, dict) else None
    if wanted is None or not isinstance(present, list):
        return change
    by_type = {entry.get("type"): entry for entry in wanted}
    kept = [entry for entry in present if isinstance(entry, dict) and str(entry.get("type")) not in by_type]
    change["status"]["conditions"] = kept + wanted
    return change
