"""Requests to one API server: raw answers over the kubernetes package's connection pool, retried where that is safe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from preflight.cluster.connection import Connection, flags_of
from preflight.cluster.errors import ApiError, status_error, transport_error
from preflight.cluster.identity import Login
from preflight.cluster.login import login
from preflight.cluster.wire import (
    JSON,
    Answer,
    Query,
    Sending,
    connection_pool,
    decoded,
    encoded,
    headers_of,
    server_time,
)
from preflight.errors import SourceError
from preflight.inventory import JsonObject
from preflight.values.foreign_text import one_line

DEFAULT_REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_BODY_BYTES = 256 << 20
MAX_ERROR_BYTES = 64 << 10
MAX_WAIT_SECONDS = 60.0
"""A server that asks to wait longer than this is not waited for."""
_PIECE_BYTES = 1 << 20


class Api:
    """One API server, as one user. Safe to use from several threads."""

    def __init__(
        self,
        found: Login,
        *,
        request_timeout: float | None = None,
        wait: Callable[[float], None] = time.sleep,
        deadline: float | None = None,
    ) -> None:
        from preflight.cluster.tls import client_context

        self.server = found.server
        self.user = found.user
        self.notes = tuple(found.notes)
        self.context = found.context
        self.several = found.several
        self.version = ""
        """The server's gitVersion."""
        self.date: datetime | None = None
        """The server's clock at its newest answer."""
        self._login = found
        self._wait = wait
        self._deadline = deadline
        """On time.monotonic()'s scale; no request waits past it."""
        self._seconds = DEFAULT_REQUEST_SECONDS if request_timeout is None else request_timeout
        self._reached = False
        certificate = found.credential and (found.credential.certificate, found.credential.key)
        certificate = certificate if certificate and all(certificate) else None
        tls = client_context(found.configuration, certificate) if found.server.startswith("https") else None
        self._pool = connection_pool(found.configuration, tls)
        self._proxy = str(getattr(self._pool, "proxy", None) or "")

    def flags(self, connection: Connection) -> tuple[str, ...]:
        """Return the connection flags of a command that is to reach this server, whichever context is in use then."""
        return flags_of(connection, self.context if self.several else "")

    def get(self, path: str, query: Query | None = None) -> JsonObject:
        """Return the decoded answer. Raises ApiError."""
        return decoded(self.fetch(path, query), "GET", path)

    def post(self, path: str, body: JsonObject, query: Query | None = None) -> JsonObject:
        """Create an object, once: a write is never sent again. Raises ApiError."""
        return self._write("POST", path, body, query, JSON)

    def put(self, path: str, body: JsonObject, query: Query | None = None) -> JsonObject:
        """Replace an object, once. Raises ApiError."""
        return self._write("PUT", path, body, query, JSON)

    def patch(self, path: str, body: JsonObject | list[JsonObject], query: Query | None = None) -> JsonObject:
        """Change an object, once: a map is a merge patch, a list a JSON patch. Raises ApiError."""
        kind = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        return self._write("PATCH", path, body, query, kind)

    def delete(self, path: str, body: JsonObject | None = None, query: Query | None = None) -> JsonObject:
        """Delete an object, once; `body` is a DeleteOptions with its preconditions. Raises ApiError."""
        return self._write("DELETE", path, body, query, JSON)

    def _write(self, method: str, path: str, body: Any, query: Query | None, kind: str) -> JsonObject:
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        return decoded(self._send(Sending(method, path, query, data=data, kind=kind)), method, path)

    def fetch(
        self, path: str, query: Query | None = None, *, accept: str = JSON, seconds: float | None = None
    ) -> Answer:
        """Read something; again, in bounded number, when that may help. Raises ApiError.

        429 and 5xx wait as the server asks, else 0.5 s, 1 s, 2 s and so on; nothing waits past the deadline. A request
        with `seconds` of its own waits for that long only, and is sent once.
        """
        request = Sending("GET", path, query, accept=accept, seconds=seconds)
        tries = 0
        while True:
            try:
                return self._send(request)
            except ApiError as error:
                delay = 0.5 * 2**tries if error.retry_after is None else error.retry_after
                # An address that is wrong stays wrong; a node that is down costs its own time once, not three times.
                hopeless = (not self._reached and not error.status) or (seconds and error.status != 429)
                if hopeless or tries >= error.retries or delay > MAX_WAIT_SECONDS or self._late(delay):
                    raise
                tries += 1
                self._wait(delay)

    def _late(self, delay: float) -> bool:
        return self._deadline is not None and time.monotonic() + delay > self._deadline

    def _send(self, request: Sending) -> Answer:
        identity = self._login.headers()
        try:
            return self._once(request, identity)
        except ApiError as error:
            if error.status != 401 or not self._login.renew(identity):
                raise
        return self._once(request, self._login.headers())  # a 401 was not carried out, so a write may be sent again

    def _once(self, request: Sending, identity: Sequence[tuple[str, str]]) -> Answer:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        method, path = request.method, request.path
        limits = Timeout(connect=self._limit(CONNECT_SECONDS), read=self._limit(request.seconds or self._seconds))
        try:
            response = self._pool.urlopen(
                method,
                self.server + path + (f"?{encoded(request.query)}" if request.query else ""),
                body=request.data,
                headers=headers_of(request, identity),
                timeout=limits,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body = self._body(response, method, path)
            finally:
                response.release_conn()
        except (HTTPError, OSError, ValueError) as error:
            raise transport_error(error, method, path, self.server, self._proxy) from None
        self._reached = True
        self.date = server_time(response.headers.get("Date")) or self.date
        if not 200 <= response.status < 300:
            after = response.headers.get("Retry-After")
            raise status_error(method, path, response.status, response.reason or "", body, after)
        return Answer(response.status, response.headers, body)

    def _limit(self, seconds: float) -> float | None:
        if self._deadline is not None:
            remaining = max(0.1, self._deadline - time.monotonic())
            return min(seconds, remaining) if seconds else remaining
        return seconds or None

    def _body(self, response: Any, method: str, path: str) -> bytes:
        """Read the answer piece by piece, so that its size and the deadline are looked at on the way."""
        limit = MAX_BODY_BYTES if 200 <= response.status < 300 else MAX_ERROR_BYTES
        pieces, size = [], 0
        for piece in response.stream(_PIECE_BYTES, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > limit and limit == MAX_BODY_BYTES:
                response.close()
                raise ApiError("error", f"{method} {path}: the answer is larger than {limit >> 20} MiB", path=path)
            if size > limit:
                response.close()
                break
            if self._late(0):
                response.close()
                raise ApiError("timed-out", f"{method} {path}: not finished within --timeout", path=path)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def connect(
    connection: Connection,
    *,
    wait: Callable[[float], None] = time.sleep,
    deadline: float | None = None,
) -> Api:
    """Log in and ask the server for its version, which proves that it is there and accepts the credentials.

    Raises SourceError (ApiError), one line naming the address: unreachable, TLS, 401, not an API server.
    """
    api = Api(login(connection), request_timeout=connection.request_timeout, wait=wait, deadline=deadline)
    try:
        version = api.get("/version").get("gitVersion")
    except ApiError as error:
        if error.status == 403 or (error.status == 404 and error.server_message):
            # Known but not allowed to ask this, or a gateway that serves no version yet answers as Kubernetes does:
            # what may be read shows itself later.
            return api
        raise _first(api, error) from None
    if not isinstance(version, str):
        raise SourceError(f"{api.server} answers, but not as a Kubernetes API server; is the address right?")
    api.version = one_line(version, 60)
    return api


def _first(api: Api, error: ApiError) -> ApiError:
    """Say what the first failure means for the person who typed the command."""
    if error.status == 401:
        text = (
            f"{api.server} does not accept the credentials of {api.user} (401): they are wrong or expired; log in again"
            " (a new kubeconfig from Harvester's or Rancher's page, or `kubectl get nodes` for a login plugin)"
        )
    elif error.status == 0 and error.code == "unparsable":
        text = f"{api.server} answers, but not as a Kubernetes API server; is the address right?"
    elif error.status == 0:
        text = f"cannot read the cluster at {error.message}"
    else:
        text = f"{api.server} does not answer as a Kubernetes API server: {error.message}"
    return ApiError(error.code, text, path=error.path, status=error.status, reason=error.reason)
