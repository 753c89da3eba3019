"""What one check is given: its own needs, as far as the source holds them, and copies where somebody else wrote it.

Rule: what a snapshot does not hold is `not-in-source` for the check that asks for it, and for no other; a foreign check
reads nothing that it did not declare, and cannot change what the others see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from preflight.check import Check, Need
from preflight.inventory import Collected, Held, Inventory, JsonObject
from preflight.model import Code, Reason
from preflight.values.paths import ALWAYS_KEPT, covers, field_tree, keep_fields
from preflight.values.secrets import REMOVED

AGAIN = "take the snapshot again with this version of harvester-preflight"
MAX_NAMED = 5
"""Objects with something removed that are named one by one."""


def served(inventory: Inventory, needs: Iterable[Need]) -> Inventory:
    """Return the inventory with each resource missing of which the source does not hold what is needed."""
    lacking: dict[str, list[str]] = {}
    for need in needs:
        entry = inventory.get(need.resource.name)
        if entry.held and not entry.missing and (parts := _lacking(need, entry.held)):
            lacking.setdefault(need.resource.name, []).extend(parts)
    if not lacking:
        return inventory
    name = inventory.source.name
    missing = {
        resource: Collected(
            missing=Reason(
                Code.NOT_IN_SOURCE,
                f"{name} has no {', '.join(dict.fromkeys(parts))} of {resource}; {AGAIN}",
                cure=AGAIN,
            )
        )
        for resource, parts in lacking.items()
    }
    return replace(inventory, entries={**inventory.entries, **missing})


def served_to(check: Check, inventory: Inventory) -> Inventory:
    """Return what a check may see; a foreign one gets copies of what it declared, cut to its own fields."""
    found = served(inventory, check.needs)
    if not check.foreign:
        return found
    fields: dict[str, list[str]] = {}
    for need in check.needs:
        fields.setdefault(need.resource.name, []).extend(need.fields)
    return replace(found, entries={name: _copied(found.get(name), field_tree(fields[name])) for name in fields})


def _lacking(need: Need, held: Held) -> Iterator[str] | list[str]:
    if need.resource.metadata_only or need.resource.kind == "Secret":  # nobody is ever given more of these
        return []
    kept = (*ALWAYS_KEPT, *held.fields)
    parts = sorted(field for field in need.fields if not covers(kept, field))
    for text in held.reduced:
        if covers(need.fields, text):
            wanted = [value for value in need.values if not covers(held.values, value)]
            parts += [f"{value} in {text}" for value in wanted]
            if not need.values:
                parts.append(f"{text} as a whole (a snapshot keeps what checks declare with need(values=…))")
    return parts


def _copied(entry: Collected, tree: Mapping[str, Any]) -> Collected:
    objects = tuple(_copy(keep_fields(obj, dict(tree))) for obj in entry.objects)
    if not entry.held:
        return replace(entry, objects=objects)
    removed = [(obj, path) for obj in objects if (path := next(_removed(obj), ""))]
    gaps = tuple(_removal(obj, path) for obj, path in removed[:MAX_NAMED])
    if len(removed) > MAX_NAMED:
        more = f"the same of {len(removed) - MAX_NAMED} more objects"
        gaps += (Reason(Code.NOT_IN_SOURCE, more),)
    return replace(entry, objects=objects, gaps=(*entry.gaps, *gaps))


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value


def _removed(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what a snapshot holds no more."""
    if isinstance(value, str):
        if REMOVED in value:
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _removed(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _removed(item, path)


def _removal(obj: JsonObject, path: str) -> Reason:
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = "/".join(str(part) for part in (obj.get("kind"), metadata.get("namespace"), metadata.get("name")) if part)
    return Reason(Code.NOT_IN_SOURCE, f"{name}: {path} was removed from the snapshot, because secrets stand there")
