"""What a check is given: no more than it declared, no less than it asked for, and nothing it could change for others."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from preflight.api import FAIL, Code, Finding, Outcome, View, check, need, ref_of, text_at, value_at
from preflight.check import OURS, Check, Need
from preflight.inventory import Collected, Inventory, JsonObject
from preflight.model import CheckResult, SourceInfo, Status, UpgradePair
from preflight.runner import run_checks
from preflight.sources.saved.snapshot import dump, read_snapshot

ADDONS, PODS = "addons.harvesterhci.io", "pods"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
VALUES = "grafana:\n  persistence: {type: hostPath}\n  adminPassword: hush\nother: 1\n"
ADDON = {
    "apiVersion": "harvesterhci.io/v1beta1",
    "kind": "Addon",
    "metadata": {"name": "rancher-monitoring", "namespace": "cattle-monitoring-system"},
    "spec": {"valuesContent": VALUES, "enabled": True},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "hush"}]}]},
}


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Check:
    """The example plugin's check of a Helm value, as the registry would give it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "example_plugin" / "src"))
    for name in [name for name in sys.modules if name.startswith("storage_team_checks")]:
        monkeypatch.delitem(sys.modules, name)
    from storage_team_checks.grafana_disk import storage_team_grafana_disk  # type: ignore[import-not-found]

    found: Check = replace(storage_team_grafana_disk, origin="storage-team-checks")
    return found


def made(*needs: Need, judge: Any = lambda view: (), origin: str = "theirs", id: str = "t") -> Check:
    @check(id=id, title="t", category="theirs", needs=needs, docs="", why="", how="", fix="", causes={"c": "c"})
    def run(view: View) -> Iterator[Outcome]:
        yield from judge(view)

    return replace(run, origin=origin)


def live(**entries: tuple[JsonObject, ...]) -> Inventory:
    named = {name.replace("__", "."): Collected(objects) for name, objects in entries.items()}
    return Inventory(SourceInfo("live", "here", NOW), named)


def saved(inventory: Inventory, taken_for: Sequence[Need], read_for: Sequence[Need]) -> Inventory:
    found = read_snapshot(read_for, dump(inventory, taken_for).encode(), "s.json", None)
    assert found is not None
    return found


def run(inventory: Inventory, *checks: Check) -> tuple[CheckResult, ...]:
    return run_checks(checks, inventory, UpgradePair(None, None), left_out={}, options={})


CLUSTER = live(addons__harvesterhci__io=(ADDON,), pods=(POD,))


def test_a_plugin_comes_to_the_same_on_a_snapshot_that_was_taken_with_it(plugin: Check) -> None:
    text = dump(CLUSTER, plugin.needs)
    assert "hush" not in text
    direct, through = run(CLUSTER, plugin)[0], run(saved(CLUSTER, plugin.needs, plugin.needs), plugin)[0]
    assert direct.status is through.status is Status.FAIL
    assert direct.findings == through.findings


def test_values_that_a_snapshot_does_not_hold_are_unknown_and_for_that_check_only(plugin: Check) -> None:
    other = made(need(ADDONS, "spec.valuesContent", values=("other",)), id="other")
    inventory = saved(CLUSTER, other.needs, (*plugin.needs, *other.needs))
    lacking, well = run(inventory, plugin, other)
    assert (lacking.status, [reason.code for reason in lacking.reasons]) == (Status.UNKNOWN, [Code.NOT_IN_SOURCE])
    assert "grafana.persistence.type in spec.valuesContent" in lacking.reason
    assert well.status is Status.PASS


@pytest.mark.parametrize("fields", [("spec.valuesContent",), ("spec",)])
def test_a_text_that_is_wanted_whole_is_unknown_on_any_snapshot(fields: tuple[str, ...]) -> None:
    whole = made(need(ADDONS, *fields), judge=_finds_host_path)
    assert run(CLUSTER, whole)[0].status is Status.FAIL
    result = run(saved(CLUSTER, whole.needs, whole.needs), whole)[0]
    assert (result.status, result.reasons[0].code) == (Status.UNKNOWN, Code.NOT_IN_SOURCE)
    assert "need(values=" in result.reason


def _finds_host_path(view: View) -> Iterator[Outcome]:
    for addon in view.objects(ADDONS):
        if "hostPath" in text_at(addon, "spec.valuesContent"):
            yield Finding(severity=FAIL, cause="c", message="m", hint="h", resource=ref_of(addon))


def test_fields_that_a_snapshot_does_not_hold_are_unknown_and_for_that_check_only() -> None:
    narrow, wide = made(need(PODS, "spec.nodeName")), made(need(PODS, "status.phase"), id="wide")
    inventory = saved(CLUSTER, narrow.needs, (*narrow.needs, *wide.needs))
    well, lacking = run(inventory, narrow, wide)
    assert (well.status, lacking.status) == (Status.PASS, Status.UNKNOWN)
    assert "has no status.phase of pods" in lacking.reason


def test_what_was_removed_from_a_snapshot_is_unknown_to_a_plugin_that_declares_it() -> None:
    env, image = (
        made(need(PODS, "spec.containers", values=("--x",))),
        made(need(PODS, "spec.containers.image"), id="image"),
    )
    inventory = saved(CLUSTER, env.needs, (*env.needs, *image.needs))
    lacking, well = run(inventory, env, image)
    assert (lacking.status, well.status) == (Status.UNKNOWN, Status.PASS)
    assert "Pod/default/p: spec.containers.env.value was removed" in lacking.reason
    assert run(inventory, replace(env, origin=OURS))[0].status is Status.PASS


def _spoils(view: View) -> Iterator[Outcome]:
    for pod in view.objects(PODS):
        pod["metadata"]["name"] = pod["spec"]["containers"][0]["image"] = "spoilt"
        pod["spec"]["containers"].clear()
    view.inventory.get(PODS).objects[0].clear()
    yield from ()


def test_a_plugin_cannot_change_what_others_see() -> None:
    spoiler = made(need(PODS, "spec.containers"), judge=_spoils)
    inventory = live(pods=(POD,))
    before = repr(inventory)
    run(inventory, spoiler)
    assert repr(inventory) == before


def test_a_plugin_sees_what_it_declared_whatever_others_read() -> None:
    seen = []
    curious = made(need(PODS, "spec.nodeName"), judge=lambda view: seen.extend(view.objects(PODS)) or ())
    run(CLUSTER, curious)
    assert value_at(seen[0], "spec.containers") is None
    assert set(seen[0]) == {"apiVersion", "kind", "metadata", "spec"}


def test_our_own_checks_are_given_the_objects_themselves() -> None:
    seen = []
    ours = made(need(PODS), judge=lambda view: seen.extend(view.objects(PODS)) or (), origin=OURS)
    run(CLUSTER, ours)
    assert seen[0] is POD
