"""The repairs that need no webhook, against the test server and, where its binaries are at hand, a real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.cluster.errors import ApiError
from preflight.model import SourceInfo, UpgradePair
from preflight.remediation.answers import explain, is_denial
from preflight.remediation.rollback import rollback_plan
from preflight.remediation.saved import read_journal
from preflight.sources.live.dry_run import dry_run_upgrade
from preflight.values.versions import parse_version
from tests.kube.admission import refuse_unsettled_addons
from tests.kube.objects import release
from tests.remediation.world import MakeWorld, addon, chart_of, conditions_of, job_of, status_of, stuck

STALE = {"active": 1, "startTime": "2026-11-23T18:42:30Z"}


def test_two_stuck_addons_converge(any_world: MakeWorld) -> None:
    here = any_world(
        *stuck("one", "job-accounting-stale", status=STALE), *stuck("two", "job-accounting-stale", status=STALE)
    )
    old = {name: (here.job(name) or {})["metadata"]["uid"] for name in ("one", "two")}
    ended = here.apply(here.plan())
    assert (ended.word, ended.messages) == ("converged", ())
    for name, uid in old.items():
        assert (here.job(name) or {})["metadata"]["uid"] != uid
        assert status_of(here.addon(name)) == "AddonDeploySuccessful"
    assert here.server.objects("leases", "coordination.k8s.io", "harvester-system") == []


def test_toggle(any_world: MakeWorld) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = any_world(owner, chart, *job_of(chart, status=STALE))
    ended = here.apply(here.plan())
    assert ended.word == "converged", ended.messages
    assert here.addon("one")["spec"]["enabled"] is True


def test_rebuild(any_world: MakeWorld) -> None:
    here = any_world(*stuck("one", "job-accounting-stale", status=STALE))
    before = here.addon("one")
    ended = here.apply(here.plan(strategy="rebuild", force=True))
    assert ended.word == "converged", ended.messages
    after = here.addon("one")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"] == {**before["spec"], "enabled": False}
    assert here.server.object("helmcharts", "helm.cattle.io", "addons", "one") is None


def test_settle_status_and_back(any_world: MakeWorld) -> None:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = any_world(owner, chart, *job_of(chart, status=STALE), release("addons", "one", 1), controllers=False)
    before = here.addon("one")["status"]
    assert here.apply(here.plan(force=True)).word == "converged"
    assert conditions_of(here.addon("one"))["OperationFailed"] == "False"

    writer = here.writer
    assert writer.api.date
    plan = rollback_plan(
        read_journal(here.backup / "journal.json"),
        here.backup,
        lambda target: writer.get(target.api_version, target.kind, target.namespace, target.name),
        SourceInfo("live", writer.api.server, writer.api.date),
    )
    ended = here.apply(plan, backup_dir=here.folder / "back", command="rollback", recheck=None)
    assert ended.word == "converged", ended.messages
    assert here.addon("one")["status"] == before


def test_a_change_since_the_plan_is_a_conflict(any_world: MakeWorld) -> None:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = any_world(owner, chart, *job_of(chart, status=STALE), release("addons", "one", 1), controllers=False)
    plan = here.plan(force=True)
    current, writer = here.addon("one"), here.writer
    writer.patch(current, {"metadata": {"labels": {"somebody": "was-here"}}})
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "changed since the plan" in ended.messages[0]


def settled_but_marked() -> list[dict[str, Any]]:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    return [owner, chart, *job_of(chart)]


def refusal(write: Callable[[], object]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        write()
    return caught.value


def test_the_server_holds_a_write_to_its_preconditions(any_world: MakeWorld) -> None:
    """What the saved state is compared with is one thing; that the server refuses a stale write is the other."""
    here = any_world(*settled_but_marked(), controllers=False)
    writer = here.writer
    job, one = here.job("one"), here.addon("one")
    assert job is not None

    def stale(obj: dict[str, Any], key: str) -> dict[str, Any]:
        return {**obj, "metadata": {**obj["metadata"], key: "1"}}

    status = {"status": {"status": "AddonDisabled"}}
    label = {"metadata": {"labels": {"a": "b"}}}
    assert refusal(lambda: writer.delete(stale(job, "uid"))).status == 409
    assert refusal(lambda: writer.delete(stale(job, "resourceVersion"))).status == 409
    assert refusal(lambda: writer.patch(stale(one, "resourceVersion"), status, status=True)).status == 409
    assert refusal(lambda: writer.patch(stale(one, "resourceVersion"), label)).status == 409
    assert "uid" in (another := refusal(lambda: writer.patch(stale(one, "uid"), label))).server_message
    assert another.status in (409, 422)  # a merge patch with another uid is invalid rather than a conflict
    assert here.job("one") == job
    assert here.addon("one") == one


def test_the_status_of_a_custom_resource_is_held_to_its_resource_version_alone(any_world: MakeWorld) -> None:
    """Its uid is not looked at there; a resourceVersion is never given twice, so a new life of it is told by that."""
    here = any_world(*stuck("one"), controllers=False)
    one = here.addon("one")
    other = {**one, "metadata": {**one["metadata"], "uid": "1"}}
    here.writer.patch(other, {"status": {"status": "AddonDisabled"}}, status=True, dry_run=True)
    assert here.addon("one") == one


def test_the_webhook_refuses_in_its_own_words(any_world: MakeWorld) -> None:
    here = any_world(*stuck("one"), controllers=False, webhook=True)
    one = here.addon("one")
    for dry_run in (True, False):
        error = refusal(lambda: here.writer.patch(one, {"spec": {"enabled": False}}, dry_run=dry_run))  # noqa: B023
        assert is_denial(error)
        assert error.status == 400
        assert "existing operation is in progress on addon one" in explain(error)
    assert here.addon("one") == one
    here.writer.patch(one, {"status": {"status": "AddonDisabled"}}, status=True)
    assert status_of(here.addon("one")) == "AddonDisabled"


def test_the_server_is_asked_whether_it_would_upgrade(any_world: MakeWorld) -> None:
    here = any_world(*stuck("one"), controllers=False, webhook=True)
    here.server.gate_upgrades(refuse_unsettled_addons)
    pair = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))
    verdict = dry_run_upgrade(here.writer.api, pair).objects[0]
    assert (verdict["accepted"], verdict["code"]) == (False, 400)
    assert "addon addons/one status is AddonEnabling" in verdict["message"]
    here.server.gate_upgrades(None)
    assert dry_run_upgrade(here.writer.api, pair).objects[0]["accepted"] is True
    assert here.server.objects("upgrades", "harvesterhci.io") == []


def test_a_dry_run_changes_nothing(any_world: MakeWorld) -> None:
    here = any_world(*stuck("one"), controllers=False)
    job, one = here.job("one"), here.addon("one")
    assert job is not None
    here.writer.delete(job, dry_run=True)
    here.writer.patch(one, {"status": {"status": "AddonDisabled"}}, status=True, dry_run=True)
    assert here.job("one") == job
    assert json.dumps(here.addon("one"), sort_keys=True) == json.dumps(one, sort_keys=True)
