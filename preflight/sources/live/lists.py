"""Read the objects of one row of the resource table: paged lists, or single objects by name."""

from __future__ import annotations

from typing import Any

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.wire import JSON, resource_path
from preflight.inventory import Collected, sorted_objects
from preflight.model import Code, Reason
from preflight.resources import Resource
from preflight.sources.live.decode import object_decoder, page_decoder
from preflight.sources.needs import MergedNeed

MAX_RESTARTS = 3
_METADATA = "application/json;as={kind};g=meta.k8s.io;v=v1"


def read_need(api: Api, need: MergedNeed, version: str, page_size: int) -> Collected:
    """Read everything of a row in the version given. Never raises ApiError: what was not read is in the answer.

    A namespace that could not be read is a gap when others could.
    """
    row = need.resource
    places = row.namespaces if row.namespaced and row.namespaces else ("",)
    found: list[Any] = []
    problems: list[Reason] = []
    for namespace in places:
        try:
            found += _read_place(api, need, version, namespace, page_size)
        except ApiError as error:
            problems.append(_why(error, row, namespace))
    if len(problems) == len(places):
        return Collected(missing=problems[0], gaps=tuple(problems[1:]))
    objects = [obj for obj in found if isinstance(obj, dict)]
    if len(objects) < len(found):
        problems.append(
            Reason(Code.UNPARSABLE, f"{len(found) - len(objects)} entries of the list of {row.name} are no objects")
        )
    api_version = f"{row.group}/{version}" if row.group else version
    for obj in objects:  # items of a list do not carry these; those of a metadata list say PartialObjectMetadata
        obj["apiVersion"] = api_version
        obj["kind"] = row.kind
    return Collected(sorted_objects(objects), gaps=tuple(problems))


def _read_place(api: Api, need: MergedNeed, version: str, namespace: str, page_size: int) -> list[Any]:
    row = need.resource
    api_version = f"{row.group}/{version}" if row.group else version
    query = {"labelSelector": row.selector} if row.selector else {}
    if not row.names:
        return _read_list(api, need, resource_path(api_version, row.plural, namespace), query, page_size)
    if row.namespaced and not namespace:
        path = resource_path(api_version, row.plural)
        return [
            obj
            for name in row.names
            for obj in _read_list(api, need, path, {**query, "fieldSelector": f"metadata.name={name}"}, page_size)
        ]
    paths = (resource_path(api_version, row.plural, namespace, name) for name in row.names)
    return [obj for path in paths for obj in _read_one(api, need, path)]


def _read_one(api: Api, need: MergedNeed, path: str) -> list[Any]:
    accept = _METADATA.format(kind="PartialObjectMetadata") if need.resource.metadata_only else JSON
    try:
        return [object_decoder(need.tree)(api.fetch(path, accept=accept).body, path)]
    except ApiError as error:
        if error.status == 404 and error.reason == "NotFound":  # the server's word on the object; not `no such path`
            return []
        raise


def _read_list(api: Api, need: MergedNeed, path: str, query: dict[str, str], page_size: int) -> list[Any]:
    accept = _METADATA.format(kind="PartialObjectMetadataList") if need.resource.metadata_only else JSON
    decode = page_decoder(need.tree)
    for _ in range(MAX_RESTARTS + 1):
        try:
            items: list[Any] = []
            token = ""
            while True:
                more = {"continue": token} if token else {}
                page = decode(api.fetch(path, {**query, "limit": page_size, **more}, accept=accept).body, path)
                items += page.items
                if not page.next:
                    return items
                if page.next == token:
                    raise ApiError("error", f"GET {path}: the server gives the same page over and over", path=path)
                token = page.next
        except ApiError as error:
            if error.status == 404 and error.details.get("kind") == "namespaces":
                return []
            if error.status != 410:
                raise
    raise ApiError(
        "error", f"GET {path}: the list expired {MAX_RESTARTS + 1} times before its last page (410)", path=path
    )


def _why(error: ApiError, row: Resource, namespace: str) -> Reason:
    what = f"{row.name} in namespace {namespace}" if namespace else row.name
    verb = "get" if row.names else "list"
    words = error.server_message or error.message
    if error.status == 401:
        return Reason(
            Code.FORBIDDEN, f"the server stopped accepting the credentials (401) before {what} was read; log in again"
        )
    if error.status == 403:
        return Reason(Code.FORBIDDEN, f"cannot {verb} {what}: {words}")
    if error.status == 404:
        return Reason(Code.NOT_SERVED, f"the server has no {what} (404)")
    return error.because(f"cannot {verb} {what}: {error.message}")
