"""Checks that are programs: real ones, in a folder of their own on the PATH."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

import pytest

from preflight.exec_checks import PREFIX, exec_check, find_programs
from preflight.model import CheckResult, Status, UpgradePair
from preflight.runner import run_checks
from preflight.values.versions import parse_version
from tests.cases import inventory_for

DESCRIPTION: dict[str, Any] = {
    "apiVersion": "harvester-preflight/v1",
    "kind": "ExecCheck",
    "id": "acme-disk",
    "title": "Disks are fine",
    "needs": [{"resource": "nodes", "fields": ["status.conditions"]}],
}
FINDING = {
    "severity": "fail",
    "cause": "bad",
    "message": "m",
    "hint": "h",
    "resource": {"kind": "Node", "name": "n1"},
}
PAIR = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))


def program(folder: Path, describe: Any, run: str) -> str:
    path = folder / f"{PREFIX}acme"
    said = describe if isinstance(describe, str) else f"echo '{json.dumps(describe)}'"
    path.write_text(f'#!/bin/sh\nif [ "$1" = describe ]; then\n{said}\nelse\n{run or ":"}\nfi\n')
    path.chmod(0o755)
    return str(path)


def answer(*outcomes: Any) -> str:
    result = {"apiVersion": "harvester-preflight/v1", "kind": "ExecResult", "outcomes": list(outcomes)}
    return f"cat >/dev/null; echo '{json.dumps(result)}'"


def run(path: str) -> CheckResult:
    check = exec_check("acme", path)
    content = {"cluster": {"nodes": [{"metadata": {"name": "n1"}, "spec": {"secret": 1}}]}} if check.needs else {}
    (result,) = run_checks([check], inventory_for(check, content), PAIR, left_out={}, options={})
    return result


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], Status.PASS),
        ([FINDING], Status.FAIL),
        ([{"unknown": "no idea"}], Status.UNKNOWN),
        ([{"notApplicable": "none"}], Status.SKIPPED),
    ],
)
def test_a_program_answers_as_a_check_does(tmp_path: Path, outcomes: list, status: Status) -> None:
    assert run(program(tmp_path, DESCRIPTION, answer(*outcomes))).status is status


def test_a_program_is_given_only_what_it_asked_for(tmp_path: Path) -> None:
    run(program(tmp_path, DESCRIPTION, f"cat > {tmp_path}/given; {answer()}"))
    given = json.loads((tmp_path / "given").read_text())
    assert given["upgrade"] == {"from": "v1.4.0", "to": "v1.4.1", "via": "upgrade"}
    assert given["objects"] == {"nodes": [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}]}


@pytest.mark.parametrize(
    ("describe", "body", "words"),
    [
        ("exit 3", "", "exit code 3"),
        ("echo oh dear >&2; exit 1", "", "oh dear"),
        ("echo not json", "", "no JSON"),
        ("echo '[]'", "", "schema"),
        ({**DESCRIPTION, "id": "Not Kebab"}, "", "schema"),
        ({**DESCRIPTION, "from": "1.x"}, "", "range"),
        ({**DESCRIPTION, "needs": [{"resource": "widgets"}]}, "", "widgets"),
        (DESCRIPTION, "exit 0", "no JSON"),
        (DESCRIPTION, answer({"severity": "fail"}), "schema"),
        (DESCRIPTION, "kill -9 $$", "exit code -9"),
        (DESCRIPTION, f"echo '{json.dumps(DESCRIPTION)}'", "ExecCheck, not ExecResult"),
    ],
)
def test_bad_output_is_unknown_by_name(tmp_path: Path, describe: Any, body: str, words: str) -> None:
    result = run(program(tmp_path, describe, body))
    assert result.status is Status.UNKNOWN
    assert words in result.reason
    assert PREFIX in result.reason


def test_a_program_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.exec_checks.RUN_SECONDS", 0.2)
    result = run(program(tmp_path, DESCRIPTION, "exec tail -f /dev/null"))
    assert "did not answer within 0.2 s" in result.reason


def test_a_program_that_prints_without_end_is_stopped_at_the_limit(tmp_path: Path) -> None:
    result = run(program(tmp_path, DESCRIPTION, "cat >/dev/null; yes"))
    assert result.status is Status.UNKNOWN
    assert "printed more than 16 MiB" in result.reason


def test_what_a_stopped_program_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.exec_checks.RUN_SECONDS", 1.0)
    path = tmp_path / "held"
    os.mkfifo(path)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as held:
        result = run(program(tmp_path, DESCRIPTION, f"sleep 1000 >{path} 2>&1 & echo x >{path}; wait"))
        assert "did not answer" in result.reason
        os.set_blocking(held.fileno(), True)
        assert held.read(2) == b"x\n"
        ended, _, _ = select.select([held], [], [], 30)
        assert ended, "the child still holds the pipe"
        assert held.read() == b""


def test_programs_are_found_on_the_path_first_one_first(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        program(folder, DESCRIPTION, answer())
    (two / f"{PREFIX}not-executable").write_text("")
    assert find_programs(f"{one}:{two}:/nowhere:") == {"acme": str(one / f"{PREFIX}acme")}
