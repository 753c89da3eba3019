"""Options and fixtures that every test may use."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.kube.plane import ControlPlane

GOLDEN = Path(__file__).parent / "golden"
FETCHED = Path(__file__).parent.parent / ".cache" / "kubectl-helm"
"""Where ci/kubectl-helm puts both; a machine's own come first."""

# One profile for every property: no clock decides (a loaded machine is no fault), and the examples are the same on
# every run, so that green stays green. The unlocked run looks for new ones.
settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    derandomize="CI_UNLOCKED" not in os.environ,
    database=None,
    print_blob=True,
)
settings.load_profile("ours")

SURROUNDINGS = re.compile(
    "HARVESTER_PREFLIGHT_.*|KUBECONFIG|KUBERNETES_.*|CI|GITHUB_.*|GITLAB_CI|LANG|LANGUAGE|LC_.*|COLUMNS|LINES"
    "|NO_COLOR|FORCE_COLOR|CLICOLOR.*|PYTHONWARNINGS|PYTHONDEVMODE|PYTHONUTF8|PYTHONIOENCODING"
)
"""Variables of the place where the tests run that the tool, a library or a child would listen to."""


class Golden(Protocol):
    def __call__(self, name: str, text: str) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Rewrite tests/golden; read the diff before you commit."
    )
    parser.addoption("--quick", action="store_true", help="Leave out what starts a process, a server or a browser.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): run on one worker, with --dist loadgroup")
    for name in filter(SURROUNDINGS.fullmatch, tuple(os.environ)):
        del os.environ[name]
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(FETCHED)])
    for name in (
        "NO_PROXY",
        "no_proxy",
    ):  # pip still needs the proxy; the tests' own servers must not be asked through it
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        chosen = [item for item in items if not _starts_something(item.getparent(pytest.Module))]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


@functools.cache
def _starts_something(module: pytest.Module | None) -> bool:
    """Tell by what a module of tests imports, so that nobody has to keep a list."""
    names = {
        getattr(value, "__module__", None) or getattr(value, "__name__", "") for value in vars(module.obj).values()
    }
    return any(
        re.match(r"(subprocess|selenium|tests\.(command|kube|bench|remediation\.world))\b", name) for name in names
    )


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
