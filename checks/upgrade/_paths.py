"""From which versions each release may be reached: the data, and the server's way to decide.

Sources: `minimum` is package/upgrade-matrix.yaml at the tag of the release (the server enforces it, out of the ISO);
`documented` is the support table and the titles of the per-path pages of docs.harvesterhci.io. A new release is a new
row here and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.api import HarvesterVersion, parse_version


@dataclass(frozen=True, slots=True)
class Release:
    """One release and where one may come from."""

    name: str
    minimum: str
    """The oldest running version the server accepts."""
    documented: str
    """Range of running versions that the documentation lists."""
    better: str = ""
    """A later patch release that is preferable, and why."""


RELEASES: tuple[Release, ...] = (
    Release("v1.4.0", "v1.3.2", "=1.3.2"),
    Release("v1.4.1", "v1.4.0", "=1.4.0"),
    Release("v1.4.2", "v1.4.1", "=1.4.1"),
    Release("v1.4.3", "v1.4.1", ">=1.4.1 <1.4.3"),
    Release("v1.5.0", "v1.4.2", ">=1.4.2 <1.5.0"),
    Release("v1.5.1", "v1.4.2", ">=1.4.2 <1.5.1"),
    Release("v1.5.2", "v1.4.2", ">=1.4.2 <1.5.2"),
    Release("v1.6.0", "v1.5.0", ">=1.5.0 <1.6.0"),
    Release("v1.6.1", "v1.5.0", ">=1.5.0 <1.6.1"),
    Release("v1.7.0", "v1.6.0", ">=1.6.0 <1.7.0", "v1.7.2 (network card names, machines migrating all at once)"),
    Release("v1.7.1", "v1.6.0", ">=1.6.0 <1.7.1", "v1.7.2 (network card names, machines migrating all at once)"),
    Release("v1.7.2", "v1.6.0", ">=1.6.0 <1.7.2"),
    Release("v1.7.3", "v1.6.0", ">=1.6.0 <1.7.3"),
    Release("v1.8.0", "v1.7.0", ">=1.7.0 <1.8.0", "v1.8.1 (shared volumes)"),
    Release("v1.8.1", "v1.7.0", ">=1.7.0 <1.8.1"),
    Release("v1.8.2", "v1.7.0", ">=1.7.0 <1.8.2"),
    Release("v1.9.0", "v1.8.0", ">=1.8.0 <1.9.0"),
)


def find_release(version: HarvesterVersion) -> Release | None:
    """Return the row of a version; a release candidate has that of its release. None for one we know nothing of."""
    if version.is_dev:
        return None
    return next((row for row in RELEASES if parse_version(row.name).semantic == version.base), None)


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


def route(current: HarvesterVersion, target: HarvesterVersion) -> tuple[str, ...]:
    """Return the shortest way from one version to another that the server accepts at every step, empty without one.

    Of equally short ways the one over the newest releases.
    """
    if current.is_dev or target.is_dev:
        return ()
    seen = {str(current.semantic)}
    ways: list[tuple[HarvesterVersion, tuple[str, ...]]] = [(current, (current.raw,))]
    steps = [(parse_version(row.name), parse_version(row.minimum)) for row in reversed(RELEASES)]
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
