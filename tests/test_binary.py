"""The one-file program of ci/binary: it has all of the tool in it, and needs no Python, no PATH and no home.

Building takes minutes, so these tests take what is built and up to date: .ci/run builds it before the suite.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preflight.sources.text.yaml_reading import load_documents
from tests.command import ROOT, preflight
from tests.kube import KubeServer

PLUGIN = "kubectl-harvester_preflight"
DEMOS = ("demo", "demo:healthy", "demo:healthy-1.8.2")
COMMANDS = (
    ("--version",),
    ("list", "-o", "json"),
    ("explain", "addon-stuck"),
    ("knowledge",),
    ("rbac", "--fix"),
    ("schema", "report"),
    ("manifests", "fleet", "--image", f"x@sha256:{'0' * 64}", "--to", "v1.4.1"),
    ("fix", "--source", "demo"),
    ("completion", "bash"),
)
FORMATS = ("html", "junit", "sarif", "markdown", "prometheus", "openreports", "yaml")


@pytest.fixture(scope="module")
def program() -> Path:
    done = subprocess.run([ROOT / "ci" / "binary", "--built"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no up-to-date .cache/binary/harvester-preflight: ci/binary builds it")
    return Path(done.stdout.strip())


def run(program: Path, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing in its environment that could be of help."""
    env = {"PATH": "/nonexistent", "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(
        [program, *map(str, words)], env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )


def told(text: str) -> dict[str, Any]:
    """Return a report without what no two runs have in common."""
    report: dict[str, Any] = json.loads(text)
    for check in report["checks"]:
        check.pop("durationMs")
    return report


def test_it_answers_where_there_is_no_python(program: Path) -> None:
    env = ["env", "-i", "PATH=/nonexistent", program, "check", "--source", "demo"]
    done = subprocess.run(env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("BLOCKED  v1.4.0 ")


@pytest.mark.parametrize("source", DEMOS)
def test_its_report_is_that_of_the_package(program: Path, source: str) -> None:
    mine, theirs = (
        run(program, "check", "--source", source, "-o", "json"),
        preflight("check", "--source", source, "-o", "json"),
    )
    assert mine.returncode == theirs.returncode
    assert told(mine.stdout) == told(theirs.stdout)
    assert not [check for check in told(mine.stdout)["checks"] if "could not be loaded" in check["reason"]]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_every_command_is_in_it(program: Path, words: tuple[str, ...]) -> None:
    mine, theirs = run(program, *words), preflight(*words)
    assert (mine.returncode, mine.stdout) == (theirs.returncode, theirs.stdout), mine.stderr


def test_every_format_is_in_it(program: Path, tmp_path: Path) -> None:
    reports = [word for name in FORMATS for word in ("--report", f"{name}={tmp_path / name}")]
    done = run(program, "check", "--source", "demo", "-q", *reports)
    assert done.returncode == 3, done.stderr
    assert all((tmp_path / name).stat().st_size for name in FORMATS)


def test_it_reads_a_cluster_and_judges_by_knowledge(program: Path, tmp_path: Path) -> None:
    """The client, TLS, and the library for conditions are compiled: what is missing of them shows only here."""
    objects = list(load_documents((ROOT / "tests/fixtures/job-predates.yaml").read_bytes()))
    with KubeServer(objects, tls=True) as server:
        words = ("check", "--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1", "-o", "json")
        done = run(program, *words)
    assert done.returncode == 3, done.stderr
    checks = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["addon-stuck"]["status"] == "fail"
    assert not [check for check in checks.values() if "crashed" in check["reason"]]


def test_as_a_plugin_of_kubectl_it_names_itself_as_its_reader_does(program: Path, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl here: ci/kubectl-helm fetches one")
    (tmp_path / PLUGIN).symlink_to(program)
    words = [kubectl, "harvester-preflight", "check", "--source", "demo", "--select", "addon-stuck"]
    env = {"PATH": f"{tmp_path}:/nonexistent", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 3, done.stderr
    assert "kubectl harvester-preflight fix " in done.stdout
    assert not re.search(r"^\s*harvester-preflight ", done.stdout, re.MULTILINE)
