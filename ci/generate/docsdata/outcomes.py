"""What each fault on the way to an API server comes to: asked of the code that decides it."""

from __future__ import annotations

from preflight.cluster.errors import ApiError, status_error, transport_error
from preflight.sources.live.lists import MAX_RESTARTS

STATUSES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    410: "Gone",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
RETRIED = {0: "no", 1: "once"}


def table() -> str:
    """Return the table of faults of one list."""
    rows = ["| fault | reason in the report | tried again |\n|---|---|---|\n"]
    for status, phrase in STATUSES.items():
        error = status_error("GET", "/api/v1/pods", status, phrase, b"", None)
        rows.append(_row(f"HTTP {status} {phrase}", error, MAX_RESTARTS if status == 410 else 0))
    for words, exception in _exceptions():
        error = transport_error(exception, "GET", "/api/v1/pods", "https://harvester.example:6443")
        rows.append(_row(words, error))
    return "".join(rows)


def _row(fault: str, error: ApiError, restarts: int = 0) -> str:
    tried = RETRIED.get(error.retries, f"up to {error.retries} times")
    if restarts:
        tried = f"the list from its start, up to {restarts} times"
    return f"| {fault} | `{error.code}` | {tried} |\n"


def _exceptions() -> list[tuple[str, Exception]]:
    from urllib3 import HTTPConnectionPool
    from urllib3 import exceptions as of

    pool = HTTPConnectionPool("harvester.example")
    return [
        ("connection refused", of.NewConnectionError(pool, "refused")),  # type: ignore[arg-type]
        ("host name not known", of.NameResolutionError("harvester.example", pool, OSError("unknown"))),  # type: ignore[arg-type]
        ("no answer within --request-timeout", of.ReadTimeoutError(pool, "/", "timed out")),
        ("connection reset, or body cut short", of.ProtocolError("reset", ConnectionResetError(104, "reset"))),
        ("compressed body that is not compressed", of.DecodeError("not gzip")),
        ("certificate not accepted", of.SSLError("certificate verify failed")),
        ("proxy refuses", of.ProxyError("refused", OSError("refused"))),
    ]
