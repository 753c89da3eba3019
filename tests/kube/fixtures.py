"""Pytest fixtures. A test module (or a conftest) takes them in by importing all of them: they use each other.

from tests.kube.fixtures import any_server, kube_server, real_server  # noqa: F401

The control plane behind `real_server` is one for the whole session: `real_control_plane` of tests/conftest.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from .realapi import ControlPlane, RealServer
from .server import KubeServer
from .store import Obj

__all__ = ["Factory", "any_server", "kube_server", "real_server"]

Factory = Callable[..., KubeServer]


@pytest.fixture
def kube_server() -> Iterator[Factory]:
    """Start servers with the arguments of KubeServer, `kube_server(objects, page_size=2)`; they stop with the test."""
    with contextlib.ExitStack() as stack:

        def start(objects: Iterable[Obj] = (), **options: Any) -> KubeServer:
            return stack.enter_context(KubeServer(objects, **options))

        yield start


@pytest.fixture
def real_server(real_control_plane: ControlPlane) -> Iterator[Callable[..., RealServer]]:
    """Fill the real API server, `real_server(objects, controllers=True)`; it is emptied after the test."""
    with contextlib.ExitStack() as stack:

        def start(objects: Iterable[Obj] = (), *, controllers: bool = False) -> RealServer:
            server = stack.enter_context(RealServer(real_control_plane, controllers=controllers))
            server.put(*objects)
            return server

        yield start


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.xdist_group("real"))])
def any_server(request: pytest.FixtureRequest) -> Callable[..., KubeServer | RealServer]:
    """Run the test twice: against the test server, and against a real API server where there is one."""
    name = "kube_server" if request.param == "fake" else "real_server"
    start: Callable[..., KubeServer | RealServer] = request.getfixturevalue(name)
    return start
