"""The command line: knowledge in use, files given to every command, and docs/knowledge.md tried as it is written."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.cli import run
from preflight.documents import schema_problems
from tests.command import ROOT
from tests.knowledge.files import advisory, releases, write

PAGE = (ROOT / "docs" / "knowledge.md").read_text(encoding="utf-8")
ISSUE, RELEASES = (block for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    _, out, err = said(capsys, "check", "-o", "json", *arguments)
    loaded: dict[str, Any] = json.loads(out or err)
    return loaded


def test_the_issue_of_the_page_has_twenty_lines_at_most() -> None:
    assert len(ISSUE.splitlines()) <= 20


@pytest.mark.parametrize(
    ("issue", "code", "word"),
    [(ISSUE, 3, "BLOCKED"), (ISSUE.replace("object.spec.enabled", "object.spec.enabld"), 4, "UNDECIDED")],
)
def test_the_page_blocks_and_a_missing_field_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], issue: str, code: int, word: str
) -> None:
    path = write(tmp_path, issue)
    found = said(
        capsys, "check", "--source", "demo:healthy", "--to", "v1.4.1", "--knowledge", path, "--select", "advisory"
    )
    assert found[0] == code, found
    assert found[1].startswith(word)
    assert "monitoring-off-1-4-1" in found[1]


def test_the_releases_of_the_page_decide_a_newer_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--source", "demo:healthy", "--from", "v1.9.0", "--to", "v1.10.0", "--select", "upgrade-path"]
    (before,) = [check for check in report(capsys, *common)["checks"] if check["id"] == "upgrade-path"]
    assert before["status"] == "unknown"
    assert "--knowledge" in before["reasons"][0]["cure"]
    path = write(tmp_path, RELEASES)
    document = report(capsys, *common, "--knowledge", path)
    (after,) = [check for check in document["checks"] if check["id"] == "upgrade-path"]
    assert after["status"] == "pass"
    assert document["knowledge"] == {"date": "2027-03-01", "sources": ["built-in 2026-11-24", f"{path} 2027-03-01"]}
    assert any("v1.9.0" in note for note in document["source"]["notes"])


def test_a_patch_that_is_not_listed_is_decided_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--source", "demo:healthy", "--from", "v1.8.2", "--select", "upgrade-path"]
    document = report(capsys, *common, "--to", "v1.9.1")
    assert document["exitCode"] == 0
    assert any("no data of v1.9.1 itself" in note for note in document["source"]["notes"])
    assert schema_problems(document, {}, "report") == []


def test_an_advisory_is_a_check_in_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    widget = {"objects": "widgets.example.com", "when": "object.spec.size > 3", "message": "{name}"}
    resources = {"widgets.example.com": {"version": "v1", "kind": "Widget", "namespaces": ["vms"]}}
    path = write(tmp_path, advisory(widget, resources=resources, tags=["mine"]))
    given = ["--knowledge", path]
    assert "node-size" in said(capsys, "list", *given, "-o", "name")[1].split()
    assert "widgets.example.com" in said(capsys, "explain", "node-size", *given)[1]
    granted = said(capsys, "rbac", "--select", "mine", *given)[1]
    assert "widgets" in granted
    assert "namespace: vms" in granted
    assert "node-size" not in said(capsys, "list", "-o", "name")[1].split()


def test_what_is_in_use_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    write(folder, advisory(), "a.yaml")
    write(folder, releases(v1_10_0={"like": "v1.9.0"}), "b.yaml")
    document = json.loads(said(capsys, "knowledge", "-o", "json", "--knowledge", str(folder))[1])
    assert document["date"] == "2027-03-01"
    assert len(document["sources"]) == 3
    assert document["releases"]["v1.10.0"]["dataOf"] == "v1.9.0"
    (mine,) = [one for one in document["advisories"] if one["id"] == "node-size"]
    assert mine["package"] == str(folder / "a.yaml")
    assert yaml.safe_load(said(capsys, "knowledge", "-o", "yaml", "--knowledge", str(folder))[1]) == document
    table = said(capsys, "knowledge", "--knowledge", str(folder))[1]
    for word in ("2027-03-01", "v1.8.2", "data of v1.9.0", "node-size", "longhorn-v2-volumes"):
        assert word in table


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (advisory(), 0, "valid (advisory)"),
        (releases(v1_10_0={"minimum": "v1.9.0"}), 0, "valid (releases)"),
        (advisory({"severity": "warn"}), 2, "findings.0.severity"),
        (releases(v1_8_2={"minimum": "v1.0.0"}), 2, "it may only be raised"),
        (advisory({"severity": "worst"}), 2, "findings.0.severity"),
    ],
)
def test_validate_reads_a_file_as_the_option_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, code: int, words: str
) -> None:
    found = said(capsys, "validate", write(tmp_path, content))
    assert found[0] == code
    assert words in found[1] + found[2]


@pytest.mark.parametrize("name", ["advisory", "releases"])
def test_the_schemas_are_published(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert json.loads(said(capsys, "schema", name)[1])["title"]


def test_a_wrong_file_ends_the_run_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, advisory({"severity": "warn"}))
    code, out, err = said(capsys, "check", "--source", "demo", "--knowledge", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {path}:")
    assert len(err.splitlines()) == 1


def test_a_configuration_given_by_hand_may_name_knowledge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, advisory())
    config = write(tmp_path, {"defaults": {"knowledge": [path]}}, "config.yaml")
    assert "node-size" in said(capsys, "list", "--config", config, "-o", "name")[1].split()


def test_a_configuration_that_was_found_may_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"defaults": {"knowledge": [write(tmp_path, advisory())]}}, ".harvester-preflight.yaml")
    monkeypatch.chdir(tmp_path)
    _, out, err = said(capsys, "list", "-o", "name")
    assert "node-size" not in out.split()
    assert "defaults.knowledge" in err


def test_no_expression_is_compiled_when_no_advisory_applies() -> None:
    import subprocess

    from tests.command import environment

    code = (
        "import sys\nfrom preflight.cli import run\n"
        "run(['check', '--source', 'demo:healthy', '--from', 'v1.5.0', '--to', 'v1.5.1', '--skip', 'advisory'])\n"
        "print('cel_expr_python' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stderr.splitlines()[-1] == "False"
