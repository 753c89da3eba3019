"""Read fields of objects whose shape nobody can promise.

A field that is missing or null gives the empty value; one that is there with another type than the API documents
raises `Unreadable`, which the runner turns into `unknown` for that object. So a check needs no type tests of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from preflight.errors import Unreadable
from preflight.model import ResourceRef
from preflight.values.paths import split_path
from preflight.values.times import parse_time

Object: TypeAlias = Mapping[str, Any]


def value_at(obj: Object, path: str) -> Any:
    """Return whatever stands at `path`, None when a part of the way is missing or null."""
    found: Any = obj
    for segment in split_path(path):
        if found is None:
            return None
        if not isinstance(found, dict):
            raise _unreadable(obj, path, found, "a map on the way to it")
        found = found.get(segment)
    return found


def text_at(obj: Object, path: str) -> str:
    """Return the text at `path`, empty when missing."""
    found = value_at(obj, path)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise _unreadable(obj, path, found, "text")
    return found


def integer_at(obj: Object, path: str) -> int | None:
    """Return the whole number at `path`. Accepts 3.0 and "3", which some writers make of 3."""
    found = value_at(obj, path)
    if found is None or found == "":
        return None
    if isinstance(found, bool):
        raise _unreadable(obj, path, found, "a whole number")
    if isinstance(found, int):
        return found
    try:
        number = float(found)
        if number != int(number):
            raise ValueError
        return int(found) if isinstance(found, str) and found.lstrip("+-").isdigit() else int(number)
    except (TypeError, ValueError, OverflowError):
        raise _unreadable(obj, path, found, "a whole number") from None


def boolean_at(obj: Object, path: str) -> bool | None:
    """Return the true or false at `path`, None when missing."""
    found = value_at(obj, path)
    if found is None or isinstance(found, bool):
        return found
    raise _unreadable(obj, path, found, "true or false")


def mapping_at(obj: Object, path: str) -> dict[str, Any]:
    """Return the map at `path`, empty when missing."""
    found = value_at(obj, path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _unreadable(obj, path, found, "a map")
    return found


def list_at(obj: Object, path: str) -> list[Any]:
    """Return the list at `path`, empty when missing."""
    found = value_at(obj, path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _unreadable(obj, path, found, "a list")
    return found


def maps_at(obj: Object, path: str) -> list[dict[str, Any]]:
    """Return the list of maps at `path`, empty when missing."""
    found = list_at(obj, path)
    for item in found:
        if not isinstance(item, dict):
            raise _unreadable(obj, path, item, "a map in every place of the list")
    return found


def texts_at(obj: Object, path: str) -> list[str]:
    """Return the list of texts at `path`, empty when missing."""
    found = list_at(obj, path)
    for item in found:
        if not isinstance(item, str):
            raise _unreadable(obj, path, item, "text in every place of the list")
    return found


def time_at(obj: Object, path: str) -> datetime | None:
    """Return the time at `path`, None when missing or empty."""
    found = text_at(obj, path)
    if not found:
        return None
    moment = parse_time(found)
    if moment is None:
        raise _unreadable(obj, path, found, "an RFC 3339 time")
    return moment


def effective_value(setting: Object) -> str:
    """Return what a Setting of Harvester or Longhorn stands at: its value, or its default when the value is empty."""
    return text_at(setting, "value") or text_at(setting, "default")


def condition(obj: Object, kind: str) -> dict[str, Any] | None:
    """Return the condition of that type from status.conditions, None when there is none.

    Raises Unreadable when none has that type and one has no text for a type: it may be the one that is asked for.
    """
    found = maps_at(obj, "status.conditions")
    for entry in found:
        if entry.get("type") == kind:
            return entry
    for entry in found:
        if not isinstance(entry.get("type"), str):
            raise _unreadable(obj, "status.conditions.type", entry.get("type"), "text")
    return None


def condition_status(obj: Object, kind: str) -> str:
    """Return the status ("True", "False", "Unknown") of a condition, empty when there is no such condition."""
    found = condition(obj, kind)
    return text_at(found, "status") if found else ""


def name_of(obj: Object) -> str:
    """Return metadata.name, empty when missing."""
    return text_at(obj, "metadata.name")


def namespace_of(obj: Object) -> str:
    """Return metadata.namespace, empty when missing."""
    return text_at(obj, "metadata.namespace")


def labels_of(obj: Object) -> dict[str, Any]:
    """Return metadata.labels, empty when missing."""
    return mapping_at(obj, "metadata.labels")


def annotations_of(obj: Object) -> dict[str, Any]:
    """Return metadata.annotations, empty when missing."""
    return mapping_at(obj, "metadata.annotations")


def ref_of(obj: Object) -> ResourceRef:
    """Name the object for a finding. Never raises: a broken object must still be nameable."""
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return ResourceRef(
        _plain(obj.get("apiVersion")),
        _plain(obj.get("kind")),
        _plain(metadata.get("namespace")),
        _plain(metadata.get("name")),
    )


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _unreadable(obj: Object, path: str, found: object, wanted: str) -> Unreadable:
    ref = ref_of(obj)
    where = "/".join(part for part in (ref.kind, ref.namespace, ref.name) if part)
    shown = repr(found)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return Unreadable(f"{where + ': ' if where else ''}{path} is {shown}, not {wanted}")
