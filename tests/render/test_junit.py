"""JUnit XML for the test pages of CI systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given

from preflight.model import Status
from preflight.render import Style, render
from tests.render.documents import documents
from tests.render.reports import REPORTS, SKEW, STUCK, blocked, document, fleet, result, undecided
from tests.render.test_properties import few

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).parent / "schemas/junit.xsd"))


def suites(report: dict[str, Any]) -> ElementTree.Element:
    text = render("junit", report, Style())
    SCHEMA.validate(text)
    return ElementTree.fromstring(text)


def case(report: dict[str, Any], check: str) -> ElementTree.Element:
    found = suites(report).find(f".//testcase[@name='{check}']")
    assert found is not None
    return found


def tags(element: ElementTree.Element) -> list[str]:
    return [child.tag for child in element]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_valid(name: str) -> None:
    suites(REPORTS[name]())


@given(document=documents)
@few
def test_any_report_is_valid(document: dict[str, Any]) -> None:
    suites(document)


def test_a_suite_per_category_a_case_per_check() -> None:
    root = suites(blocked())
    assert [suite.get("name") for suite in root] == ["upgrade", "nodes", "addons", "longhorn", "network"]
    assert [case.get("name") for case in root.iter("testcase")] == [
        *("upgrade-path", "upgrade-in-progress", "node-ready", "clock-skew", "certificate-expiry"),
        *("addon-stuck", "single-replica-volumes", "network-config"),
    ]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "1", "0")


def test_a_fail_is_one_failure_with_all_its_findings() -> None:
    failed = case(blocked(), "addon-stuck")
    assert tags(failed) == ["failure"]
    text = failed[0].text or ""
    assert "job-image-pull" in text
    assert "kubectl delete job -n cattle-logging-system helm-install-rancher-logging" in text
    assert (failed[0].get("message") or "").endswith("(and 1 more)")


def test_an_unknown_is_an_error_and_says_its_code() -> None:
    error = case(undecided(), "addon-stuck")[0]
    assert (error.tag, error.get("type")) == ("error", "forbidden")
    assert error.get("message") == "forbidden: jobs.batch (list): the service account may not list them"


def test_skipped_and_waived_are_skipped_with_their_reason() -> None:
    assert case(blocked(), "network-config")[0].get("message") == "applies to upgrades from >=1.6.0, not v1.4.0"
    waived = case(blocked(), "certificate-expiry")
    assert tags(waived) == ["skipped", "system-out"]
    assert (waived[0].get("message") or "").startswith("waived until 2026-12-01: ")


def test_a_warning_passes_and_prints_unless_it_blocks() -> None:
    assert tags(case(blocked(), "clock-skew")) == ["system-out"]
    strict = document(
        [result("clock-skew", Status.WARN, "nodes", SKEW), result("x", Status.FAIL, "nodes", STUCK)], fail_on="warn"
    )
    assert tags(case(strict, "clock-skew")) == ["failure"]


def test_clusters_are_told_apart() -> None:
    names = [suite.get("name") for suite in suites(fleet())]
    assert "paris.addons" in names
    assert len(names) == len(set(names))
    assert {case.get("classname") for case in suites(fleet()).iter("testcase")} >= {"harvester-preflight.oslo.addons"}
