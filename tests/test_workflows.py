"""The project's own workflows: valid, pinned, with no more rights than they need; and what they call is there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import ROOT
from tests.test_pipelines import tool

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def scripts(path: Path) -> Iterator[str]:
    for job in jobs(path).values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def test_they_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["release", "test", "weekly"]


def test_the_schema_of_github_accepts_them() -> None:
    asked = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each_workflow
def test_every_action_is_pinned_and_every_job_ends(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert not [line for line in used if not PINNED.fullmatch(line)]
    assert all(job["timeout-minutes"] <= 60 for job in jobs(path).values())


@each_workflow
def test_it_may_only_read_but_the_job_that_releases(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
    writing = {name for name, job in jobs(path).items() if "permissions" in job}
    assert writing == ({"build"} if path.stem == "release" else set())
    for script in scripts(
        path
    ):  # an expression would be pasted into the shell: what is foreign comes by the environment
        assert "${{" not in script


@each_workflow
def test_its_scripts_are_clean_and_call_what_is_there(path: Path) -> None:
    for script in scripts(path):
        asked = [tool("shellcheck"), "--shell", "bash", "--exclude", "SC1091,SC2154", "-"]
        done = subprocess.run(asked, input=script, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stdout
        for called in re.findall(r"(?<![\w/])\.?ci/[\w./-]+", script):
            assert (ROOT / called).exists(), called


def test_the_suite_runs_on_every_python_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = {line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)}
    tested = jobs(ROOT / ".github/workflows/test.yml")["test"]["strategy"]["matrix"]["python"]
    assert set(tested) == promised
    assert f">={tested[0]}" == project["requires-python"]
