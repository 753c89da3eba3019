"""A process that is killed at a chosen HTTP call: from then on nothing of it reaches the server or the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from preflight.cluster.api import Api
from preflight.remediation import journal

METHODS = ("get", "post", "put", "patch", "delete")


class Killed(BaseException):
    """No `except` and no `finally` of the product can do anything about it."""


class Life:
    """What a process may still do."""

    def __init__(self, last: int, *, answered: bool) -> None:
        self.calls: list[tuple[str, str]] = []
        self.dead = False
        self._last, self._answered = last, answered

    def call(self, method: str, send: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make one call, unless this is where it dies: before it is sent, or before its answer is read."""
        if self.dead:
            raise Killed
        number = len(self.calls)
        self.calls.append((method, args[0]))
        if number < self._last:
            return send(*args, **more)
        if self._answered:
            send(*args, **more)
        self.dead = True
        raise Killed


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, last: int, *, answered: bool = False) -> Iterator[Life]:
    """Let whatever runs inside be killed at its call number `last` (from 0)."""
    life = Life(last, answered=answered)
    with monkeypatch.context() as patch:
        for method in METHODS:
            send = getattr(Api, method)

            def call(self: Api, *args: Any, _send: Any = send, _method: str = method, **more: Any) -> Any:
                return life.call(_method, lambda *a, **m: _send(self, *a, **m), *args, **more)

            patch.setattr(Api, method, call)
        replace = journal._replace

        def write(*args: Any) -> None:
            if life.dead:
                raise Killed
            replace(*args)

        patch.setattr(journal, "_replace", write)
        yield life
