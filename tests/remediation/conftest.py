"""Worlds to repair."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kube import KubeServer
from tests.kube.fixtures import any_server, kube_server, real_server  # noqa: F401
from tests.remediation.world import MakeWorld, RealTime, World, namespace, setting


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Let Ctrl-C work also where the tests run in the background: a shell makes such processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the key of the journals where the test is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def world(kube_server: Callable[..., KubeServer], tmp_path: Path) -> MakeWorld:  # noqa: F811
    def make(*objects: dict[str, Any], version: str = "v1.4.0", **options: Any) -> World:
        options.setdefault("controllers", True)
        return World(kube_server([setting(version), namespace(), *objects], **options), tmp_path)

    return make


@pytest.fixture
def any_world(any_server: Callable[..., Any], tmp_path: Path) -> MakeWorld:  # noqa: F811
    """Like `world`, also against a real API server where there is one; there, time passes by itself.

    The test server always has Harvester's webhook; a real one only when `webhook` asks for it.
    """

    def make(
        *objects: dict[str, Any], version: str = "v1.4.0", controllers: bool = True, webhook: bool = False
    ) -> World:
        here = World(any_server([setting(version), *objects], controllers=controllers), tmp_path)
        if not isinstance(here.server, KubeServer):
            here.time = RealTime()
            if webhook:
                here.server.webhook.start()
        return here

    return make
