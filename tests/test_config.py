"""The configuration file: every error names file, line and column; waivers and attestations do what they promise."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from preflight.api import FAIL, Code, Finding, ResourceRef, unknown
from preflight.check import Check
from preflight.config_file import Config, find_config, load_config
from preflight.documents import load_schema, schema_names
from preflight.errors import ConfigError
from preflight.model import CheckResult, SourceInfo, Status, UpgradePair, Verdict
from preflight.report import build_report
from preflight.values.versions import parse_version
from preflight.waivers import Waivers, validate_waivers
from tests.test_runner import make

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAIR = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))
WAIVER = {
    "check": "t",
    "object": "Node/*",
    "reason": "being replaced",
    "owner": "ops",
    "expires": "2026-11-23",
}
FINDING = Finding(severity=FAIL, cause="c", message="m", hint="h", resource=ResourceRef("v1", "Node", "", "n1"))


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


BOMB = "".join(f"a{i + 1}: &a{i + 1} [" + f"*a{i}," * 10 + "]\n" for i in range(9))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("defaults:\n  to: v1.4.1\nwaiver: []\n", ":1:1:", "waiver"),
        ("thresholds:\n  clock-skew:\n    warnSeconds: [1, 2]\n", ":3:19:", "thresholds.clock-skew.warnSeconds"),
        ("waivers:\n- check: a\n  object: b\n", ":2:3:", "waivers.0"),
        ("defaults: {to: a}\ndefaults: {to: b}\n", ":2:1:", "twice"),
        ("defaults: {to: [\n", ":2:1:", "not YAML"),
        ("- a\n", ":1:1:", "the document"),
        (b"\xff\xfe", "", "UTF-8"),
        ("a0: &a0 [x]\n" + BOMB, ":7:", "aliases"),
        ("thresholds: !!python/tuple [a]\n", ":1:13:", "thresholds"),
        ("defaults: {to: a}\n---\n{}\n", "", "more than one document"),
        ("x" * ((1 << 20) + 1), "", "1 MiB"),
        ("defaults: {apply: true}\n", ":1:11:", "apply"),
        ("defaults: {remediate: all}\n", ":1:11:", "'remediate' is for the command line"),
        ("defaults: {publish: true}\n", ":1:11:", "publish"),
        ("waivers:\n- {check: a, object: b, reason: c, owner: d, expires: 23.11.2026}\n", ":2:", "expires"),
    ],
)
def test_a_wrong_file_is_named_with_line_and_column(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) + place in caught.value.message
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "\ufeffdefaults:\r\n  to: v1.4.1\r\n"])
def test_an_empty_or_foreign_looking_file_is_read(tmp_path: Path, text: str) -> None:
    assert load_config(written(tmp_path, text)).waivers == ()


def test_a_named_file_must_be_there_and_the_default_one_need_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(None) == Config()
    (tmp_path / ".harvester-preflight.yaml").write_text("defaults: {to: v1.4.1}")
    assert find_config(None).defaults == {"to": "v1.4.1"}
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        find_config("absent.yaml")


def test_a_found_file_says_only_what_a_stranger_may_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wild = {**WAIVER, "object": "*"}
    every = {"server": "x", "kubeconfig": "x", "source": "demo", "now": "x", "report": ["json=x"], "fail-on": "never"}
    content = {
        "defaults": {**every, "to": "v1.4.1", "output": "json", "color": "never", "select": ["a"], "skip": ["b"]},
        "thresholds": {"clock-skew": {"warnSeconds": 3}},
        "waivers": [wild, {**WAIVER, "object": "[A-Z]*/*"}, WAIVER],
    }
    (tmp_path / ".harvester-preflight.yaml").write_text(json.dumps(content))
    found = find_config(None)
    assert set(found.defaults) == {"to", "output", "color", "select", "skip"}
    assert found.waivers == (WAIVER,)
    assert found.thresholds == content["thresholds"]
    assert set(found.refused) == {("waivers", 0), ("waivers", 1), *(("defaults", key) for key in every)}
    given = find_config(".harvester-preflight.yaml")
    assert (given.refused, given.found, given.waivers[0]) == ((), False, wild)
    assert found.where("waivers", 0).split(" ")[0] == given.where("waivers", 2).split(" ")[0]


def test_every_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    assert {"config", "report", "exec_check"} <= set(schema_names())
    for name in schema_names():
        Draft202012Validator.check_schema(load_schema(name))
    with pytest.raises(ConfigError, match="there is no schema"):
        load_schema("../pyproject")


def waivers(**more: Any) -> Waivers:
    return Waivers(Config(path="c.yaml", waivers=({**WAIVER, **more},)), PAIR, NOW)


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True),
        ({"object": "Node/n1"}, True),
        ({"object": "Node/n2"}, False),
        ({"check": "other"}, False),
        ({"cause": "c"}, True),
        ({"cause": "d"}, False),
        ({"expires": "2026-11-22"}, False),
        ({"expires": "2026-11-23"}, True),
        ({"versions": "=1.4.1"}, True),
        ({"versions": ">=1.5.0"}, False),
    ],
)
def test_a_waiver_covers_what_it_names_until_it_expires(change: dict, covered: bool) -> None:
    found = waivers(**change).waive("t", FINDING)
    assert (found.waived is not None) is covered
    if found.waived:
        assert (found.waived.reason, found.waived.expires) == ("being replaced (ops)", found.waived.expires)
    assert replace(found, waived=None) == FINDING


def test_a_waiver_may_name_a_check_by_its_other_name() -> None:
    used = Waivers(Config(path="c.yaml", waivers=({**WAIVER, "check": "old-name"},)), PAIR, NOW, {"old-name": "t"})
    assert used.waive("t", FINDING).waived
    assert causes(used, [result(Status.PASS, FINDING)]) == []


def result(status: Status, *findings: Finding) -> CheckResult:
    return CheckResult("t", "t", "nodes", status, "", "", 0.0, findings)


def causes(used: Waivers, results: list[CheckResult]) -> list[str]:
    about = used.result(results)
    return [finding.cause for finding in about.findings] if about else []


def test_expired_waivers_fail_and_unused_ones_warn() -> None:
    expired = waivers(expires="2026-11-22")
    expired.waive("t", FINDING)
    about = expired.result([result(Status.FAIL, FINDING)])
    assert about is not None
    assert (about.status, causes(expired, [result(Status.FAIL, FINDING)])) == (Status.FAIL, ["expired"])
    unused = waivers(object="Node/elsewhere")
    unused.waive("t", FINDING)
    assert causes(unused, [result(Status.FAIL, FINDING)]) == ["unused"]
    assert causes(waivers(), [result(Status.SKIPPED)]) == []
    assert Waivers(Config(), PAIR, NOW).result([]) is None


def test_a_waived_finding_is_counted_and_does_not_decide() -> None:
    waived = waivers().waive("t", FINDING)
    report = build_report(SourceInfo("live", "x", NOW), PAIR, [result(Status.PASS, waived)], "warn")
    assert (report.verdict, report.summary["waived"]) == (Verdict.READY, 1)


def test_an_attestation_answers_for_one_node_and_one_check_only() -> None:
    entry = {"check": "t", "nodes": ["n*"], "who": "ada", "when": "2026-11-20", "expires": "2026-11-30"}
    used = Waivers(Config(attestations=(entry,)), PAIR, NOW)
    assert used.attests("t", unknown(Code.NODE_ONLY, "x", node="n1"))
    assert not used.attests("t", unknown(Code.NODE_ONLY, "x", node="m1"))
    assert not used.attests("u", unknown(Code.NODE_ONLY, "x", node="n1"))
    assert not used.attests("t", unknown(Code.FORBIDDEN, "x"))
    assert causes(used, [result(Status.PASS)]) == ["attested"]
    old = Waivers(Config(attestations=({**entry, "expires": "2026-11-22"},)), PAIR, NOW)
    assert not old.attests("t", unknown(Code.NODE_ONLY, "x", node="n1"))
    assert causes(old, [result(Status.UNKNOWN)]) == ["expired"]


def test_an_attestation_is_of_a_day_before_its_end() -> None:
    entry = {"check": "t", "nodes": ["n*"], "who": "ada", "when": "2026-11-20", "expires": "2026-11-20"}
    validate_waivers(Config(attestations=(entry,)), [make([])])
    for when, words in (("2026-11-21T10:00:00Z", "before it was made"), ("2026-02-30", "day is out of range")):
        with pytest.raises(ConfigError, match=words):
            validate_waivers(Config(attestations=({**entry, "when": when},)), [make([])])


@pytest.mark.parametrize(
    ("change", "words"),
    [({"check": "nope"}, "nope"), ({"expires": "2026-02-30"}, "day is out of range"), ({"versions": "new"}, "range")],
)
def test_waivers_of_things_that_do_not_exist_are_errors(change: dict, words: str) -> None:
    checks: list[Check] = [make([])]
    with pytest.raises(ConfigError, match=words):
        validate_waivers(Config(path="c.yaml", waivers=({**WAIVER, **change},)), checks)
    validate_waivers(Config(path="c.yaml", waivers=(WAIVER,)), checks)
