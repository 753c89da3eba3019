"""What can go wrong between this tool and an API server, as one error that says it in a line.

Rule: the words of a token, a key, a credential plugin or a proxy password never get into a text; what the server wrote
is cut to one line of plain characters, since a terminal would obey anything else.
"""

from __future__ import annotations

from typing import Any

from preflight.errors import SourceError
from preflight.model import Code, Reason
from preflight.values.foreign_text import MAX_LINE, one_line, plain_url


class ApiError(SourceError):
    """A request that was not answered as it should have been."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        path: str = "",
        status: int = 0,
        reason: str = "",
        server_message: str = "",
        details: dict[str, Any] | None = None,
        retries: int = 0,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.status = status
        """The HTTP status; 0 when there was no answer at all."""
        self.reason = reason
        """The reason of the server's Status object (`Conflict`, `NotFound`), else the HTTP phrase."""
        self.server_message = server_message
        """The message of the server's Status object, one line."""
        self.details = details or {}
        """The details of the server's Status object: `kind`, `name`, `causes`."""
        self.retries = retries
        """How often a reading request may be sent again after this."""
        self.retry_after = retry_after
        """How many seconds the server asks to wait."""

    @property
    def why(self) -> Reason:
        """Return it as Collected.missing and Collected.gaps want it."""
        return self.because(self.message)

    def because(self, text: str, node: str = "") -> Reason:
        """Return a reason of this error's code, in other words."""
        return Reason(Code(self.code), text, node)


_CODES = {
    401: "forbidden",
    403: "forbidden",
    404: "not-served",
    502: "unreachable",
    503: "unreachable",
    504: "timed-out",
}
_RETRIES = {429: 5, 500: 3, 502: 3, 503: 3, 504: 1}


def status_error(method: str, path: str, status: int, phrase: str, body: bytes, retry_after: str | None) -> ApiError:
    """Turn an HTTP error answer into an ApiError; `body` may be a Status object or anything else."""
    answer = _status_object(body)
    reason = one_line(answer.get("reason") or phrase or "", 60)
    words = one_line(answer.get("message") or "")
    details = answer.get("details")
    details = details if isinstance(details, dict) else {}
    return ApiError(
        _CODES.get(status, "error"),
        f"{method} {path}: {' '.join(part for part in (str(status), reason) if part)}{': ' + words if words else ''}",
        path=path,
        status=status,
        reason=reason,
        server_message=words,
        details=details,
        retries=_RETRIES.get(status, 0),
        retry_after=_seconds(retry_after, details.get("retryAfterSeconds")),
    )


def _status_object(body: bytes) -> dict[str, Any]:
    import json

    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {"message": body[:MAX_LINE].decode("utf-8", "replace")} if b"<" not in body[:20] else {}
    return answer if isinstance(answer, dict) else {}


def _seconds(*candidates: object) -> float | None:
    for text in candidates:
        if isinstance(text, int | str) and str(text).strip().isdigit():
            return float(str(text).strip()[:9])
    return None


def transport_error(error: Exception, method: str, path: str, server: str, proxy: str = "") -> ApiError:
    """Turn an exception of the transport (urllib3, ssl, sockets) into an ApiError."""
    from urllib3 import exceptions as of

    def made(code: str, text: str, retries: int) -> ApiError:
        if method != "GET" and retries and not isinstance(error, of.NewConnectionError):
            text += "; whether the server did it is not known: look before you repeat it"
        return ApiError(code, f"{server}: {text}", path=path, retries=retries)

    if isinstance(error, of.ProxyError):
        return made("unreachable", f"the proxy {plain_url(proxy)} does not let us through: {_cause(error)}", 0)
    if isinstance(error, of.SSLError):
        from preflight.cluster.tls import tls_problem

        return made("error", tls_problem(error), 0)
    if isinstance(error, of.NameResolutionError):
        return made("unreachable", "its host name is not known here (no such name in the DNS)", 3)
    if isinstance(error, of.NewConnectionError):
        return made("unreachable", f"no connection: {_cause(error)}", 3)
    if isinstance(error, of.TimeoutError):
        return made("timed-out", f"no answer to {method} {path} in time (--request-timeout)", 1)
    if isinstance(error, of.DecodeError):
        return made("unparsable", f"the answer to {method} {path} is not the compressed data it says it is", 1)
    if isinstance(error, of.ProtocolError | OSError):
        return made("unreachable", f"the connection broke during {method} {path}: {_cause(error)}", 3)
    return made("error", f"{method} {path}: {one_line(error, 200)}", 0)


def _cause(error: BaseException) -> str:
    """Find the operating system's words, which are short and name no object addresses."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        item = todo.pop(0)
        if not isinstance(item, BaseException) or item in seen:
            continue
        seen.append(item)
        if isinstance(item, OSError) and item.strerror:
            return one_line(item.strerror, 120)
        todo += [getattr(item, "original_error", None), item.__cause__, item.__context__, *item.args]
    text = str(seen[-1]) or type(seen[-1]).__name__
    return one_line(text.rpartition(">: ")[2], 120)
