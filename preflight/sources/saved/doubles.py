"""Objects of one kind, namespace and name that stand in the input more than once: which one counts, or that none does.

Rule: an object keeps its uid for life, and its resourceVersion grows with each change; two uids are two objects, so of
two clusters, or of one that was deleted and created again between two dumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preflight.inventory import JsonObject
from preflight.model import Code, Reason
from preflight.values.foreign_text import one_line

LIVE_AS_LONG_AS_THE_CLUSTER = ("harvesterhci.io", "Setting")
"""A kind that is never made anew: another uid there means another cluster, whatever kind is asked for."""


def newest_of_each(objects: Sequence[JsonObject]) -> tuple[list[JsonObject], str]:
    """Return each object once, the newest; and, when that cannot be told, the name of the first such and why."""
    kept: dict[tuple[Any, ...], JsonObject] = {}
    conflict = ""
    for number, obj in enumerate(objects):
        name, namespace = obj["metadata"].get("name"), obj["metadata"].get("namespace") or ""
        key = (namespace, name) if isinstance(name, str) and isinstance(namespace, str) else (number,)
        other = kept.get(key)
        if other is not None:
            why = _why_not_one(other, obj)
            if why and not conflict:
                conflict = f"{one_line('/'.join(str(part) for part in key if part), 120)} {why}"
        if other is None or _revision(obj) >= _revision(other):
            kept[key] = obj
    return list(kept.values()), conflict


def conflicting(kind: str, conflict: str, where: str) -> Reason:
    """Say once that two objects claim one name."""
    return Reason(
        Code.CONFLICTING,
        f"{where} holds {kind} {conflict}; read each cluster from a file of its own, saved at one time",
    )


def _why_not_one(one: JsonObject, other: JsonObject) -> str:
    uids = [uid for obj in (one, other) if isinstance(uid := obj["metadata"].get("uid"), str) and uid]
    if len(set(uids)) > 1:
        return "twice, with another uid: two clusters, or an object that was made anew between two dumps"
    if one == other or (_revision(one) != _revision(other) and _revision(one) and _revision(other)):
        return ""
    return "twice with other content, and no resourceVersion tells which is newer"


def _revision(obj: JsonObject) -> int:
    text = str(obj["metadata"].get("resourceVersion") or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
