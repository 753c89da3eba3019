"""Run every drop-in case, and see that every check has the cases it owes."""

from __future__ import annotations

import pytest

from preflight.check import Check
from preflight.model import Status
from preflight.registry import OURS, find_plugins, load_checks
from tests.cases import CASES, Case, all_cases, compare, run_case

CHECKS = {check.id: check for check in load_checks(find_plugins(only_ours=True))}


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.check_id}/{case.path.stem}")
def test_case(case: Case) -> None:
    check = CHECKS[case.check_id]
    compare(case, check, run_case(check, case.content))


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_check_has_a_pass_a_finding_and_an_unknown(check: Check) -> None:
    cases = [case for case in all_cases() if case.check_id == check.id]
    statuses = {case.expect["status"] for case in cases}
    assert "unknown" in statuses
    assert "pass" in statuses
    assert any(case.expect.get("findings") for case in cases)


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_every_cause_is_shown_by_a_case(check: Check) -> None:
    shown = {
        finding["cause"]
        for case in all_cases()
        if case.check_id == check.id
        for finding in case.expect.get("findings") or ()
        if "cause" in finding
    }
    assert set(check.causes) <= shown, f"no case shows {sorted(set(check.causes) - shown)}"


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_no_finding_is_worse_than_declared(check: Check) -> None:
    for case in all_cases():
        if case.check_id == check.id and check.worst.value == "warn":
            assert all(finding.get("severity") != "fail" for finding in case.expect.get("findings") or ()), case.path


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.check_id}/{case.path.stem}")
def test_an_unread_need_never_improves_a_case(case: Case) -> None:
    """Reading less must never turn a result into a better one."""
    check = CHECKS[case.check_id]
    whole = run_case(check, case.content)
    for need in check.needs:
        name = need.resource.name
        gone = {**(case.content.get("not_collected") or {}), name: f"forbidden: {name}"}
        cluster = {key: value for key, value in (case.content.get("cluster") or {}).items() if key != name}
        less = run_case(check, {**case.content, "cluster": cluster, "not_collected": gone})
        if whole.status in (Status.FAIL, Status.UNKNOWN, Status.WARN):
            assert less.status not in (Status.PASS, Status.SKIPPED), f"without {name}: {less.status} {less.reason}"
        if not need.optional and whole.status is Status.PASS:
            assert less.status is not Status.PASS, f"without {name} it still passes"


def test_every_case_belongs_to_a_check() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_dir()} <= set(CHECKS)


def test_all_checks_are_ours() -> None:
    assert {check.origin for check in CHECKS.values()} == {OURS}
