"""Planning over objects of any shape: it refuses or plans, and never ends in a crash; text never commands a terminal."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from preflight.documents import load_schema
from preflight.remediation.build import Choice, build_plan
from preflight.remediation.render import plan_dict, plan_table
from preflight.remediation.strategies import STRATEGIES
from tests.kube.objects import release
from tests.remediation.test_refusals import examined, inventory
from tests.remediation.world import addon, chart_of, job_of, setting, stuck

JUNK = st.sampled_from([None, "", "text", "\x1b[2J", 0, -1, 1.5, True, [], [None], [1], ["a"], {}, {"a": None}, [{}]])


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in items for below in paths(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    found = copy.copy(value)
    found[path[0]] = replaced(value[path[0]], path[1:], junk)
    return found


def cluster(cause: str) -> list[dict[str, Any]]:
    owner = addon("one", cause, InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    upgrade = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {"name": "u", "namespace": "x", "labels": {"harvesterhci.io/upgradeState": "Failed"}},
    }
    return [setting(), owner, chart, *job_of(chart), release("addons", "one", 1), upgrade]


@settings(max_examples=300)
@given(data=st.data(), strategy=st.sampled_from(sorted(STRATEGIES)), junk=JUNK)
def test_no_object_however_malformed_ends_planning_in_a_crash(data: st.DataObject, strategy: str, junk: Any) -> None:
    cause = (STRATEGIES[strategy].causes or ("job-predates-operation",))[0]
    report, found = examined(*cluster(cause)[1:])
    entries = dict(found.entries)
    resource = data.draw(st.sampled_from(sorted(name for name, entry in entries.items() if entry.objects)))
    obj = entries[resource].objects[0]
    path = data.draw(st.sampled_from(paths(obj)[1:]))
    broken = replaced(obj, path, junk)
    entries[resource] = type(entries[resource])((broken, *entries[resource].objects[1:]))
    plan = build_plan(report, type(found)(found.source, entries), Choice(strategy=strategy, force=True))
    Draft202012Validator(load_schema("plan")).validate(json.loads(json.dumps(plan_dict(plan))))
    assert "\x1b" not in plan_table(plan, offline=False)
    for step in plan.steps:
        assert step.target.namespace == "addons"


def test_a_malformed_neighbour_does_not_keep_the_others_from_being_repaired() -> None:
    junk = [{"kind": "Job", "metadata": {"name": 7, "namespace": []}}, {"kind": "Pod", "metadata": {"namespace": 3}}]
    report, _ = examined(*stuck("one"))
    assert build_plan(report, inventory(setting(), *stuck("one"), *junk), Choice()).steps


@pytest.mark.parametrize("labels", [[], "x", {"harvesterhci.io/upgradeState": 3}])
def test_an_upgrade_that_cannot_be_read_counts_as_running(labels: Any) -> None:
    upgrade = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade", "metadata": {"name": "u", "labels": labels}}
    report, found = examined(*stuck("one"), upgrade)
    (refusal,) = build_plan(report, found, Choice()).refusals
    assert "Upgrade u has not ended" in refusal.reason
