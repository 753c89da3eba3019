"""Worlds to repair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kube import KubeServer
from tests.kube.fixtures import kube_server as kube_server
from tests.remediation.world import MakeWorld, World, namespace, setting


@pytest.fixture
def world(kube_server: Callable[..., KubeServer], tmp_path: Path) -> MakeWorld:
    def make(*objects: dict[str, Any], version: str = "v1.4.0", **options: Any) -> World:
        options.setdefault("controllers", True)
        return World(kube_server([setting(version), namespace(), *objects], **options), tmp_path)

    return make
