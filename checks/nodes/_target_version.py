"""Annotations of the target's Version object that the webhook of 1.4.x and 1.5.0 takes as its thresholds."""

from __future__ import annotations

from preflight.api import JsonObject, View, annotations_of, name_of, stands_for, text_at

VERSIONS = "versions.harvesterhci.io"


def target_version(view: View) -> JsonObject | None:
    """Return the Version object of the target; None when there is none or the target is not known."""
    target = view.upgrade.to_version
    if target is None:
        return None
    found = [version for version in view.objects(VERSIONS) if stands_for(name_of(version), target)]
    found.sort(key=lambda version: name_of(version) != target.raw)
    return found[0] if found else None


def version_annotation(view: View, key: str) -> tuple[str | None, JsonObject | None]:
    """Return an annotation of the target's Version object, None when it is not set, and the object it stands on."""
    version = target_version(view)
    if version is None or key not in annotations_of(version):
        return None, version
    return text_at(annotations_of(version), f"[{key}]"), version
