"""What is known of each release of Harvester: plain data, and how a version finds its entry.

The data themselves are checks/knowledge/releases.yaml and what --knowledge adds; preflight/knowledge reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from preflight.values.versions import HarvesterVersion, parse_version

DEV_BUILD = "dev-"
"""How the pre-release of a development build that is numbered like a release begins: v1.9.0-dev-20260705."""


@dataclass(frozen=True, slots=True)
class AddonData:
    """An Addon as a release ships it."""

    chart: str = ""
    """Name of the chart, empty where it is not known."""
    version: str = ""
    """Version of the chart, empty where it is not known."""
    patched: str = ""
    """When the upgrade scripts of the release write to an existing one: always, other-version (its chart version is not
    this one), never; empty: not known."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release of Harvester. Every text is empty where it is not known."""

    name: str
    """Its version with the leading v."""
    minimum: str = ""
    """The oldest running version its server accepts; empty for development builds, which accept any."""
    documented: str = ""
    """Range of running versions that the documentation lists."""
    better: str = ""
    """A later release that is preferable, and why."""
    kubernetes: str = ""
    rancher: str = ""
    longhorn: str = ""
    kubevirt: str = ""
    cdi: str = ""
    addons: Mapping[str, AddonData] = field(default_factory=dict)
    """namespace/name → the Addon. Every cluster of this release has these."""
    managed_charts: tuple[str, ...] = ()
    """Names of the ManagedCharts in fleet-local that every cluster of this release has."""
    image_gib: int = 0
    """GiB that the image of an upgrade to this release takes, per copy."""
    working_gib: int = 0
    """GiB that an upgrade from this release takes beside the image, per copy: the volume of the repository up to 1.6,
    the scratch volume of the import from 1.7 on."""
    inherited: str = ""
    """The release whose data these are, where there are none of its own."""

    @property
    def version(self) -> HarvesterVersion:
        """Return its version."""
        return parse_version(self.name)

    def addon(self, namespace: str, name: str) -> AddonData | None:
        """Return an Addon that every cluster of this release has; None for any other."""
        return self.addons.get(f"{namespace}/{name}")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What this run knows of releases, and where from."""

    date: str = ""
    """The newest date of its sources, RFC 3339; empty when there are none."""
    sources: tuple[str, ...] = ()
    """`built-in DATE`, and each file that was given."""
    releases: tuple[Release, ...] = ()
    """From the oldest to the newest."""

    def release(self, version: HarvesterVersion | None) -> Release | None:
        """Return what is known of a version; None for one of a series we know nothing of, and for no version.

        A release candidate without an entry of its own has that of its release, and a patch release without one that of
        the newest release of its series (`inherited` says so). A numbered development build has no minimum.
        """
        if version is None or version.semantic is None:
            return None
        found = self._exact(str(version.semantic)) or self._exact(str(version.base)) or self._newest_of_series(version)
        if not (version.semantic.prerelease or "").startswith(DEV_BUILD):
            return found
        return replace(found or Release(version.raw), name=version.raw, minimum="", documented="", better="")

    def _exact(self, name: str) -> Release | None:
        return next((row for row in self.releases if row.name == f"v{name}"), None)

    def _newest_of_series(self, version: HarvesterVersion) -> Release | None:
        series = (version.base.major, version.base.minor)
        rows = [
            row
            for row in self.releases
            if not row.version.is_prerelease and (row.version.base.major, row.version.base.minor) == series
        ]
        if not rows:
            return None
        newest = max(rows, key=lambda row: row.version)
        return replace(newest, name=f"v{version.base}", inherited=newest.inherited or newest.name)


NOTHING = Knowledge()
