"""Harvester versions and version ranges.

Rule: pkg/controller/master/upgrade (same logic v1.4.0 to v1.9.0-rc6): a leading `v`, strict x.y.z with an optional
pre-release is a release; everything else (`v1.7-head`, `master-head`, a commit) is a development build, whose place in
the order of releases nobody knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, total_ordering

import semver

_CANDIDATE = re.compile(r"(rc|dev|alpha|beta)", re.IGNORECASE)
_BUILD = re.compile(r"(?:v?\d+\.\d+|master|main)-[\w.-]+|[0-9a-f]{7,40}(?:-[\w.-]+)?")
_COMPARATOR = re.compile(r"(>=|<=|>|<|=)\s*(v?\d+\.\d+\.\d+\S*)")


@total_ordering
@dataclass(frozen=True, slots=True)
class HarvesterVersion:
    """One version as a Setting or a Version object names it."""

    raw: str
    """The text as written, with its leading `v` if it had one."""
    semantic: semver.Version | None
    """None for a development build."""

    @property
    def is_dev(self) -> bool:
        """Say whether this is a development build, which no range can place."""
        return self.semantic is None

    @property
    def is_build(self) -> bool:
        """Say whether it looks like a development build of Harvester's: `v1.7-head`, `master-head`, a commit."""
        return self.semantic is None and _BUILD.fullmatch(self.raw) is not None

    @property
    def is_prerelease(self) -> bool:
        """Say whether this is a release candidate or the like."""
        return self.semantic is not None and self.semantic.prerelease is not None

    @property
    def base(self) -> semver.Version:
        """The x.y.z without the pre-release. Raises ValueError for a development build."""
        if self.semantic is None:
            raise ValueError(f"{self.raw} is a development build")
        return self.semantic.finalize_version()

    def __lt__(self, other: HarvesterVersion) -> bool:
        if self.semantic is None or other.semantic is None:
            raise ValueError("a development build has no place in the order of versions")
        return self.semantic < other.semantic

    def __str__(self) -> str:
        return self.raw

    def within(self, ranges: str) -> bool | None:
        """Say whether this version lies in `ranges`; None for a development build.

        Shape: comparators joined by spaces (all must hold), alternatives joined by `||`; empty means every version.
        A pre-release counts as its own x.y.z (v1.7.0-rc2 already carries 1.7.0's rules) unless the bound names a
        pre-release itself, as in `>=1.9.0-rc4`.
        """
        if not ranges.strip():
            return True
        if self.semantic is None:
            return None
        return any(
            all(_holds(self.semantic, *comparator) for comparator in alternative) for alternative in _parse(ranges)
        )


def parse_version(text: str) -> HarvesterVersion:
    """Read a version. Never fails: what is not a release is a development build. Empty text raises ValueError."""
    raw = text.strip()
    if not raw:
        raise ValueError("an empty version")
    bare = raw.removeprefix("v")
    try:
        return HarvesterVersion(raw, semver.Version.parse(bare))
    except (ValueError, TypeError):
        return HarvesterVersion(raw, None)


def stands_for(name: str, version: HarvesterVersion) -> bool:
    """Say whether a Version object of that name stands for `version`.

    Rule: docs, "Customize the Version": besides its own name, with or without the leading v, a version goes by names
    with a suffix of the administrator's (`v1.5.0-customized`); a release candidate is a version of its own.
    """
    if not name:
        return False
    if name == version.raw:
        return True
    named = parse_version(name).semantic
    if named is None or version.semantic is None:
        return False
    own_suffix = named.prerelease is not None and not _CANDIDATE.match(named.prerelease)
    return named == version.semantic or (own_suffix and named.finalize_version() == version.semantic)


def lies_in(version: HarvesterVersion | None, ranges: str) -> bool | None:
    """Say whether a version lies in `ranges`; None when it is not known or is a development build."""
    return None if version is None else version.within(ranges)


@lru_cache(maxsize=512)
def _parse(ranges: str) -> tuple[tuple[tuple[str, semver.Version], ...], ...]:
    alternatives = []
    for alternative in ranges.split("||"):
        comparators = _COMPARATOR.findall(alternative)
        if not comparators or _COMPARATOR.sub("", alternative).strip():
            raise ValueError(f"not a version range: {ranges!r}")
        alternatives.append(tuple((sign, semver.Version.parse(text.removeprefix("v"))) for sign, text in comparators))
    return tuple(alternatives)


def check_range(ranges: str) -> None:
    """Raise ValueError when `ranges` is not a version range."""
    if ranges.strip():
        _parse(ranges)


def _holds(version: semver.Version, sign: str, bound: semver.Version) -> bool:
    if bound.prerelease is None:
        version = version.finalize_version()
    order = version.compare(bound)
    return {">=": order >= 0, "<=": order <= 0, ">": order > 0, "<": order < 0, "=": order == 0}[sign]


def range_covers(wide: str, narrow: str) -> bool:
    """Say whether every release that lies in `narrow` lies in `wide`. Both must be version ranges.

    Between two neighbouring bounds no range changes its mind, so the bounds and their neighbours decide for all.
    """
    bounds = {bound for text in (wide, narrow) for bound in _bounds(text)}
    points = {point for bound in bounds for point in (bound, bound.bump_patch(), *_before(bound))}
    points |= {semver.Version(0, 0, 0), semver.Version(999_999, 0, 0)}
    versions = [HarvesterVersion(f"v{point}", point) for point in points]
    return all(version.within(wide) is True for version in versions if version.within(narrow))


def _bounds(ranges: str) -> list[semver.Version]:
    if not ranges.strip():
        return []
    return [bound for alternative in _parse(ranges) for _, bound in alternative]


def _before(bound: semver.Version) -> list[semver.Version]:
    """Return a version between the bound and any smaller bound that is no neighbour of it."""
    if bound.prerelease is not None:
        return [bound.finalize_version(), semver.Version(bound.major, bound.minor, bound.patch, "0")]
    if bound.patch:
        return [bound.replace(patch=bound.patch - 1)]
    if bound.minor:
        return [bound.replace(minor=bound.minor - 1, patch=999_999)]
    return [bound.replace(major=bound.major - 1, minor=999_999, patch=999_999)] if bound.major else []
