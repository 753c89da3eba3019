"""What can go wrong between a client and the API server.

    server.faults.on(Fail(429, headers={"Retry-After": "1"}), path=r"/api/v1/pods", times=2)
    server.faults.on(Truncate(200), path=r"/jobs\\b")
    server.faults.on(Fail.expired(), path=r"continue=", times=1)
    server.faults.on(Call(lambda server: server.die()), method="DELETE")

A fault fits a request by method and by `re.search` in the path with its query. Of those that fit, the one registered
first wins; `after` lets so many fitting requests pass first, `times` (None: always) is how often it strikes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import EXPIRED, ApiError

if TYPE_CHECKING:
    from .server import KubeServer


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an error Status; nothing is done."""

    code: int
    message: str = ""
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def expired() -> Fail:
        """Return the 410 of a continue token that has become too old."""
        return Fail(410, EXPIRED, "Expired")

    def error(self) -> ApiError:
        """Return the error to answer with."""
        reason, message = _STANDARD.get(self.code, ("", f"the server answered {self.code}"))
        return ApiError(self.code, self.reason or reason, self.message or message, headers=self.headers)


_STANDARD = {
    401: ("Unauthorized", "Unauthorized"),
    429: ("TooManyRequests", "The server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    502: ("", "Bad Gateway"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "request did not complete within the allotted timeout"),
}


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection without an answer. The request is carried out first if `done` is set."""

    done: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Promise the whole body, send so many bytes of it, and close."""

    at: int = 100


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer 200 with a body that is no JSON."""

    body: bytes = b'{"kind": "PodList", "items": [{"metadata"'


@dataclass(frozen=True, slots=True)
class Stall:
    """Hold the answer until `server.release()` or until the client gives up.

    With `after`, the headers and so many bytes of the body are sent first.
    """

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the body in small pieces with a pause (seconds) before each: no single read times out, the whole would."""

    chunk: int = 1
    pause: float = 0.05


@dataclass(frozen=True, slots=True)
class Call:
    """Run a function of the server just before the request is carried out: somebody else acts at that moment."""

    action: Callable[[KubeServer], object]


Effect = Fail | Reset | Truncate | Garbage | Stall | Drip | Call


@dataclass
class Fault:
    """One registered fault. `hits` counts how often it struck."""

    effect: Effect
    method: str | None
    path: re.Pattern[str]
    times: int | None
    after: int
    hits: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether it strikes this request; counts."""
        if self.method not in (None, method) or not self.path.search(path):
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of one server."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def on(
        self,
        effect: Effect,
        *,
        method: str | None = None,
        path: str = "",
        times: int | None = 1,
        after: int = 0,
    ) -> Fault:
        """Register a fault and return it."""
        fault = Fault(effect, method, re.compile(path), times, after)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Effect | None:
        """Return what strikes this request, if anything."""
        for fault in self._faults:
            if fault.strikes(method, path):
                return fault.effect
        return None
