"""Options and fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from tests.kube.plane import ControlPlane

GOLDEN = Path(__file__).parent / "golden"


class Golden(Protocol):
    def __call__(self, name: str, text: str) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Rewrite tests/golden; read the diff before you commit."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): run on one worker, with --dist loadgroup")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with tests/golden/NAME, byte for byte, or rewrite it with --update-golden."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_bytes(text.encode())
        assert path.is_file(), f"{path} is missing: run pytest --update-golden and read the diff"
        assert text == path.read_bytes().decode(), f"{name} differs: if that is meant, run pytest --update-golden"

    return compare


@pytest.fixture(scope="session")
def real_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a real etcd and kube-apiserver, one for all tests, or skip: see tests/kube/realapi.py."""
    from tests.kube.plane import control_plane  # few tests need it, and it takes a while to import

    yield from control_plane(tmp_path_factory.mktemp("control-plane"))
