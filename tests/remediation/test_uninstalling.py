"""The Job that uninstalls a chart fails for good: seen at once, made again, and never enabled over.

What happens to such Addons was measured on the controllers of v1.4.0: OperationFailed is set and the status stays
AddonDisabling; an Addon that is enabled in that state is left by no branch of its controller.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.kube import Outcome
from tests.remediation.test_rollback import go_back, way_back
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, status_of

STALE = {"active": 1, "startTime": "2026-11-23T18:42:30Z"}


def failed_for_good(any_world: MakeWorld) -> World:
    """A toggle whose delete Job fails: the Addon stays AddonDisabling and disabled."""
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = any_world(owner, chart, *job_of(chart, status=STALE))
    here.server.controllers.outcomes["helm-delete-one"] = Outcome.FAIL
    return here


def test_a_toggle_ends_at_once_when_the_chart_cannot_be_uninstalled(any_world: MakeWorld) -> None:
    here = failed_for_good(any_world)
    ended = here.apply(here.plan(), timeout=10_000.0)
    assert ended.exit_code == 5
    assert "addon disable job helm-delete-one failed" in ended.messages[0]
    assert sum(here.time.slept) < 100
    assert status_of(here.addon("one")) == "AddonDisabling"


def test_rolling_that_back_does_not_enable_an_addon_that_is_being_disabled(any_world: MakeWorld) -> None:
    here = failed_for_good(any_world)
    here.apply(here.plan())
    plan = way_back(here)
    assert not plan.steps
    (refusal,) = plan.refusals
    assert "still being disabled" in refusal.reason
    assert "fix --resume" in refusal.reason


def left_by_a_user(here: World) -> None:
    """Let it be a user who disabled it, and the tests' own check see what the product's would."""
    here.server.remove("leases", "coordination.k8s.io")
    one = here.addon("one")
    here.writer.patch(one, {"metadata": {"annotations": cause("disabling-stalled")}})


def test_the_failed_delete_job_is_made_again_and_the_way_back_is_open(world: MakeWorld) -> None:
    here = failed_for_good(world)
    here.apply(here.plan())
    left_by_a_user(here)
    here.server.controllers.outcomes.clear()
    ended = here.apply(here.plan(strategy="recreate-job"), backup_dir=here.folder / "second")
    assert ended.word == "converged", ended.messages
    assert status_of(here.addon("one")) == "AddonDisabled"
    assert here.server.object("helmcharts", "helm.cattle.io", "addons", "one") is None
    ended = go_back(here, way_back(here))
    assert ended.word == "converged", ended.messages
    here.server.tick(6)
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def test_a_delete_job_that_fails_again_ends_the_waiting(world: MakeWorld) -> None:
    here = failed_for_good(world)
    here.apply(here.plan())
    left_by_a_user(here)
    ended = here.apply(here.plan(strategy="recreate-job"), backup_dir=here.folder / "second", timeout=10_000.0)
    assert ended.exit_code == 5
    assert "the new Job addons/helm-delete-one failed as well" in ended.messages[0]
    assert sum(here.time.slept) < 100


@pytest.mark.parametrize("chart_there", [True, False])
def test_an_addon_enabled_while_it_is_being_disabled_is_toggled(any_world: MakeWorld, chart_there: bool) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = any_world(owner, chart, *job_of(chart, status=STALE))
    here.server.controllers.outcomes["helm-delete-one"] = Outcome.FAIL
    here.apply(here.plan())
    here.server.remove("leases", "coordination.k8s.io")
    one = here.addon("one")
    here.writer.patch(one, {"spec": {"enabled": True}, "metadata": {"annotations": cause("enabled-while-disabling")}})
    here.server.controllers.outcomes.clear()
    if not chart_there:
        here.server.remove("helmcharts", "helm.cattle.io")
        here.server.remove("jobs", "batch")
    assert status_of(here.addon("one")) == "AddonDisabling"
    plan = here.plan()
    assert [step.target.kind for step in plan.steps] == ["Addon", *["Job"] * chart_there, "Addon"]
    ended = here.apply(plan, backup_dir=here.folder / "second")
    assert ended.word == "converged", ended.messages
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def cause(word: str) -> dict[str, Any]:
    return {"test/cause": word}
