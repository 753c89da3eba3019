"""The repairs that need no webhook, against the test server and, where its binaries are at hand, a real one."""

from __future__ import annotations

import json

from preflight.model import SourceInfo
from preflight.remediation.journal import read_journal
from preflight.remediation.rollback import rollback_plan
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


def test_the_server_holds_a_write_to_its_preconditions(any_world: MakeWorld) -> None:
    """What the saved state is compared with is one thing; that the server refuses a stale write is the other."""
    from preflight.sources.live_errors import ApiError

    here = any_world(*stuck("one"), controllers=False)
    writer = here.writer
    job, one = here.job("one"), here.addon("one")
    assert job is not None
    codes = []
    for key in ("uid", "resourceVersion"):
        stale = {**job, "metadata": {**job["metadata"], key: "1"}}
        try:
            writer.delete(stale)
        except ApiError as error:
            codes.append(error.status)
        stale = {**one, "metadata": {**one["metadata"], key: "1"}}
        try:
            writer.patch(stale, {"status": {"status": "AddonDisabled"}}, status=True)
        except ApiError as error:
            codes.append(error.status)
    assert codes == [409, 422, 409, 409]  # a merge patch with another uid is "invalid", not a conflict
    assert here.job("one") == job


def test_a_dry_run_changes_nothing(any_world: MakeWorld) -> None:
    here = any_world(*stuck("one"), controllers=False)
    job, one = here.job("one"), here.addon("one")
    assert job is not None
    here.writer.delete(job, dry_run=True)
    here.writer.patch(one, {"status": {"status": "AddonDisabled"}}, status=True, dry_run=True)
    assert here.job("one") == job
    assert json.dumps(here.addon("one"), sort_keys=True) == json.dumps(one, sort_keys=True)
