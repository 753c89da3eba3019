"""What goes over the wire: paths, headers, answers, and the connection pool of the kubernetes package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from preflight.cluster.errors import ApiError
from preflight.errors import SourceError
from preflight.inventory import JsonObject
from preflight.values.foreign_text import one_line

Query: TypeAlias = Mapping[str, str | int | bool | Sequence[str]]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sending:
    """One HTTP request, before it is known who sends it."""

    method: str
    path: str
    query: Query | None = None
    accept: str = JSON
    data: bytes | None = None
    kind: str = ""
    """The content type of the data."""
    seconds: float | None = None
    """How long to wait for the next bytes; None: as the connection says."""


def resource_path(api_version: str, plural: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the path of a list or an object: `/apis/batch/v1/namespaces/default/jobs/x`."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [plural, quote(name, safe=""), subresource]
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return "/".join([root + place, *(part for part in parts if part)])


def connection_pool(configuration: Any, tls: Any) -> Any:
    """Return the urllib3 pool of a kubernetes.client.Configuration, with our TLS context. Raises SourceError."""
    import urllib3
    from kubernetes.client.rest import RESTClientObject

    # The tool says itself, in the report, that a certificate was not verified.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    configuration.cert_file = configuration.key_file = None  # in the context already
    try:
        pool = RESTClientObject(configuration).pool_manager
    except (urllib3.exceptions.HTTPError, ValueError, ImportError) as error:
        raise SourceError(f"cannot use the proxy of the kubeconfig or of HTTPS_PROXY: {one_line(error, 160)}") from None
    if tls is not None:
        pool.connection_pool_kw["ssl_context"] = tls
        pool.connection_pool_kw["ca_certs"] = None
    return pool


def headers_of(request: Sending, identity: Sequence[tuple[str, str]]) -> Any:
    """Return the headers of a request; those of an identity may repeat, as those of groups do."""
    from urllib3 import HTTPHeaderDict

    headers = HTTPHeaderDict({"Accept": request.accept, "Accept-Encoding": "gzip", "User-Agent": "harvester-preflight"})
    if request.data is not None:
        headers["Content-Type"] = request.kind
    for name, value in identity:
        headers.add(name, value)  # groups come several times
    return headers


def encoded(query: Query) -> str:
    """Return the query string, truth as Go writes it."""
    texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
    return urlencode(texts, doseq=True)


def decoded(answer: Answer, method: str, path: str) -> JsonObject:
    """Return the JSON object of an answer. Raises ApiError."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ApiError("unparsable", f"{method} {path}: the answer is not JSON", path=path) from None
    if not isinstance(found, dict):
        raise ApiError("unparsable", f"{method} {path}: the answer is not a JSON object", path=path)
    return found


def server_time(text: str | None) -> datetime | None:
    """Return the time of a Date header; None when it is none."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
