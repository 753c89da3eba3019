"""Put a report into its own cluster as OpenReports objects, for what else looks at such objects there.

Rule: the first API the cluster serves (openreports.io, else its predecessor); definitions are never installed.
Objects are replaced by their stable names; ours of an earlier run that this one no longer has are deleted. What is ours
is told by labels, so an object of the same name that somebody else made is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.wire import decoded, resource_path
from preflight.errors import PreflightError
from preflight.inventory import JsonObject
from preflight.values.foreign_text import one_line

PUBLISHED = "harvester-preflight/published"
"""Not on what `-o openreports` prints: who applies that by hand keeps it."""
SELECTOR = f"app.kubernetes.io/managed-by=harvester-preflight,{PUBLISHED}=true"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the cluster now."""

    version: str
    """The group and version the cluster serves."""
    written: int
    deleted: int


def publish(api: Api, plurals: Mapping[str, str], build: Callable[[str], Sequence[JsonObject]]) -> Published:
    """Write the objects of one report.

    `plurals`: group and version → the plural of its resource, the one to prefer first; `build` makes the objects of
    one of them. Raises PreflightError: none is served, forbidden, or a write failed.
    """
    try:
        version = _served(api, plurals)
        path = resource_path(version, plurals[version])
        existing = _existing(api, path)
        objects = build(version)
        for obj in objects:
            _write(api, path, obj, existing.get(obj["metadata"]["name"]))
        stale = sorted(existing.keys() - {obj["metadata"]["name"] for obj in objects})
        for name in stale:
            _delete(api, resource_path(version, plurals[version], name=name), existing[name])
    except ApiError as error:
        hint = "; allow it with: harvester-preflight rbac --with-publish | kubectl apply -f -"
        raise PreflightError(
            f"the report was not published: {error.message}{hint if error.status == 403 else ''}"
        ) from None
    return Published(version, len(objects), len(stale))


def _served(api: Api, plurals: Mapping[str, str]) -> str:
    """Return the group and version to write. Raises PreflightError when the cluster has none."""
    for version, plural in plurals.items():
        try:
            found = api.get(f"/apis/{version}").get("resources")
        except ApiError as error:
            if error.status != 404:
                raise
            continue
        if any(isinstance(row, dict) and row.get("name") == plural for row in (found or ())):
            return version
    names = " nor ".join(f"{plural} of {version}" for version, plural in plurals.items())
    raise PreflightError(
        f"the report was not published: {api.server} serves neither {names}; install the CRDs of OpenReports there"
    )


def _existing(api: Api, path: str) -> dict[str, JsonObject]:
    """Return the metadata of what was published before, by name."""
    found: dict[str, JsonObject] = {}
    after = ""
    while True:
        query: dict[str, str | int] = {
            "labelSelector": SELECTOR,
            "limit": 500,
            **({"continue": after} if after else {}),
        }
        page = decoded(api.fetch(path, query, accept=_NAMES_ONLY), "GET", path)
        for item in page.get("items") or ():
            metadata = item.get("metadata") if isinstance(item, dict) else None
            if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
                found[metadata["name"]] = metadata
        after = (page.get("metadata") or {}).get("continue") or ""
        if not after:
            return found


def _write(api: Api, path: str, obj: JsonObject, before: JsonObject | None) -> None:
    metadata = {**obj["metadata"], "labels": {**obj["metadata"]["labels"], PUBLISHED: "true"}}
    if before is not None:
        state = {key: before[key] for key in ("uid", "resourceVersion") if key in before}
        api.put(f"{path}/{metadata['name']}", {**obj, "metadata": {**metadata, **state}})
        return
    try:
        api.post(path, {**obj, "metadata": metadata})
    except ApiError as error:
        if error.status == 409:
            raise PreflightError(
                f"the report was not published: {one_line(obj['kind'])} {metadata['name']} exists and is not one that "
                "this tool published; delete or rename it"
            ) from None
        raise


def _delete(api: Api, path: str, metadata: JsonObject) -> None:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": metadata.get("uid")}}
    try:
        api.delete(path, options)
    except ApiError as error:
        if error.status != 404:
            raise
