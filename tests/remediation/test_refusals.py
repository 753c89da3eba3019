"""What is not repaired, and the words it is refused with. No server: planning is a pure function."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from preflight.api import Code, Reason
from preflight.errors import UsageError
from preflight.flow import examine
from preflight.inventory import Collected, Inventory
from preflight.model import Remediation, Report, SourceInfo, Waived
from preflight.remediation.build import Choice, build_plan
from preflight.remediation.plan import Plan
from preflight.remediation.strategies import LEFT_TO_YOU
from preflight.settings import Settings
from preflight.values.times import parse_time
from tests.kube.objects import release
from tests.remediation.world import CHECKS, addon, chart_of, job_of, setting, stuck

RESOURCES = {
    "Addon": "addons.harvesterhci.io",
    "HelmChart": "helmcharts.helm.cattle.io",
    "Job": "jobs.batch",
    "Pod": "pods",
    "Secret": "secrets/helm-releases",
    "Setting": "settings.harvesterhci.io",
    "Upgrade": "upgrades.harvesterhci.io",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets.apps",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}
Obj = dict[str, Any]


def inventory(*objects: Obj, missing: tuple[str, ...] = ()) -> Inventory:
    now = parse_time("2026-11-23T18:45:00Z")
    assert now
    entries: dict[str, Collected] = {}
    for kind, resource in RESOURCES.items():
        found = []
        for number, obj in enumerate(objects):
            if obj["kind"] == kind:
                made = copy.deepcopy(obj)
                made["metadata"].setdefault("uid", f"uid-{number}")
                made["metadata"].setdefault("resourceVersion", str(number))
                found.append(made)
        entries[resource] = Collected(tuple(found))
    for resource in missing:
        entries[resource] = Collected(missing=Reason(Code.FORBIDDEN, f"{resource} (list)"))
    return Inventory(SourceInfo("live", "https://here", now), entries)


def examined(*objects: Obj, version: str = "v1.4.0", missing: tuple[str, ...] = ()) -> tuple[Report, Inventory]:
    found = inventory(setting(version), *objects, missing=missing)
    return examine(CHECKS, Settings(to_version="v1.4.1"), lambda _needs: found).report, found


def plan(*objects: Obj, version: str = "v1.4.0", missing: tuple[str, ...] = (), **choice: Any) -> Plan:
    return build_plan(*examined(*objects, version=version, missing=missing), Choice(**choice))


def refused(*objects: Obj, **more: Any) -> str:
    made = plan(*objects, **more)
    assert not made.steps
    (only,) = made.refusals
    return only.reason


def test_a_stuck_addon_is_planned_with_everything_the_user_must_know() -> None:
    (step,) = plan(*stuck("one")).steps
    assert (step.number, step.action, step.strategy, step.check) == (1, "delete", "recreate-job", "addon-stuck")
    assert (step.target.kind, step.target.uid, step.target.name) == ("Job", "job-one", "helm-install-one")
    assert step.target.resource_version
    assert step.reason
    assert step.risk
    assert step.undo
    assert step.automatic
    assert not step.destructive
    assert step.commands == ("kubectl -n addons delete job helm-install-one --cascade=background",)


@pytest.mark.parametrize("cause", sorted(LEFT_TO_YOU))
def test_causes_that_are_the_administrators_are_never_touched(cause: str) -> None:
    assert LEFT_TO_YOU[cause] in refused(*stuck("one", cause), force=True)


@pytest.mark.parametrize("strategy", ["recreate-job", "toggle", "settle-status", "rebuild", "clean-leftovers"])
def test_an_unknown_cause_is_never_touched_whatever_is_asked_for(strategy: str) -> None:
    assert "could not be told" in refused(*stuck("one", "unknown"), strategy=strategy, force=True)


@pytest.mark.parametrize(
    ("cause", "strategy"),
    [
        ("job-predates-operation", "toggle"),
        ("job-predates-operation", "clean-leftovers"),
        ("job-failed", "recreate-job"),
        ("job-image-pull", "recreate-job"),
        ("job-running", "rebuild"),
        ("job-retrying", "rebuild"),
        ("job-accounting-stale", "settle-status"),
        ("helm-chart-foreign", "recreate-job"),
    ],
)
def test_a_strategy_is_not_used_for_a_cause_it_is_not_for(cause: str, strategy: str) -> None:
    assert f"{strategy} is not for this cause" in refused(*stuck("one", cause), strategy=strategy, force=True)


@pytest.mark.parametrize(
    ("cause", "strategy", "lost"),
    [
        ("failure-latched", "settle-status", "what the controller recorded"),
        ("helm-chart-foreign", "rebuild", "UNINSTALLED"),
        ("job-predates-operation", "rebuild", "UNINSTALLED"),
    ],
)
def test_what_destroys_needs_force_and_says_what_is_lost(cause: str, strategy: str, lost: str) -> None:
    reason = refused(*stuck("one", cause), strategy=strategy)
    assert "--force" in reason
    assert lost in reason
    assert plan(*stuck("one", cause), strategy=strategy, force=True).steps


def test_leftovers_need_force() -> None:
    chart = chart_of(addon("gone", ""))
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    assert "--force" in refused(chart)
    assert plan(chart, force=True).steps


def test_leftovers_of_an_enabled_or_unsettled_addon_are_none() -> None:
    for owner, words in (
        (addon("one", "", status="AddonDeploySuccessful", InProgress="False"), "enabled"),
        (addon("one", "", enabled=False, status="AddonDisabling"), "settled"),
    ):
        chart = chart_of(owner)
        chart["metadata"]["annotations"] = {"test/cause": "left"}
        assert words in refused(owner, chart, force=True)


def test_a_chart_that_was_not_made_for_an_addon_is_no_leftover() -> None:
    chart = chart_of(addon("gone", ""), foreign=True)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    assert "not made for an Addon" in refused(chart, force=True)


def test_leftovers_that_the_check_does_not_propose_to_delete_are_not_planned() -> None:
    chart = chart_of(addon("gone", ""))
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    report, found = examined(chart)
    finding = replace(report.checks[1].findings[0], remediation=None)
    report = replace(report, checks=(report.checks[0], replace(report.checks[1], findings=(finding,))))
    assert not build_plan(report, found, Choice(force=True)).steps


def test_charts_of_definitions_are_never_leftovers() -> None:
    chart = chart_of(addon("rancher-logging-crd", ""))
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    assert "custom resource definitions" in refused(chart, force=True)


@pytest.mark.parametrize("version", ["v1.7.0", "v1.7.0-rc1", "v1.8.2", "v1.9.0-rc6"])
def test_servers_from_1_7_are_not_rebuilt(version: str) -> None:
    words = refused(*stuck("one"), version=version, strategy="rebuild", force=True)
    assert "1.7.0" in words
    assert version in words


@pytest.mark.parametrize("version", ["v1.7-head", "master-head"])
def test_a_server_of_unknown_version_is_not_rebuilt(version: str) -> None:
    assert "not known" in refused(*stuck("one"), version=version, strategy="rebuild", force=True)


def test_the_last_server_before_1_7_is_rebuilt() -> None:
    assert plan(*stuck("one"), version="v1.6.99", strategy="rebuild", force=True).steps


def test_a_chart_that_belongs_to_something_else_is_not_deleted() -> None:
    owner = addon("one", "helm-chart-foreign", status="", InProgress="False")
    chart = chart_of(owner, foreign=True)
    chart["metadata"]["ownerReferences"] = [{"kind": "App", "name": "shop", "uid": "x", "apiVersion": "v1"}]
    assert "App shop" in refused(owner, chart, force=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"enabled": False}}, "disabled"),
        ({"chart": None}, "no HelmChart"),
        ({"deleting": True}, "being deleted"),
        ({"foreign": True}, "does not belong"),
        ({"job_name": "helm-delete-one"}, "helm-delete-one"),
        ({"pod": "Running"}, "at work"),
        ({"pod": "Pending"}, "at work"),
        ({"job": None}, "gone since"),
    ],
)
def test_a_job_is_not_deleted_where_no_new_one_would_come(change: dict[str, Any], words: str) -> None:
    owner, chart, made, worker, kept = stuck("one")
    if "spec" in change:
        owner["spec"].update(change["spec"])
    if "deleting" in change:
        chart["metadata"]["deletionTimestamp"] = "2026-11-23T18:44:00Z"
    if "foreign" in change:
        chart["metadata"].pop("ownerReferences")
    chart["status"]["jobName"] = change.get("job_name", chart["status"]["jobName"])
    worker["status"]["phase"] = change.get("pod", "Succeeded")
    objects = [owner, *([] if "chart" in change else [chart]), *([] if "job" in change else [made]), worker, kept]
    assert words in refused(*objects)


def test_toggling_is_refused_while_the_webhook_refuses_edits() -> None:
    owner = addon("one", "job-failed", OperationFailed="True")
    assert "in progress" in refused(owner, chart_of(owner))


def test_toggling_is_refused_where_it_would_clear_nothing() -> None:
    owner = addon("one", "job-failed", InProgress="False")
    assert "clear nothing" in refused(owner, chart_of(owner))


@pytest.mark.parametrize(
    ("releases", "missing", "words"),
    [
        ([], (), "no Helm release"),
        ([("1", "deployed"), ("2", "pending-upgrade")], (), "`pending-upgrade`"),
        ([("9", "deployed"), ("10", "failed")], (), "`failed`"),
        ([], ("secrets/helm-releases",), "forbidden"),
    ],
)
def test_a_status_is_not_written_unless_the_release_says_deployed(
    releases: list[tuple[str, str]], missing: tuple[str, ...], words: str
) -> None:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    secrets = [release("addons", "one", int(number), state) for number, state in releases]
    assert words in refused(owner, chart, *job_of(chart), *secrets, missing=missing, force=True)


def test_a_disabled_addon_that_has_not_settled_is_not_called_settled() -> None:
    owner = addon("one", "operation-time-missing", enabled=False, status="AddonDisabling")
    assert "hide" in refused(owner, force=True)


@pytest.mark.parametrize("state", ["UpgradingNodes", None])
def test_nothing_is_planned_while_an_upgrade_runs(state: str | None) -> None:
    upgrade = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {"name": "u", "namespace": "harvester-system", "labels": {}},
    }
    if state:
        upgrade["metadata"]["labels"] = {"harvesterhci.io/upgradeState": state}  # type: ignore[index]
    assert "Upgrade u has not ended" in refused(*stuck("one"), upgrade)
    upgrade["metadata"]["labels"] = {"harvesterhci.io/upgradeState": "Succeeded"}  # type: ignore[index]
    assert plan(*stuck("one"), upgrade).steps


def test_what_passes_by_itself_is_waited_for_unless_a_strategy_is_named() -> None:
    report, found = examined(*stuck("one"))
    moving = replace(report.checks[0].findings[0], transient=True)
    report = replace(report, checks=(replace(report.checks[0], findings=(moving,)), *report.checks[1:]))
    (refusal,) = build_plan(report, found, Choice()).refusals
    assert "--wait" in refusal.reason
    assert build_plan(report, found, Choice(strategy="recreate-job")).steps


def test_the_checks_own_choice_of_a_strategy_is_followed_where_the_cause_allows_it() -> None:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    report, found = examined(owner, chart, *job_of(chart))
    for strategy, planned in (("toggle", ["toggle", "toggle"]), ("recreate-job", [])):
        finding = replace(report.checks[0].findings[0], remediation=Remediation(strategy, False))
        told = replace(report, checks=(replace(report.checks[0], findings=(finding,)), *report.checks[1:]))
        assert [step.strategy for step in build_plan(told, found, Choice()).steps] == planned


def test_only_what_is_named_is_repaired() -> None:
    both = [*stuck("one"), *stuck("two")]
    assert [step.target.name for step in plan(*both, only=("addon-stuck:addons/two",)).steps] == ["helm-install-two"]
    assert len(plan(*both, only=("addon-stuck",)).steps) == 2
    assert len(plan(*both, only=("addon-stuck:addons/*",)).steps) == 2
    assert not plan(*both, only=("addon-leftovers",)).steps


@pytest.mark.parametrize("only", ["no-such-check", "addon-stuck:one", "addon-stuck:a/b/c", "addon-stuck:/one"])
def test_an_only_that_is_wrong_is_a_usage_error(only: str) -> None:
    with pytest.raises(UsageError, match="--only"):
        plan(*stuck("one"), only=(only,))


def test_waived_findings_are_left_alone() -> None:
    report, found = examined(*stuck("one"))
    waived = replace(report.checks[0].findings[0], waived=Waived("known", "2027-01-01"))
    report = replace(report, checks=(replace(report.checks[0], findings=(waived,)), *report.checks[1:]))
    assert not build_plan(report, found, Choice()).steps
    (refusal,) = build_plan(report, found, Choice(only=("addon-stuck",))).refusals
    assert "waived" in refusal.reason


def test_unasked_only_what_is_marked_automatic_is_repaired() -> None:
    failed = addon("two", "job-failed", InProgress="False", OperationFailed="True")
    made = plan(*stuck("one"), failed, automatic_only=True)
    assert [step.target.name for step in made.steps] == ["helm-install-one"]
    assert ["use `fix`" in refusal.reason for refusal in made.refusals] == [True]


def test_a_finding_of_another_check_without_repair_is_not_mentioned() -> None:
    owner, *rest = stuck("one", "no-such-cause")
    (refusal,) = plan(owner, *rest).refusals
    assert "by hand" in refusal.reason


def test_what_is_malformed_is_refused_and_the_rest_goes_on() -> None:
    broken = stuck("one")
    broken[1]["status"]["jobName"] = 7
    made = plan(*broken, *stuck("two"))
    assert [step.target.name for step in made.steps] == ["helm-install-two"]
    assert "cannot be read" in made.refusals[0].reason


def test_a_kind_that_was_not_read_refuses() -> None:
    assert "forbidden" in refused(*stuck("one"), missing=("jobs.batch",))


def test_a_check_that_could_not_tell_is_named() -> None:
    made = plan(missing=("addons.harvesterhci.io",))
    assert made.undetermined == ("addon-stuck: forbidden: addons.harvesterhci.io (list)",)
