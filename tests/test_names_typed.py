"""What people type for checks, demos, contexts and commands: lists, patterns, and names that are nearly right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from preflight.cli import run
from tests.command import preflight
from tests.kube import KubeServer


def ran(*arguments: str) -> set[str]:
    document = json.loads(preflight("check", "--source", "demo", "-o", "json", *arguments).stdout)
    return {entry["id"] for entry in document["checks"] if entry["status"] != "skipped"}


def test_checks_are_chosen_by_lists_and_patterns() -> None:
    assert ran("--select", "addon-stuck, clock-skew") == {"addon-stuck", "clock-skew"}
    volumes = ran("--select", "longhorn-*,node-ready")
    assert {"longhorn-volume-health", "node-ready"} <= volumes
    assert all(name.startswith("longhorn-") or name == "node-ready" for name in volumes)
    assert ran("--select", "longhorn-*,node-ready", "--skip", "longhorn-*") == {"node-ready"}
    required = preflight("check", "--source", "demo", "--require", "clock-*", "--skip", "clock-skew")
    assert (required.returncode, "clock-skew is required" in required.stderr) == (2, True)


def test_several_checks_are_explained_at_once() -> None:
    both = preflight("explain", "addon-stuck,clock-skew")
    assert (both.returncode, both.stdout) == (0, preflight("explain", "addon-stuck", "clock-skew").stdout)
    assert "\naddon-stuck: " in f"\n{both.stdout}"
    assert "\n\nclock-skew: " in both.stdout
    assert "\nclock-skew: " in f"\n{preflight('explain', 'clock-*').stdout}"
    one = preflight("explain", "addon-stuck/job-predates-*").stdout
    assert "job-predates-operation" in one
    assert "job-image-pull" not in one


def test_a_repair_is_narrowed_by_a_pattern() -> None:
    plan = preflight("fix", "--source", "demo", "--only", "addon-s*:harvester-system/*,node-ready")
    assert plan.returncode == 0, plan.stderr
    assert "PLAN: 1 step" in plan.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--source", "demo", "--select", "node-redy"], "--select node-redy: .*did you mean node-ready"),
        (["check", "--source", "demo", "--skip", "longhrn"], "did you mean longhorn"),
        (["check", "--source", "demo", "--require", "addon_stuk"], "did you mean addon-stuck"),
        (["check", "--source", "demo", "--show", "clock-scew"], "--show clock-scew: .*did you mean clock-skew"),
        (["check", "--source", "demo:helthy"], "did you mean healthy"),
        (["check", "--source", "demo:stuk"], "did you mean stuck-addon"),
        (["fix", "--source", "demo", "--only", "adon-stuck:a/b"], "--only adon-stuck:a/b: .*did you mean addon-stuck"),
        (["explain", "addon-stuck/job-predates-op"], "did you mean job-predates-operation"),
        (["schema", "reprot"], "did you mean report"),
        (["check", "--source", "demo", "--to", "latest"], r"--to latest: not a version .*v1\.4\.1\)"),
        (["check", "--source", "demo", "--to", "v1.4"], r"did you mean v1\.4\.1\?"),
        (["chekc"], "did you mean check"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.search(words, printed.err.splitlines()[-1]), printed.err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("thresholds: {clok-skew: {warnSeconds: 3}}", "clock-skew"),
        ("thresholds: {clock-skew: {warnSecond: 3}}", "warnSeconds"),
        ("waivers: [{check: node-redy, object: Node/a, reason: r, owner: o, expires: '2030-01-01'}]", "node-ready"),
        ("defaults: {fail-onn: warn}", "fail-on"),
    ],
)
def test_a_wrong_name_in_a_configuration_is_answered_too(
    text: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert run(["check", "--source", "demo", "--config", str(path)]) == 2
    assert f"did you mean {word}" in capsys.readouterr().err


def test_a_context_that_is_nearly_right(tmp_path: Path) -> None:
    with KubeServer([]) as server:
        config = server.kubeconfig(tmp_path)
        (name,) = [line.split()[-1] for line in config.read_text().splitlines() if "current-context" in line]
        for wrong in (name + "x", f"{name},{name}x"):
            done = preflight("check", "--kubeconfig", config, "--context", wrong)
            assert (done.returncode, f"did you mean {name}?" in done.stderr) == (2, True), done.stderr
        assert server.requests == []
