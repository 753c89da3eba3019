"""From the map `releases` of a document to Release values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.releases import AddonData, Release
from preflight.values.versions import parse_version

TEXTS = ("minimum", "documented", "better", "kubernetes", "rancher", "longhorn", "kubevirt", "cdi")


def releases_from(entries: Mapping[str, Mapping[str, Any]]) -> tuple[Release, ...]:
    """Read the entries of a document that fits schemas/releases.schema.json, from the oldest to the newest.

    `like` is resolved first (what an entry says itself wins). Raises ValueError for one that names no other entry.
    """
    found = [release_from(name, _own(name, entries), str(entry.get("like") or "")) for name, entry in entries.items()]
    return tuple(sorted(found, key=lambda release: release.version))


def release_from(name: str, entry: Mapping[str, Any], inherited: str = "") -> Release:
    """Read one entry."""
    addons = {key: AddonData(**addon) for key, addon in (entry.get("addons") or {}).items()}
    return Release(
        name=name,
        addons=addons,
        managed_charts=tuple(entry.get("managedCharts") or ()),
        image_gib=int(entry.get("imageGiB") or 0),
        working_gib=int(entry.get("workingGiB") or 0),
        inherited=inherited,
        **{key: str(entry.get(key) or "") for key in TEXTS},
    )


def _own(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    entry = entries[name]
    like = entry.get("like")
    if not like:
        return entry
    if like not in entries or entries[like].get("like"):
        raise ValueError(f"releases.{name}.like: {like} is no entry with data of its own")
    return {**entries[like], **entry}


def is_release_name(name: str) -> bool:
    """Say whether an entry's name is a version with its leading v."""
    return name.startswith("v") and not parse_version(name).is_dev
