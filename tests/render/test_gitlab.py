"""GitLab's Code Quality report: the fields its documentation asks for, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from preflight.render import Style, render
from preflight.render.document import items, reports
from tests.render.documents import documents
from tests.render.reports import REPORTS, blocked, fleet, ready, undecided
from tests.render.test_properties import few

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def issues_of(report: dict[str, Any]) -> Sequence[dict[str, Any]]:
    issues: list[dict[str, Any]] = json.loads(render("gitlab", report, Style()))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in SEVERITIES
        assert issue["description"]
        assert issue["location"]["lines"] == {"begin": 1}
        path = issue["location"]["path"]
        assert not path.startswith(("/", "./"))
        assert not {"", ".", ".."} & set(path.split("/"))
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(prints), "GitLab drops all but one of those that share a fingerprint"
    return issues


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_the_shape(name: str) -> None:
    issues_of(REPORTS[name]())


@given(document=documents)
@few
def test_no_finding_and_no_unknown_is_lost(document: dict[str, Any]) -> None:
    findings = sum(1 for _, report in reports(document) for _ in items(report))
    unknown = sum(check["status"] == "unknown" for _, report in reports(document) for check in report["checks"])
    assert len(issues_of(document)) >= findings + unknown


def test_severities_and_places() -> None:
    found = {issue["check_name"].rpartition("/")[2]: issue for issue in issues_of(blocked())}
    assert found["job-predates-operation"]["severity"] == "blocker"
    assert found["clock-skewed"]["severity"] == "minor"
    assert found["detached-volume"]["severity"] == "info"
    waived = found["certificate-expires"]
    assert waived["severity"] == "info"
    assert "Waived: rotation is planned" in waived["description"]
    path = found["job-predates-operation"]["location"]["path"]
    assert path == "clusters/cluster/Addon/cattle-logging-system/rancher-logging.yaml"


def test_what_is_undecided_is_an_issue_and_a_ready_cluster_has_none_that_blocks() -> None:
    assert {"critical"} <= {issue["severity"] for issue in issues_of(undecided())}
    assert not {"critical", "blocker"} & {issue["severity"] for issue in issues_of(ready())}


def test_the_clusters_of_a_fleet_do_not_share_fingerprints_or_paths() -> None:
    issues = issues_of(fleet())
    assert len({issue["location"]["path"].split("/")[1] for issue in issues}) > 1


def test_a_warning_that_blocks_is_a_blocker() -> None:
    report = {**blocked(), "failOn": "warn"}
    found = {issue["check_name"].rpartition("/")[2]: issue for issue in issues_of(report)}
    assert found["clock-skewed"]["severity"] == "blocker"
