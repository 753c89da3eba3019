"""The server's way to decide whether a version may be reached, and the shortest way where it may not.

Which versions each release accepts is data: checks/knowledge/releases.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import (
    Code,
    HarvesterVersion,
    JsonObject,
    Release,
    Unknown,
    View,
    parse_version,
    ref_of,
    text_at,
    unknown,
)

VERSIONS = "versions.harvesterhci.io"
SUPPLY = "give the data with --knowledge FILE; `harvester-preflight schema releases` prints their shape"


def rejection(current: HarvesterVersion, target: HarvesterVersion, minimum: HarvesterVersion | None) -> str:
    """Say why the server's upgrade controller rejects the path, empty when it accepts it.

    Its order: development builds, the same version again, older ones, the minimum, release candidates.
    """
    if target.is_dev:
        return ""
    if current.is_dev:
        return f"{current} is a development build, from which only another development build can be reached"
    if current.semantic == target.semantic:
        return ""
    if target < current:
        return f"{target} is older than {current}, and there is no downgrade"
    if minimum is not None and current < minimum:
        return f"{target} demands at least {minimum}, and {current} is running"
    if current.is_prerelease and current.base != target.base:
        return f"{current} is a pre-release, which can only go on to another v{current.base}"
    return ""


def route(releases: Sequence[Release], current: HarvesterVersion, target: HarvesterVersion) -> tuple[str, ...]:
    """Return the shortest way from one version to another that the server accepts at every step, empty without one.

    Of equally short ways the one over the newest releases.
    """
    if current.is_dev or target.is_dev:
        return ()
    seen = {str(current.semantic)}
    ways: list[tuple[HarvesterVersion, tuple[str, ...]]] = [(current, (current.raw,))]
    final = [row for row in releases if row.minimum and not row.version.is_prerelease]
    steps = [(row.version, parse_version(row.minimum)) for row in reversed(final)]
    while ways:
        longer: list[tuple[HarvesterVersion, tuple[str, ...]]] = []
        for version, way in ways:
            for step, minimum in steps:
                if str(step.semantic) in seen or not version < step or rejection(version, step, minimum):
                    continue
                seen.add(str(step.semantic))
                longer.append((step, (*way, step.raw)))
                if step.semantic == target.base:
                    return longer[-1][1]
        ways = longer
    return ()


def needs_more(release: Release | None, reason: str, current: HarvesterVersion, target: HarvesterVersion) -> bool:
    """Say whether the Version object is to be asked: nothing is known of the target itself, and that matters."""
    if target.is_dev or current.semantic == target.semantic:
        return False
    return bool(release.inherited) if release else not reason


def minimum_of_version_object(view: View, target: HarvesterVersion) -> HarvesterVersion | Unknown:
    """Return what the target's Version object names as the minimum, else why that is not known."""
    why = f"nothing is known of {target} itself (the knowledge is of {view.knowledge.date}), and"
    if missing := view.missing(VERSIONS):
        return unknown(Code.ERROR, f"{why} its Version object was not read ({missing})", cure=SUPPLY)
    version = next((obj for obj in view.objects(VERSIONS) if _names(obj, target)), None)
    text = text_at(version, "spec.minUpgradableVersion").strip() if version else ""
    if not text:
        what = "no Version object says from which version it can be reached (minUpgradableVersion)"
        return unknown(Code.ERROR, f"{why} {what}", cure=SUPPLY)
    minimum = parse_version(text)
    if minimum.is_dev:
        return unknown(Code.UNPARSABLE, f"Version {target} names {text!r} as its minimum, which is no release")
    return minimum


def _names(version: JsonObject, target: HarvesterVersion) -> bool:
    name = ref_of(version).name.strip()
    return bool(name) and (name == target.raw or parse_version(name).semantic == target.semantic)
