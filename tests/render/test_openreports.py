"""OpenReports objects and their predecessor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator

from preflight.model import Severity, Status
from preflight.render import Style, render
from preflight.render.openreports import MAX_RESULTS, OPEN_REPORTS, POLICY_REPORTS, object_name, report_objects
from tests.render.documents import documents
from tests.render.reports import REPORTS, STUCK, blocked, document, finding, fleet, hostile, result, undecided
from tests.render.test_properties import few

SCHEMA = json.loads((Path(__file__).parent / "schemas/openreports.schema.json").read_text())
BOTH = {"openreports": OPEN_REPORTS, "policyreport": POLICY_REPORTS}


def objects(report: dict[str, Any], output: str = "openreports") -> list[dict[str, Any]]:
    found = [each for each in yaml.safe_load_all(render(output, report, Style())) if each]
    for each in found:
        Draft202012Validator(SCHEMA).validate(each)
        assert each["apiVersion"] == BOTH[output]
    return found


@pytest.mark.parametrize("output", BOTH)
@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_valid(name: str, output: str) -> None:
    objects(REPORTS[name](), output)


@pytest.mark.parametrize("output", BOTH)
@given(document=documents)
@few
def test_any_report_is_valid_and_counts_right(output: str, document: dict[str, Any]) -> None:
    for each in objects(document, output):
        results = [result["result"] for result in each["results"]]
        assert each["summary"] == {key: results.count(key) for key in ("pass", "fail", "warn", "error", "skip")}


def test_one_object_per_category_with_a_stable_name() -> None:
    names = [each["metadata"]["name"] for each in objects(blocked())]
    assert names == [f"harvester-preflight-{part}" for part in ("upgrade", "nodes", "addons", "longhorn", "network")]
    assert all(
        each["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "harvester-preflight" for each in objects(fleet())
    )
    assert len({each["metadata"]["name"] for each in objects(fleet())}) == len(objects(fleet()))


def results_of(report: dict[str, Any]) -> dict[str, str]:
    return {
        f"{each['policy']}/{each.get('rule', '')}": each["result"]
        for report_object in objects(report)
        for each in report_object["results"]
    }


def test_statuses_map_one_to_one() -> None:
    found = results_of(blocked())
    assert found["addon-stuck/job-predates-operation"] == "fail"
    assert found["clock-skew/clock-skewed"] == "warn"
    assert found["certificate-expiry/certificate-expires"] == "skip"
    assert found["network-config/"] == "skip"
    assert found["node-ready/"] == "pass"
    assert results_of(undecided())["addon-stuck/"] == "error"


def test_a_failed_check_that_could_not_see_everything_is_an_error_too() -> None:
    report = document([result("addon-stuck", Status.FAIL, "addons", STUCK, reason="besides: forbidden")])
    assert results_of(report) == {"addon-stuck/": "error", "addon-stuck/job-predates-operation": "fail"}


def test_many_results_are_split_and_none_is_lost() -> None:
    many = [finding(Severity.FAIL, f"cause-{number}") for number in range(25)]
    report = document([result("addon-stuck", Status.FAIL, "addons", *many)])
    parts = report_objects(report, OPEN_REPORTS, max_results=10)
    assert [each["metadata"]["name"] for each in parts] == [
        "harvester-preflight-addons",
        "harvester-preflight-addons-2",
        "harvester-preflight-addons-3",
    ]
    assert [len(each["results"]) for each in parts] == [10, 10, 5]
    assert len({each["rule"] for part in parts for each in part["results"]}) == 25


def test_the_largest_object_fits_into_etcd() -> None:
    many = [
        finding(Severity.FAIL, f"cause-{number}", message="m" * 9000, hint="h" * 9000) for number in range(MAX_RESULTS)
    ]
    parts = report_objects(document([result("addon-stuck", Status.FAIL, "addons", *many)]), OPEN_REPORTS)
    assert max(len(json.dumps(each)) for each in parts) < 1_500_000


def test_objects_to_publish_are_harmless_too() -> None:
    assert "\x1b" not in str(report_objects(hostile(), OPEN_REPORTS)).replace("\\x1b", "")
    assert "\\x1b" in str(report_objects(hostile(), OPEN_REPORTS))


def test_properties_carry_what_to_do() -> None:
    addons = next(each for each in objects(blocked()) if each["metadata"]["name"].endswith("addons"))
    stuck = next(each for each in addons["results"] if each["rule"] == "job-predates-operation")
    assert stuck["properties"]["remediation"] == "recreate-job"
    assert stuck["properties"]["enforcedBy"] == "upgrade-scripts"
    assert stuck["resources"] == [
        {
            "apiVersion": "harvesterhci.io/v1beta1",
            "kind": "Addon",
            "namespace": "cattle-logging-system",
            "name": "rancher-logging",
        }
    ]


def test_a_cluster_scoped_result_names_no_namespace() -> None:
    assert all("namespace" not in ref for ref in report_objects(blocked(), OPEN_REPORTS)[1]["results"][-1]["resources"])


@pytest.mark.parametrize("category", ["node_os", "Node OS", "../x", "", "ä", "a" * 300])
def test_odd_categories_get_names_of_their_own(category: str) -> None:
    names = {object_name("harvester-preflight", category), object_name("harvester-preflight", category + "x")}
    assert len(names) == 2
