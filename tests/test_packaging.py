"""What users install: sdist, wheel, editable install, the example plugins, and one install with nothing borrowed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from tests.command import ROOT, package_index

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = [*(ROOT / "checks").glob("*/[!_]*.py"), *(ROOT / "checks" / "knowledge" / "advisories").glob("*.yaml")]
CHECKS = {path.stem.replace("_", "-") for path in FILES}
BUILD = (sys.executable, "-m", "build", "--no-isolation", "--outdir")
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "preflight", "checks", "schemas")


class Place:
    """A virtual environment, and how to run what is in it as a user does."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"

    def create(self) -> Self:
        ran(sys.executable, "-m", "venv", self.bin.parent)
        return self

    @property
    def site(self) -> Path:
        (found,) = self.bin.parent.glob("lib/python*/site-packages")
        return found

    def pip(self, *arguments: str | Path) -> None:
        ran(self.bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)

    def run(self, command: str, *arguments: str | Path, code: int = 0, path: str = "") -> str:
        done = subprocess.run(
            [self.bin / command, *arguments],
            cwd=self.bin.parent,
            env=clean_environment(PATH=f"{path}:{self.bin}:/usr/bin:/bin"),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def python(self, text: str) -> str:
        return self.run("python", "-c", text)


def clean_environment(**more: str) -> dict[str, str]:
    dropped = ("HARVESTER_PREFLIGHT_", "PYTHON", "KUBE", "COLUMNS", "VIRTUAL_ENV")
    return {**{key: value for key, value in os.environ.items() if not key.startswith(dropped)}, **more}


def ran(*command: str | Path) -> None:
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


Shared = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Make a folder once for all workers of a parallel run: the first one does it, the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def get(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return get


@pytest.fixture(scope="session")
def sources(shared: Shared) -> Path:
    """Copy what is packaged, so that building leaves nothing in the working copy."""

    def make(folder: Path) -> None:
        folder.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                leave = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(ROOT / name, folder / name, ignore=leave)
            else:
                shutil.copy(ROOT / name, folder / name)

    return shared("packaging-sources", make)


@pytest.fixture(scope="session")
def built(shared: Shared, sources: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from that sdist, as a release does."""
    folder = shared("packaging-dist", lambda folder: ran(*BUILD, folder, sources))
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="session")
def wheel_place(shared: Shared, built: tuple[Path, Path]) -> Place:
    return Place(shared("packaging-wheel", lambda folder: install(folder, built[1])))


@pytest.fixture(scope="session")
def editable_place(shared: Shared, sources: Path) -> Place:
    def make(folder: Path) -> None:
        copy = shutil.copytree(sources, folder.with_name("packaging-editable-sources"), dirs_exist_ok=True)
        install(folder, "--editable", copy)

    return Place(shared("packaging-editable", make))


def install(folder: Path, *what: str | Path) -> None:
    """Make a virtual environment with the project in it, and borrow the dependencies of this environment."""
    place = Place(folder).create()
    (place.site / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    # Python 3.11 puts an old setuptools into each new environment, before the borrowed one.
    ran(place.bin / "python", "-m", "pip", "uninstall", "--yes", "--quiet", "setuptools")
    place.pip("--no-deps", "--no-build-isolation", "--force-reinstall", *what)


@pytest.fixture(params=["wheel", "editable"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


def test_the_commands_are_there_under_both_names(place: Place) -> None:
    assert place.run("harvester-preflight", "--version").startswith("harvester-preflight, version ")
    assert "Usage: kubectl harvester-preflight" in place.run("kubectl-harvester_preflight", "--help")
    assert place.run("kubectl_complete-harvester_preflight", "check", "--fail") == (
        "--fail-on\tFrom which severity on a finding blocks; never: exit 0 whatever the verdict.\n:4\n"
    )


def test_the_demo_runs_and_every_check_is_in_the_report(place: Place) -> None:
    report = json.loads(place.run("harvester-preflight", "check", "--source", "demo", "-o", "json", code=3))
    assert {entry["id"] for entry in report["checks"]} >= CHECKS
    assert not [entry for entry in report["checks"] if entry["status"] == "unknown"]
    assert place.run("harvester-preflight", "check", "--source", "demo", "-o", "html", code=3).startswith(
        "<!DOCTYPE html>"
    )


def test_every_schema_opens(place: Place) -> None:
    names = place.run("harvester-preflight", "schema").split()
    assert set(names) == {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").glob("*.json")}
    for name in names:
        assert json.loads(place.run("harvester-preflight", "schema", name))["$schema"]


def test_it_is_the_installed_code_that_runs(wheel_place: Place, editable_place: Place) -> None:
    text = "import preflight, preflight_checks, preflight_schemas as s; print(preflight.__file__, s.__path__[0])"
    assert str(wheel_place.site) in wheel_place.python(text)
    assert "packaging-editable-sources" in editable_place.python(text)


def test_the_archives_hold_all_that_is_needed_and_nothing_else(built: tuple[Path, Path]) -> None:
    sdist, wheel = built
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "checks/nodes/node_ready.py", "schemas/report.schema.json"} <= names
    held = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.partition("/")[0] for name in held}
    assert folders == {"preflight", "preflight_checks", "preflight_schemas", wheel.name.split("-py3")[0] + ".dist-info"}
    for folder, package in (
        ("preflight", "preflight"),
        ("checks", "preflight_checks"),
        ("schemas", "preflight_schemas"),
    ):
        wanted = {
            f"{package}/{path.relative_to(ROOT / folder)}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and not (folder == "checks" and path.suffix == ".yaml")  # knowledge.json holds what they say
        }
        assert {name for name in held if name.startswith(f"{package}/")} == wanted


def test_an_example_plugin_goes_through_the_same_door(built: tuple[Path, Path], tmp_path: Path) -> None:
    install(tmp_path / "venv", built[1])
    place = Place(tmp_path / "venv")
    place.pip(
        "--no-deps",
        "--no-build-isolation",
        shutil.copytree(ROOT / "tests" / "example_plugin", tmp_path / "example_plugin"),
    )
    listed = place.run("harvester-preflight", "list", "-o", "name").split()
    assert "storage-team-maintenance" in listed
    assert set(listed) >= CHECKS
    arguments = ("check", "--source", "demo:healthy", "-o", "json")
    report = json.loads(place.run("harvester-preflight", *arguments))
    assert [entry["status"] for entry in report["checks"] if entry["category"] == "storage-team"] == ["pass", "pass"]
    objects = tmp_path / "marked.yaml"
    objects.write_text(
        "apiVersion: v1\nkind: Node\n"
        "metadata:\n  name: n1\n  creationTimestamp: '2026-01-01T00:00:00Z'\n"
        "  labels: {storage.example/maintenance: 'true'}\n"
    )
    options = ("--source", objects, "--from", "v1.4.0", "--to", "v1.4.1", "--select", "storage-team")
    marked = json.loads(place.run("harvester-preflight", "check", *options, "-o", "json", code=3))
    (finding,) = [found for entry in marked["checks"] for found in entry["findings"]]
    assert (finding["cause"], finding["resource"]["name"]) == ("in-maintenance", "n1")
    assert (
        "storage-team-maintenance" not in place.run("harvester-preflight", "list", "-o", "name", "--no-plugins").split()
    )
    quiet = json.loads(place.run("harvester-preflight", *arguments, "--no-plugins"))
    assert "storage-team-maintenance" not in {entry["id"] for entry in quiet["checks"]}


def test_an_example_program_is_a_check_too(wheel_place: Place) -> None:
    path = str(ROOT / "tests" / "example_exec")
    assert "vm-count" in wheel_place.run("harvester-preflight", "list", "-o", "name", path=path).split()
    report = json.loads(
        wheel_place.run("harvester-preflight", "check", "--source", "demo:healthy", "-o", "json", path=path)
    )
    assert [entry["status"] for entry in report["checks"] if entry["id"] == "vm-count"] == ["pass"]
    assert "vm-count" not in wheel_place.run("harvester-preflight", "list", "-o", "name", "--no-plugins", path=path)


def test_the_example_program_counts() -> None:
    program = ROOT / "tests" / "example_exec" / "harvester-preflight-check-vm-count"
    for amount, outcomes in ((999, 0), (1000, 1)):
        given = json.dumps({"objects": {"x": [{"status": {"phase": "Running"}}] * amount}})
        done = subprocess.run([program, "run"], input=given, capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)["outcomes"]) == outcomes


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_its_shell_accepts(wheel_place: Place, shell: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(wheel_place.run("harvester-preflight", "completion", shell))
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    assert subprocess.run([shell, "-n", script]).returncode == 0


def test_bash_completes_commands_and_flags(wheel_place: Place) -> None:
    for words, wanted in (("harvester-preflight ch", "check"), ("harvester-preflight check --fail", "--fail-on")):
        done = subprocess.run(
            [wheel_place.bin / "harvester-preflight"],
            env=clean_environment(
                _HARVESTER_PREFLIGHT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
            ),
            capture_output=True,
            text=True,
        )
        assert f"plain,{wanted}" in done.stdout.split(), done.stdout + done.stderr


@pytest.fixture(scope="session")
def fresh_place(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Install the wheel with all its dependencies from the package index, borrowing nothing."""
    place = Place(tmp_path_factory.mktemp("fresh") / "venv").create()
    if not package_index():
        pytest.skip("no package index can be reached here")
    if "CI_UNLOCKED" in os.environ:
        place.pip(built[1])
    else:  # the part of the lock that the declared dependencies lead to
        place.pip("--require-hashes", "-r", ROOT / "ci" / "requirements" / "run.txt")
        place.pip("--no-deps", built[1])
    return place


def test_the_declared_dependencies_are_all_it_needs(fresh_place: Place) -> None:
    place = fresh_place
    for form in ("table", "json", "yaml", "html", "junit", "sarif", "prometheus", "openreports"):
        place.run("harvester-preflight", "check", "--source", "demo", "-o", form, code=3)
    place.run("harvester-preflight", "check", "--server", "http://127.0.0.1:1", "--to", "v1.4.1", code=4)
    place.run("harvester-preflight", "rbac")
    place.run("python", "-m", "pip", "check")
