"""What is given by file or environment: `validate` and `check` agree on a file, and a wrong variable is not passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.cli import run
from preflight.cli.defaults import unknown_variables

WAIVER = "check: node-ready, object: Node/a, reason: r, owner: o"
GOOD = [
    "",
    "# nothing yet\n",
    "{}",
    "{defaults: {fail-on: never, to: v1.4.1}}",
    '{"defaults": {"fail-on": "never"}, "thresholds": {"clock-skew": {"warnSeconds": 3}}}',
    "defaults: {strategy: toggle, select: [clock-skew], timeout: 30, quiet: true}",
    "thresholds: {clock-skew: {warnSeconds: 3}}",
    f"waivers: [{{{WAIVER}, expires: 2030-01-01}}]",
    "attestations: [{check: passive-image-sparse, nodes: [a], who: me, when: 2025-02-01, expires: 2030-01-01}]",
    "\ufeffdefaults:\r\n  to: v1.4.1\r\n",
]
BAD = [
    "[]",
    "defaults: [",
    "{defaults: {to: v1.4.1}, defaults: {to: v1.4.2}}",
    '{"defaults": {"to": "v1.4.1"}, "defaults": {}}',
    '{"defaults": {"to": "v1.4.1"},}}',
    "kind: PreflightConfig",
    "kind: PreflightReport\ndefaults: {}",
    "default: {to: v1.4.1}",
    "defaults: {bogus: 1}",
    "defaults: {fail-on: banana}",
    "defaults: {timeout: soon}",
    "defaults: {quiet: [1]}",
    "defaults: {to: [v1.4.1, v1.4.2]}",
    "defaults: {strategy: banana}",
    "defaults: {apply: true}",
    "thresholds: {clok-skew: {warnSeconds: 3}}",
    "thresholds: {clock-skew: {warnSecond: 3}}",
    "thresholds: {clock-skew: {warnSeconds: much}}",
    f"waivers: [{{{WAIVER}, expires: 2030-02-30}}]",
    f"waivers: [{{{WAIVER}, expires: 2030-01-01, versions: new}}]",
    "waivers: [{check: node-redy, object: Node/a, reason: r, owner: o, expires: 2030-01-01}]",
    "attestations: [{check: nope, nodes: [a], who: me, when: 2025-02-01, expires: 2030-01-01}]",
    "defaults: {to: v1.4.1}\n---\n{}\n",
    "# " + "x" * (1 << 20),
]


@pytest.mark.parametrize(("text", "accepted"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_what_validate_says_of_a_configuration_check_does(
    text: str, accepted: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    said = run(["validate", str(path)])
    validated = capsys.readouterr()
    done = run(["check", "--source", "demo", "--select", "node-ready,clock-skew", "--config", str(path)])
    checked = capsys.readouterr()
    assert (said == 0, done != 2) == (accepted, accepted), validated.err + checked.err
    if not accepted:
        assert validated.err.count("\n") == checked.err.count("\n") == 1


def test_a_configuration_by_its_schema_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    for text, code in ((GOOD[5], 0), (BAD[12], 2)):
        path.write_text(text)
        assert run(["validate", "--schema", "config", str(path)]) == code


def test_all_problems_of_a_file_are_told_with_v(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("a: 1\nwaivers: [{}]\n")
    assert run(["validate", "-v", str(path)]) == 2
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert "more: -v)" in first
    assert "c.yaml:2:" in second


def test_a_variable_that_means_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARVESTER_PREFLIGHT_SELET", "node-ready")
    monkeypatch.setenv("HARVESTER_PREFLIGHT_QUIET", "1")
    assert run(["check", "--source", "demo", "-o", "name"]) == 3
    printed = capsys.readouterr()
    assert printed.err == (
        "Warning: the variable HARVESTER_PREFLIGHT_SELET means nothing to this tool; "
        "did you mean HARVESTER_PREFLIGHT_SELECT?\n"
    )
    assert printed.out


def test_the_variables_of_a_service_of_this_name_are_not_ours() -> None:
    of_a_service = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR"]
    ours = ["CALLED_AS", "IMAGE", "SELECT", "KUBECONFIG", "APPLY", "WITH_KUBELET"]
    assert not list(unknown_variables([f"HARVESTER_PREFLIGHT_{name}" for name in (*of_a_service, *ours)]))
    assert len(list(unknown_variables(["HARVESTER_PREFLIGHT_A", "HARVESTER_PREFLIGHT_B", "OTHER"]))) == 2
