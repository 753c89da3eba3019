"""The knowledge that ships with a package of checks, as ci/generate/knowledge compiled it: read, not checked again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from preflight.knowledge.advisories import Advisory
from preflight.knowledge.entries import releases_from
from preflight.releases import Knowledge, Release

FILE = Path("knowledge") / "knowledge.json"


def packaged(package: ModuleType) -> Mapping[str, Any]:
    """Return the compiled knowledge of a package, an empty map when it has none."""
    for folder in package.__path__:
        path = Path(folder) / FILE
        if path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    return {}


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(path.read_bytes())
    return loaded


def advisories_of(package: ModuleType, origin: str) -> tuple[Advisory, ...]:
    """Return the advisories that ship with a package."""
    found = []
    for content in packaged(package).get("advisories") or ():
        reads = {name: tuple(fields) for name, fields in content["reads"].items()}
        found.append(Advisory(content, reads, origin))
    return tuple(found)


def shipped(packages: Iterable[ModuleType]) -> Knowledge:
    """Return what the packages know of releases; of two that know one release the first counts."""
    releases: dict[str, Release] = {}
    dates, sources = [], []
    for package in packages:
        document = packaged(package)
        if document:
            dates.append(str(document["date"]))
            sources.append(f"{document['name']} {document['date']}")
            for release in releases_from(document["releases"]):
                releases.setdefault(release.name, release)
    ordered = sorted(releases.values(), key=lambda release: release.version)
    return Knowledge(max(dates, default=""), tuple(sources), tuple(ordered))
