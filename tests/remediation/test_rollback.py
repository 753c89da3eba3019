"""The way back: what is put back, what needs no putting back, and what somebody else has changed since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import RemediationError, UsageError
from preflight.model import SourceInfo
from preflight.remediation.lease import Mark
from preflight.remediation.plan import Plan
from preflight.remediation.rollback import rollback_plan
from preflight.remediation.saved import read_journal
from tests.kube import Review
from tests.kube.objects import release
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, status_of, stuck


def way_back(here: World, *, accept: bool = False) -> Plan:
    writer = here.writer
    assert writer.api.date
    return rollback_plan(
        read_journal(here.backup / "journal.json", accept=accept),
        here.backup,
        lambda target: writer.get(target.api_version, target.kind, target.namespace, target.name),
        SourceInfo("live", writer.api.server, writer.api.date),
    )


def go_back(here: World, plan: Plan) -> Any:
    return here.apply(plan, backup_dir=here.folder / "back", command="rollback", recheck=None, settles=mark(here))


def mark(here: World) -> Mark:
    document = read_journal(here.backup / "journal.json", accept=True)
    return Mark(document["id"], "journal.json", document["host"])


def settled_addon(world: MakeWorld) -> World:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    job = job_of(chart, created="2026-11-23T18:42:30Z")
    here = world(owner, chart, *job, release("addons", "one", 1), controllers=False)
    assert here.apply(here.plan(force=True)).word == "converged"
    return here


def test_a_deleted_job_needs_no_putting_back(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan())
    plan = way_back(here)
    assert not plan.steps
    assert not plan.refusals
    job = here.job("one")
    assert job is not None
    assert "nothing to put back" in plan.cleared[0].reason
    assert job["metadata"]["uid"] in plan.cleared[0].reason


def test_a_settled_status_is_put_back_as_it_was(world: MakeWorld) -> None:
    here = settled_addon(world)
    original = json.loads((here.backup / "01_addon_addons_one.json").read_text())["status"]
    ended = go_back(here, way_back(here))
    assert ended.word == "converged", ended.messages
    assert here.addon("one")["status"] == original
    assert not way_back(here).steps


def test_a_status_that_somebody_wrote_since_is_left_alone(world: MakeWorld) -> None:
    here = settled_addon(world)
    here.server.put({**here.addon("one"), "status": {"status": "AddonUpdating"}})
    plan = way_back(here)
    assert not plan.steps
    (refusal,) = plan.refusals
    assert refusal.resource.name == "one"
    assert "somebody changed it since" in refusal.reason
    assert "resourceVersion" in refusal.reason


def test_a_status_that_somebody_writes_after_the_plan_back_is_a_conflict(world: MakeWorld) -> None:
    here = settled_addon(world)
    plan = way_back(here)
    here.server.put({**here.addon("one"), "status": {"status": "AddonUpdating"}})
    ended = go_back(here, plan)
    assert ended.exit_code == 5
    assert "changed since the plan" in ended.messages[0]
    assert status_of(here.addon("one")) == "AddonUpdating"


def test_a_rebuilt_addon_is_enabled_again(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan(strategy="rebuild", force=True))
    plan = way_back(here)
    assert [(step.action, step.target.kind, step.body) for step in plan.steps] == [
        ("update", "Addon", {"spec": {"enabled": True}})
    ]
    assert go_back(here, plan).word == "converged"
    here.server.tick(6)
    assert here.addon("one")["spec"] == addon("one", "")["spec"]
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def test_an_addon_whose_creation_failed_is_created_from_the_saved_one(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan(strategy="rebuild", force=True)
    refuse = [True]
    here.server.admission.append(
        lambda review: "no" if refuse[0] and review.kind.plural == "addons" and review.operation == "CREATE" else None
    )
    assert here.apply(plan).exit_code == 5
    refuse[0] = False
    plan = way_back(here)
    assert [step.action for step in plan.steps] == ["create"]
    assert go_back(here, plan).word == "converged"
    assert here.addon("one")["spec"] == addon("one", "")["spec"]


def test_a_toggle_that_went_through_left_the_spec_as_it_was(world: MakeWorld) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, status={"failed": 1}))
    assert here.apply(here.plan()).word == "converged"
    plan = way_back(here)
    assert not plan.steps
    assert "what it was before" in plan.cleared[0].reason


def test_a_toggle_that_stopped_half_way_is_enabled_again(world: MakeWorld) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, status={"failed": 1}))
    plan = here.plan()

    def refuse_to_enable(review: Review) -> str | None:
        was, becomes = ((obj or {}).get("spec", {}).get("enabled") for obj in (review.old, review.object))
        return "no" if review.operation == "UPDATE" and becomes and not was else None

    here.server.admission.append(refuse_to_enable)
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert here.addon("one")["spec"]["enabled"] is False
    here.server.admission.pop()
    plan = way_back(here)
    assert [step.body for step in plan.steps] == [{"spec": {"enabled": True}}]
    assert go_back(here, plan).word == "converged"


def test_a_spec_that_somebody_changed_since_is_left_alone(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan(strategy="rebuild", force=True))
    one = here.addon("one")
    one["spec"]["version"] = "2.0.0"
    one["metadata"]["generation"] += 1
    here.server.put(one)
    (refusal,) = way_back(here).refusals
    assert "generation" in refusal.reason


def test_leftovers_are_put_back_newest_first_except_jobs_and_data(world: MakeWorld) -> None:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    chart["metadata"].pop("finalizers")
    here = world(owner, chart, *job_of(chart), release("addons", "one", 1), controllers=False)
    assert here.apply(here.plan(force=True)).word == "converged"
    plan = way_back(here)
    assert [(step.action, step.target.kind) for step in plan.steps] == [("create", "Secret"), ("create", "HelmChart")]
    assert [refusal.resource.kind for refusal in plan.cleared] == ["Job"]
    assert go_back(here, plan).word == "converged"
    secret = here.server.object("secrets", "", "addons", "sh.helm.release.v1.one.v1")
    assert secret is not None
    assert secret["data"] == release("addons", "one", 1)["data"]


def test_an_object_made_again_by_somebody_else_is_left_alone(world: MakeWorld) -> None:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    chart["metadata"].pop("finalizers")
    here = world(owner, chart, controllers=False)
    here.apply(here.plan(force=True))
    here.server.put({**chart, "metadata": {**chart["metadata"], "uid": "new"}, "spec": {"chart": "another"}})
    (refusal,) = way_back(here).refusals
    assert "made by somebody else" in refusal.reason


def edit(here: World, **changes: Any) -> None:
    """Change the first step of the journal, as somebody might who means harm, and leave its seal."""
    path = here.backup / "journal.json"
    document = json.loads(path.read_text())
    document["steps"][0].update(changes)
    path.write_text(json.dumps(document))


def test_a_write_that_came_through_unanswered_is_put_back(world: MakeWorld) -> None:
    here = settled_addon(world)
    original = json.loads((here.backup / "01_addon_addons_one.json").read_text())["status"]
    edit(here, state="started", after=None, settled=None)
    plan = way_back(here, accept=True)
    assert go_back(here, plan).word == "converged"
    assert here.addon("one")["status"] == original


def test_a_write_that_never_came_through_needs_no_putting_back(world: MakeWorld) -> None:
    here = settled_addon(world)
    before = here.addon("one")["metadata"]
    state = {key: before.get(key) for key in ("uid", "resourceVersion", "generation")}
    change = {"status": {"status": "AddonDisabled", "conditions": []}}
    edit(here, state="started", after=None, settled=None, before=state, change=change)
    plan = way_back(here, accept=True)
    assert not plan.steps
    assert "never came through" in plan.cleared[0].reason


def test_a_write_the_journal_knows_no_end_of_is_left_to_the_user(world: MakeWorld) -> None:
    here = settled_addon(world)
    edit(here, state="started", after=None, settled=None)
    here.server.put({**here.addon("one"), "status": {"status": "AddonUpdating"}})
    (refusal,) = way_back(here, accept=True).refusals
    assert "look at it yourself" in refusal.reason
    assert status_of(here.addon("one")) == "AddonUpdating"


def test_an_addon_that_was_deleted_on_purpose_since_is_not_created_again(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan(strategy="rebuild", force=True))
    here.server.remove("addons", "harvesterhci.io")
    plan = way_back(here)
    assert not plan.steps
    assert "somebody deleted it" in plan.refusals[0].reason


def test_a_foreign_chart_is_back_before_the_addon_is_enabled(world: MakeWorld) -> None:
    owner = addon("one", "helm-chart-foreign", status="", InProgress="False")
    chart = chart_of(owner, foreign=True)
    here = world(owner, chart, *job_of(chart))
    assert here.apply(here.plan(force=True)).word == "converged"
    plan = way_back(here)
    assert [(step.action, step.target.kind) for step in plan.steps] == [("create", "HelmChart"), ("update", "Addon")]
    ended = go_back(here, plan)
    assert ended.word == "converged", ended.messages
    assert here.addon("one")["spec"]["enabled"] is True
    found = here.server.object("helmcharts", "helm.cattle.io", "addons", "one")
    assert found is not None
    assert not found["metadata"].get("ownerReferences")


def test_rolling_back_twice_is_one_rollback(world: MakeWorld) -> None:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    chart["metadata"].pop("finalizers")
    here = world(owner, chart, *job_of(chart), release("addons", "one", 1), controllers=False)
    here.apply(here.plan(force=True))
    assert go_back(here, way_back(here)).word == "converged"
    again = way_back(here)
    assert not again.steps
    assert not again.refusals


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": "PreflightReport"}'])
def test_what_is_no_journal_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "journal.json").write_text(text)
    with pytest.raises(UsageError, match="no journal"):
        read_journal(tmp_path / "journal.json")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "sub/file.json"])
def test_a_journal_cannot_name_files_outside_its_folder(world: MakeWorld, name: str) -> None:
    here = settled_addon(world)
    edit(here, backup=name)
    with pytest.raises(RemediationError, match="outside its folder"):
        way_back(here, accept=True)
