"""Which versions of which groups the server has, and which of them to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.wire import decoded
from preflight.inventory import JsonObject
from preflight.model import Reason
from preflight.resources import Resource

_AGGREGATED = ",".join(
    [
        *(
            f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            for version in ("v2", "v2beta1")
        ),
        "application/json",
    ]
)


@dataclass(frozen=True, slots=True)
class Served:
    """What discovery gave."""

    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Group → its versions, the preferred one first."""
    resources: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """(group, version) → plurals; a version that is not here could not be looked into."""
    failure: Reason | None = None
    """Why discovery failed: then a group that is not listed is not known to be absent."""

    def version_of(self, row: Resource) -> tuple[str, str]:
        """Return (version to read, why it is not served); one of the two is empty.

        The version that the fields in the checks were written for goes first, then the group's own order.
        """
        if not row.group or self.failure:
            return row.version, ""
        versions = self.groups.get(row.group)
        if versions is None:
            return "", f"the cluster has no API group {row.group}"
        for version in (*(v for v in versions if v == row.version), *versions):
            plurals = self.resources.get((row.group, version))
            if plurals is None or row.plural in plurals:
                return version, ""
        return "", f"the cluster's API group {row.group} has no {row.plural}"


def discover(api: Api, rows: Iterable[Resource]) -> Served:
    """Ask once for all groups; for what each holds only where the server is too old to tell at once (before 1.27).

    Never raises: a failure is in the answer.
    """
    wanted = {row.group for row in rows if row.group}
    if not wanted:
        return Served()
    try:
        answer = _aggregated(api)
        aggregated = answer.get("kind") == "APIGroupDiscoveryList"
        if not isinstance(answer.get("items" if aggregated else "groups"), list):
            raise ApiError("unparsable", "GET /apis: the answer is not a list of API groups", path="/apis")
        if aggregated:
            return _from_aggregated(answer)
        return _from_groups(api, answer, wanted)
    except ApiError as error:
        return Served(failure=error.why)


def _aggregated(api: Api) -> JsonObject:
    return decoded(api.fetch("/apis", accept=_AGGREGATED), "GET", "/apis")


def _from_aggregated(answer: JsonObject) -> Served:
    groups, resources = {}, {}
    for group in _maps(answer, "items"):
        metadata = group.get("metadata")
        name = str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
        versions = [entry for entry in _maps(group, "versions") if isinstance(entry.get("version"), str)]
        groups[name] = tuple(entry["version"] for entry in versions)
        for entry in versions:
            if entry.get("freshness") != "Stale":  # stale: the server behind the group did not answer it
                plurals = (str(item.get("resource")) for item in _maps(entry, "resources"))
                resources[name, entry["version"]] = frozenset(plurals)
    return Served(groups, resources)


def _from_groups(api: Api, answer: JsonObject, wanted: set[str]) -> Served:
    groups, resources = {}, {}
    for group in _maps(answer, "groups"):
        versions = [entry["version"] for entry in _maps(group, "versions") if isinstance(entry.get("version"), str)]
        first = group.get("preferredVersion")
        first = first.get("version") if isinstance(first, dict) else None
        groups[str(group.get("name"))] = tuple(sorted(versions, key=lambda version: version != first))
    for name in sorted(wanted & groups.keys()):
        for version in groups[name]:
            try:
                listed = api.get(f"/apis/{name}/{version}")
                resources[name, version] = frozenset(str(item.get("name")) for item in _maps(listed, "resources"))
            except ApiError:
                continue  # not looked into; the list itself will tell
    return Served(groups, resources)


def _maps(obj: JsonObject, key: str) -> list[dict[str, Any]]:
    found = obj.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ApiError("unparsable", f"GET /apis: {key} is not a list of objects", path="/apis")
    return found
