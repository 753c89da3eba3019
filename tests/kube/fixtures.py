"""Pytest fixtures; a conftest takes them in with `pytest_plugins = ["tests.kube.fixtures"]` or by importing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from .server import KubeServer
from .store import Obj

Factory = Callable[..., KubeServer]


@pytest.fixture
def kube_server() -> Iterator[Factory]:
    """Start servers with the arguments of KubeServer, `kube_server(objects, page_size=2)`; they stop with the test."""
    with contextlib.ExitStack() as stack:

        def start(objects: Iterable[Obj] = (), **options: Any) -> KubeServer:
            return stack.enter_context(KubeServer(objects, **options))

        yield start
