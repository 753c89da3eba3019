"""The rules every check is subject to, whatever it does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Code,
    Finding,
    NotApplicable,
    Reason,
    ResourceRef,
    View,
    check,
    need,
    unknown,
)
from preflight.check import Check
from preflight.inventory import Collected, Inventory
from preflight.model import CheckResult, Severity, SourceInfo, Status, UpgradePair, Verdict
from preflight.report import build_report, decide, report_dict
from preflight.runner import run_checks
from preflight.values.versions import parse_version

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SOURCE = SourceInfo("live", "test", NOW)
PAIR = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))


def finding(severity: Severity = FAIL, name: str = "n1", **more: Any) -> Finding:
    return Finding(
        severity=severity, cause="c", message="m", hint="h", resource=ResourceRef("v1", "Node", "", name), **more
    )


def make(outcomes: Any, **more: Any) -> Check:
    @check(
        id="t", title="t", category="nodes", docs="", why="", how="", fix="",
        **{"needs": (need("nodes"), need("pods", optional=True)), **more},
    )  # fmt: skip
    def run(view: View) -> Iterator[Any]:
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            if callable(outcome):
                yield from outcome(view)
            else:
                yield outcome

    return run


def result_of(made: Check, pair: UpgradePair = PAIR, **entries: Collected) -> CheckResult:
    inventory = Inventory(SOURCE, {"nodes": Collected(), "pods": Collected(), **entries})
    (result,) = run_checks([made], inventory, pair, left_out={}, options={})
    return result


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], Status.PASS),
        ([finding(INFO)], Status.PASS),
        ([finding(WARN)], Status.WARN),
        ([finding(WARN), finding(FAIL)], Status.FAIL),
        ([finding(WARN), unknown(Code.ERROR, "x")], Status.UNKNOWN),
        ([finding(FAIL), unknown(Code.ERROR, "x")], Status.FAIL),
        ([NotApplicable("none here")], Status.SKIPPED),
        ([NotApplicable("none here"), finding(WARN)], Status.WARN),
        ([NotApplicable("none here"), unknown(Code.ERROR, "x")], Status.UNKNOWN),
        ([ValueError("boom")], Status.UNKNOWN),
        ([lambda view: (_ for _ in ()).throw(SystemExit(0))], Status.UNKNOWN),
        ([finding(WARN), ValueError("boom")], Status.UNKNOWN),
        (["junk"], Status.UNKNOWN),
        ([lambda view: view.objects("secrets")], Status.UNKNOWN),
    ],
)
def test_the_worst_thing_known_decides(outcomes: list, status: Status) -> None:
    assert result_of(make(outcomes)).status is status


def test_a_crash_keeps_what_was_found_and_says_where() -> None:
    result = result_of(make([finding(FAIL), ValueError("boom")]))
    assert (result.status, len(result.findings)) == (Status.FAIL, 1)
    assert "crashed: ValueError: boom (at run:" in result.reason


@pytest.mark.parametrize(
    "gone", [Collected(missing=Reason(Code.FORBIDDEN, "no")), Collected(gaps=(Reason(Code.TIMED_OUT, "", node="n2"),))]
)
def test_a_required_need_that_was_not_read_makes_it_unknown(gone: Collected) -> None:
    assert result_of(make([]), nodes=gone).status is Status.UNKNOWN
    assert result_of(make([finding(WARN)]), nodes=gone).status is Status.UNKNOWN
    assert result_of(make([finding(FAIL)]), nodes=gone).status is Status.FAIL
    assert result_of(make([]), pods=gone).status is Status.PASS


def test_reasons_are_neither_repeated_nor_endless() -> None:
    reason = result_of(make([unknown(Code.ERROR, str(number % 53)) for number in range(200)])).reason
    assert reason.count("error: 7;") == 1
    assert reason.endswith("and 3 more")


@pytest.mark.parametrize(
    ("pair", "ranges", "status"),
    [
        (PAIR, {"from_versions": ">=1.5.0"}, Status.SKIPPED),
        (PAIR, {"to_versions": "=1.4.1"}, Status.PASS),
        (UpgradePair(None, parse_version("v1.4.1")), {"from_versions": ">=1.5.0"}, Status.UNKNOWN),
        (UpgradePair(parse_version("v1.7-head"), None), {"from_versions": ">=1.5.0"}, Status.UNKNOWN),
        (UpgradePair(parse_version("v1.4.0"), None), {"to_versions": ">=1.5.0"}, Status.UNKNOWN),
        (UpgradePair(None, None), {}, Status.PASS),
    ],
)
def test_a_check_runs_only_for_its_versions(pair: UpgradePair, ranges: dict, status: Status) -> None:
    assert result_of(make([], **ranges), pair).status is status


def some(status: Status, worst: Severity = FAIL, findings: tuple = (), required: bool = False) -> CheckResult:
    return CheckResult("t", "t", "nodes", status, "", "", 0.0, findings, worst, required)


@pytest.mark.parametrize(
    ("results", "fail_on", "verdict"),
    [
        ([some(Status.PASS)], "fail", Verdict.READY),
        ([], "fail", Verdict.UNDECIDED),
        ([some(Status.SKIPPED)], "fail", Verdict.UNDECIDED),
        ([some(Status.PASS), some(Status.UNKNOWN)], "fail", Verdict.UNDECIDED),
        ([some(Status.PASS), some(Status.UNKNOWN, WARN)], "fail", Verdict.READY),
        ([some(Status.PASS), some(Status.UNKNOWN, WARN)], "warn", Verdict.UNDECIDED),
        ([some(Status.PASS), some(Status.UNKNOWN, WARN, required=True)], "fail", Verdict.UNDECIDED),
        ([some(Status.PASS), some(Status.SKIPPED, required=True)], "fail", Verdict.UNDECIDED),
        ([some(Status.PASS), some(Status.WARN, findings=(finding(WARN),))], "fail", Verdict.READY),
        ([some(Status.PASS), some(Status.WARN, findings=(finding(WARN),))], "warn", Verdict.BLOCKED),
        ([some(Status.UNKNOWN, findings=(finding(WARN),))], "warn", Verdict.BLOCKED),
        ([some(Status.FAIL, findings=(finding(FAIL),)), some(Status.UNKNOWN)], "fail", Verdict.BLOCKED),
    ],
)
def test_the_verdict(results: list, fail_on: str, verdict: Verdict) -> None:
    assert decide(results, fail_on) is verdict


def test_fail_on_never_hides_nothing_but_the_exit_code() -> None:
    report = build_report(SOURCE, PAIR, [some(Status.FAIL, findings=(finding(FAIL),))], "never")
    assert (report.verdict, report.exit_code) == (Verdict.BLOCKED, 0)
    document = report_dict(report)
    assert document["summary"]["fail"] == 1
    assert list(document) == [
        "apiVersion", "kind", "tool", "source", "upgrade", "verdict", "exitCode", "failOn", "summary", "scope",
        "knowledge", "checks",
    ]  # fmt: skip


def test_the_order_of_findings_does_not_depend_on_the_order_they_came_in() -> None:
    names = ["b", "a", "c"]
    one = result_of(make([finding(WARN, name) for name in names] + [finding(FAIL, "z")]))
    two = result_of(make([finding(FAIL, "z")] + [finding(WARN, name) for name in sorted(names)]))
    assert one.findings == two.findings
    assert [item.resource.name for item in one.findings] == ["z", "a", "b", "c"]
