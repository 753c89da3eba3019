"""What must hold for every input of the checks about Addons, clocks, paths and upgrades, tried on bent cases."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from preflight.check import Check
from preflight.inventory import Collected, Inventory
from preflight.model import CheckResult, Status, UpgradePair
from preflight.registry import check_options, find_plugins, load_checks
from preflight.report import build_report, report_dict
from preflight.runner import run_checks
from preflight.values.versions import parse_version
from tests.cases import Case, all_cases, inventory_for, run_case

SCHEMA = json.loads((files("preflight_schemas") / "report.schema.json").read_text(encoding="utf-8"))
IDS = (
    "addon-stuck",
    "addon-leftovers",
    "clock-skew",
    "upgrade-in-progress",
    "upgrade-path",
    "upgrade-plan-in-progress",
)
CHECKS = {check.id: check for check in load_checks(find_plugins(only_ours=True)) if check.id in IDS}
CASES = {id: [case for case in all_cases() if case.check_id == id] for id in CHECKS}
TIME = "2026-11-23T18:31:00Z"
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["null", "", "=", "9" * 5000, TIME, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "a: [b"]
    ),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.none()))),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
)
TRIES = settings(max_examples=250)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every field below `value`."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in below:
        yield (*at, key)
        yield from places(item, (*at, key))


def put(value: Any, way: tuple[Any, ...], item: Any) -> None:
    for key in way[:-1]:
        value = value[key]
    value[way[-1]] = item


@st.composite
def bent(draw: Callable[[Any], Any], check_id: str) -> tuple[Case, dict[str, Any], str]:
    """Draw a case with one to three fields of one object replaced by something else; also the need it is of."""
    case = draw(
        st.sampled_from([case for case in CASES[check_id] if any((case.content.get("cluster") or {}).values())])
    )
    content = copy.deepcopy(dict(case.content))
    needs = sorted(name for name, objects in content["cluster"].items() if objects)
    need = draw(st.sampled_from(needs))
    obj = draw(st.sampled_from(content["cluster"][need]))
    for _ in range(draw(st.integers(1, 3))):
        ways = list(places(obj))
        if ways:
            put(obj, draw(st.sampled_from(ways)), draw(JUNK))
    return case, content, need


def whole(check: Check, result: CheckResult) -> None:
    """Hold a result to what every result owes its reader."""
    assert "crashed" not in result.reason
    for finding in result.findings:
        assert finding.cause in check.causes
        assert set(finding.enforced_by) <= set(check.enforced_by)
        assert finding.severity is not None
        commands = finding.hint.split("\n")[1:]
        assert all(command.isprintable() for command in commands), commands


@pytest.mark.parametrize("check_id", CHECKS)
def test_no_content_of_any_field_ends_a_check(check_id: str) -> None:
    check = CHECKS[check_id]

    @TRIES
    @given(bent(check_id))
    def holds(drawn: tuple[Case, dict[str, Any], str]) -> None:
        _, content, _ = drawn
        whole(check, run_case(check, content))

    holds()


@pytest.mark.parametrize(
    ("check_id", "own"),
    [
        ("addon-stuck", "addons.harvesterhci.io"),
        ("upgrade-in-progress", "upgrades.harvesterhci.io"),
        ("upgrade-plan-in-progress", "upgradeplans.management.harvesterhci.io"),
    ],
)
def test_what_is_found_stays_a_finding_whatever_the_other_objects_say(check_id: str, own: str) -> None:
    check = CHECKS[check_id]

    @TRIES
    @given(bent(check_id))
    def holds(drawn: tuple[Case, dict[str, Any], str]) -> None:
        case, content, need = drawn
        if need != own and case.expect["status"] == "fail":
            result = run_case(check, content)
            assert result.status is Status.FAIL
            assert len(result.findings) == len(case.expect["findings"])

    holds()


@pytest.mark.parametrize("check_id", CHECKS)
def test_leaving_needs_out_never_makes_a_result_better(check_id: str) -> None:
    check = CHECKS[check_id]
    names = sorted({need.resource.name for need in check.needs})

    @TRIES
    @given(st.sampled_from(CASES[check_id]), st.sets(st.sampled_from(names), min_size=1))
    def holds(case: Case, gone: set[str]) -> None:
        cluster = {name: objects for name, objects in (case.content.get("cluster") or {}).items() if name not in gone}
        missing = {**(case.content.get("not_collected") or {}), **{name: f"forbidden: {name}" for name in gone}}
        less = run_case(check, {**case.content, "cluster": cluster, "not_collected": missing})
        whole(check, less)
        if case.expect["status"] in ("fail", "unknown", "warn"):
            assert less.status not in (Status.PASS, Status.SKIPPED), (case.path, gone)
        if case.expect["status"] == "fail":
            assert less.status in (Status.FAIL, Status.UNKNOWN), (case.path, gone)

    holds()


def run_in_order(check: Check, case: Case, order: Callable[[list[Any]], list[Any]]) -> CheckResult:
    """Run a case on objects in the order given, as a source that does not sort them would."""
    plain = inventory_for(check, case.content)
    entries = {
        name: Collected(tuple(order(list(entry.objects))), entry.missing, entry.gaps)
        for name, entry in plain.entries.items()
    }
    upgrade = case.content.get("upgrade") or {}
    pair = UpgradePair(*(parse_version(upgrade[side]) if upgrade.get(side) else None for side in ("from", "to")))
    options = check_options([check], {check.id: case.content.get("options") or {}})
    (result,) = run_checks(
        [check], Inventory(plain.source, entries), pair, left_out={}, options=options, clock=lambda: 0.0
    )
    return result


@pytest.mark.parametrize("check_id", CHECKS)
def test_the_order_of_objects_never_matters(check_id: str) -> None:
    check = CHECKS[check_id]

    @TRIES
    @given(st.sampled_from(CASES[check_id]), st.randoms(use_true_random=False))
    def holds(case: Case, random: Any) -> None:
        given_order = run_in_order(check, case, lambda objects: objects)
        assert run_in_order(check, case, lambda objects: random.sample(objects, len(objects))) == given_order

    holds()


OPERANDS = ("helmcharts.helm.cattle.io", "jobs.batch", "pods", "secrets/helm-releases", "leases.coordination.k8s.io")


def test_leaving_objects_out_never_settles_an_addon() -> None:
    check = CHECKS["addon-stuck"]

    @TRIES
    @given(st.sampled_from(CASES["addon-stuck"]), st.randoms(use_true_random=False))
    def holds(case: Case, random: Any) -> None:
        cluster = {
            name: [obj for obj in objects if name not in OPERANDS or random.random() < 0.5]
            for name, objects in (case.content.get("cluster") or {}).items()
        }
        less = run_case(check, {**case.content, "cluster": cluster})
        whole(check, less)
        assert len(less.findings) == len(case.expect.get("findings") or ()), case.path

    holds()


@pytest.mark.parametrize("check_id", CHECKS)
def test_every_report_keeps_to_its_schema(check_id: str) -> None:
    check, schema = CHECKS[check_id], Draft202012Validator(SCHEMA)

    @TRIES
    @given(bent(check_id))
    def holds(drawn: tuple[Case, dict[str, Any], str]) -> None:
        _, content, _ = drawn
        source = inventory_for(check, content).source
        report = report_dict(build_report(source, UpgradePair(None, None), [run_case(check, content)], "fail"))
        assert list(schema.iter_errors(json.loads(json.dumps(report, allow_nan=False)))) == []

    holds()
