"""Reading less never turns a result into a better one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.api import Code, Reason
from preflight.inventory import Collected, Inventory
from preflight.model import CheckResult, Status, UpgradePair, Verdict
from preflight.registry import check_options, find_plugins, load_checks
from preflight.report import build_report
from preflight.resources import RESOURCES
from preflight.runner import run_checks
from preflight.sources.saved.demo import names
from preflight.values.versions import parse_version
from tests.cases import shipped_knowledge
from tests.sources.reading import read

CHECKS = load_checks(find_plugins(only_ours=True))
NEEDS = [need for check in CHECKS for need in check.needs]
PAIRS = tuple(
    UpgradePair(parse_version(running), parse_version(target))
    for running, target in (
        ("v1.4.0", "v1.4.1"),
        ("v1.5.1", "v1.6.0"),
        ("v1.6.1", "v1.7.0"),
        ("v1.7.0", "v1.8.0"),
        ("v1.8.1", "v1.9.0"),
    )
)
SCENARIOS = {name: read(f"demo:{name}", NEEDS) for name in names()}
BETTER = {
    Status.PASS: frozenset({Status.SKIPPED}),
    Status.WARN: frozenset({Status.PASS, Status.SKIPPED}),
    Status.FAIL: frozenset({Status.PASS, Status.SKIPPED, Status.WARN}),
    Status.UNKNOWN: frozenset({Status.PASS, Status.SKIPPED, Status.WARN}),
    Status.SKIPPED: frozenset(),
}
"""What a result may not become when less was read."""
NOT_SERVED_IS_CERTAIN = {"upgrade-plan-in-progress": "upgradeplans.management.harvesterhci.io"}
"""A check that has nothing to say where this kind is not served: there can be no such object."""


def judge(inventory: Inventory, pair: UpgradePair = PAIRS[0]) -> tuple[Verdict, dict[str, CheckResult]]:
    options = check_options(CHECKS, {})
    results = run_checks(CHECKS, inventory, pair, left_out={}, options=options, knowledge=shipped_knowledge())
    report = build_report(inventory.source, pair, results, "fail")
    return report.verdict, {result.id: result for result in results}


@cache
def whole(name: str, pair: UpgradePair = PAIRS[0]) -> tuple[Verdict, dict[str, CheckResult]]:
    return judge(SCENARIOS[name], pair)


def without(inventory: Inventory, dropped: set[str], reason: str) -> Inventory:
    entries = {
        name: Collected(missing=Reason(Code(reason), name)) if name in dropped else entry
        for name, entry in inventory.entries.items()
    }
    return replace(inventory, entries=entries)


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(SCENARIOS)),
    st.sampled_from(PAIRS),
    st.sets(st.sampled_from(sorted(RESOURCES)), min_size=1, max_size=8),
    st.sampled_from(["not-in-source", "forbidden", "not-served", "timed-out", "error"]),
)
def test_a_kind_that_was_not_read_makes_nothing_better(name, pair, dropped, reason):
    verdict, before = whole(name, pair)
    now, after = judge(without(SCENARIOS[name], dropped, reason), pair)
    assert now is not Verdict.READY or verdict is Verdict.READY
    for check, result in after.items():
        if reason == "not-served" and NOT_SERVED_IS_CERTAIN.get(check) in dropped:
            continue
        assert result.status not in BETTER[before[check].status], (check, before[check], result)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.from_version}-{pair.to_version}")
@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_what_a_check_must_have_read_makes_it_unknown(name, pair):
    _, after = judge(without(SCENARIOS["healthy"], {name}, "forbidden"), pair)
    for check in CHECKS:
        needed = any(need.resource.name == name and not need.optional for need in check.needs)
        if needed and whole("healthy", pair)[1][check.id].status is Status.PASS:
            assert after[check.id].status is Status.UNKNOWN, check.id


def test_the_scenarios_hold_something_to_lose():
    assert whole("healthy")[0] is Verdict.READY
    assert whole("stuck-addon")[0] is Verdict.BLOCKED
