"""When a goal counts as reached, when waiting is hopeless, and what is said meanwhile. No server, no time."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.cluster.errors import ApiError
from preflight.remediation.bodies import change_for, fresh, merged
from preflight.remediation.plan import Action, Goal, Step, Target, Until
from preflight.remediation.wait import MAX_FAILED_READS, Seen, look, wait_for
from tests.remediation.world import FakeTime, addon

ADDON = Target("harvesterhci.io/v1beta1", "Addon", "addons", "one", "addon-one")
JOB = Target("batch/v1", "Job", "addons", "helm-install-one", "job-one")
RECREATED = Goal(Until.JOB_RECREATED, "", (ADDON, JOB), ("AddonDeploySuccessful",))
SETTLED = Goal(Until.ADDON_STATUS, "", (ADDON,), ("AddonDeploySuccessful",))


class Objects:
    """Answers from a dict, or with an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def get(self, _version: str, kind: str, _namespace: str, _name: str) -> Any:
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer.get(kind)


def seen(goal: Goal, **objects: Any) -> Seen:
    return look(goal, Objects(objects))  # type: ignore[arg-type]


def deployed(**conditions: str) -> dict[str, Any]:
    return addon("one", "", status="AddonDeploySuccessful", **{"InProgress": "False", **conditions})


def job(uid: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "status": {"active": 1}}


def test_a_settled_addon_beside_the_old_job_is_no_success() -> None:
    assert "still the old one" in seen(RECREATED, Addon=deployed(), Job=job("job-one")).words
    assert not seen(RECREATED, Addon=deployed(), Job=job("job-one")).reached
    assert seen(RECREATED, Addon=deployed(), Job=job("new")).reached
    assert not seen(RECREATED, Addon=deployed()).reached


def test_an_addon_with_an_operation_in_progress_has_not_settled() -> None:
    assert seen(SETTLED, Addon=deployed()).reached
    assert not seen(SETTLED, Addon=deployed(InProgress="True")).reached
    assert not seen(SETTLED, Addon=addon("one", "")).reached


def test_waiting_for_what_is_gone_or_failed_or_malformed_is_hopeless() -> None:
    failed = addon("one", "", InProgress="False", OperationFailed="True")
    for objects, words in (
        ({}, "gone"),
        ({"Addon": failed}, "about OperationFailed"),
        ({"Addon": {"status": {"status": 7}}}, "status.status is 7"),
    ):
        found = seen(SETTLED, **objects)
        assert found.hopeless
        assert not found.reached
        assert words in found.words


def test_gone_means_this_very_object() -> None:
    goal = Goal(Until.GONE, "", (JOB,))
    held = {"metadata": {"uid": "job-one", "finalizers": ["foregroundDeletion"]}}
    assert "held by foregroundDeletion" in seen(goal, Job=held).words
    assert seen(goal, Job=job("new")).reached
    assert seen(goal).reached


def waited(*answers: Any, timeout: float = 60.0) -> tuple[Seen, FakeTime, list[str]]:
    time, told = FakeTime(), []
    found = wait_for(
        SETTLED,
        Objects(*answers),  # type: ignore[arg-type]
        time.clock,
        timeout=timeout,
        progress=lambda _text: None,
        told=told.append,
    )
    return found, time, told


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    away = ApiError("unreachable", "no connection")
    found, time, _ = waited(*[away] * (MAX_FAILED_READS - 1), {"Addon": deployed()})
    assert found.reached
    assert len(time.slept) == MAX_FAILED_READS - 1


def test_a_server_that_stays_away_is_gone() -> None:
    found, time, _ = waited(ApiError("unreachable", "no connection"), timeout=1e9)
    assert (found.reached, found.hopeless, found.unreachable) == (False, True, True)
    assert len(time.slept) == MAX_FAILED_READS - 1


def test_the_time_is_up_at_the_timeout_and_each_state_is_told_once() -> None:
    moving = {"Addon": addon("one", "")}
    found, time, told = waited(moving, timeout=31.0)
    assert not found.reached
    assert sum(time.slept) == pytest.approx(31.0, abs=0.2)
    assert told == ["waiting: Addon addons/one is AddonEnabling"]


def test_conditions_that_the_plan_never_saw_are_kept() -> None:
    step = Step(
        action=Action.UPDATE_STATUS,
        target=ADDON,
        check="",
        cause="",
        finding=ADDON.ref,
        strategy="",
        reason="",
        risk="",
        undo="",
        body={"status": {"conditions": [{"type": "InProgress", "status": "False"}]}},
    )
    current = {"status": {"conditions": [{"type": "InProgress", "status": "True"}, {"type": "New", "status": "True"}]}}
    assert change_for(step, current)["status"]["conditions"] == [
        {"type": "New", "status": "True"},
        {"type": "InProgress", "status": "False"},
    ]
    assert step.body == {"status": {"conditions": [{"type": "InProgress", "status": "False"}]}}


def test_a_fresh_object_has_no_life_and_no_status_and_everything_else() -> None:
    before = addon("one", "cause")
    before["metadata"].update(resourceVersion="7", labels={"a": "b"}, ownerReferences=[{}], finalizers=["x"])
    made = fresh(before, {"spec": {"enabled": False}})
    assert made["metadata"] == {
        "name": "one",
        "namespace": "addons",
        "labels": {"a": "b"},
        "annotations": {"test/cause": "cause"},
    }
    assert made["spec"] == {**before["spec"], "enabled": False}
    assert "status" not in made
    assert before["spec"]["enabled"] is True


def test_merging_removes_what_is_null_and_replaces_lists() -> None:
    assert merged({"a": 1, "b": {"c": 2, "d": 3}, "l": [1]}, {"a": None, "b": {"c": 4}, "l": [2]}) == {
        "b": {"c": 4, "d": 3},
        "l": [2],
    }
