"""The whole way with the product's own checks: stuck as issue 7376 describes it, planned, repaired, found no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from preflight_checks.addons._advice import _REPAIRS

from preflight.cli import run
from preflight.remediation.strategies import LEFT_TO_YOU, STRATEGIES, allows
from tests.remediation.world import MakeWorld, World, namespace, stuck

TO = ("--to", "v1.4.1")


def typed(here: World, *words: str) -> int:
    return run([*words, "--kubeconfig", str(here.server.kubeconfig(here.folder))])


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def findings(here: World, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    typed(here, "check", *TO, "--select", "addon-stuck", "-o", "json", *words)
    document = json.loads(capsys.readouterr().out)
    return [finding for check in document["checks"] for finding in check["findings"]]


def test_two_addons_stuck_as_in_issue_7376_converge(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("rancher-logging"), *stuck("harvester-vm-dhcp-controller"))
    found = findings(here, capsys)
    assert [finding["cause"] for finding in found] == ["job-predates-operation"] * 2
    assert all(finding["remediation"] == {"strategy": "recreate-job", "automatic": True} for finding in found)

    assert typed(here, "fix", "--apply", "--yes") == 0

    assert sorted(path.rpartition("/")[2] for _, path in here.writes()) == [
        "helm-install-harvester-vm-dhcp-controller",
        "helm-install-rancher-logging",
    ]
    assert findings(here, capsys) == []


def test_check_remediate_does_the_same_in_one_command(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("rancher-logging"))
    assert findings(here, capsys, "--remediate") == []
    assert len(here.writes()) == 1


def test_a_latched_failure_is_toggled_as_the_check_says(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    owner, chart, job, pod, release = stuck("one", created="2026-11-23T18:43:00Z")
    for entry in owner["status"]["conditions"]:
        entry["status"] = {"InProgress": "False", "OperationFailed": "True"}.get(entry["type"], "False")
    here = world(owner, chart, job, pod, release)
    assert [finding["cause"] for finding in findings(here, capsys)] == ["failure-latched"]
    assert typed(here, "fix", "--apply", "--yes") == 0
    assert findings(here, capsys) == []


def test_leftovers_of_a_disabled_addon_are_removed_and_its_data_stays(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    owner, chart, *rest = stuck("one")
    owner["spec"]["enabled"] = False
    owner["status"] = {"status": "AddonDisabled"}
    labels = {"app.kubernetes.io/instance": "one"}
    more = [
        {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels, **where}}
        for api, kind, name, where in (
            ("apps/v1", "Deployment", "one-operator", {"namespace": "addons"}),
            ("v1", "ServiceAccount", "helm-one", {"namespace": "addons"}),
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "helm-addons-one", {}),
            ("v1", "ConfigMap", "chart-content-one", {"namespace": "addons"}),
            ("v1", "PersistentVolumeClaim", "data", {"namespace": "addons"}),
        )
    ]
    here = world(owner, chart, *rest, *more)
    words = ("fix", "--only", "addon-leftovers:addons/one")
    assert typed(here, *words) == 0
    plan = capsys.readouterr().out
    for kind in ("HelmChart", "Job", "Deployment", "ServiceAccount", "ClusterRoleBinding", "Secret"):
        assert f"delete {kind} " in plan
    assert "delete PersistentVolumeClaim" not in plan

    assert typed(here, *words, "--apply", "--yes") == 5  # not without --force
    assert here.writes(dry=True) == []
    assert typed(here, *words, "--apply", "--yes", "--force") == 0, capsys.readouterr().err

    assert [obj["metadata"]["name"] for obj in here.server.objects("persistentvolumeclaims")] == ["data"]
    for plural, group in (("helmcharts", "helm.cattle.io"), ("deployments", "apps"), ("secrets", "")):
        assert here.server.objects(plural, group) == []


def test_every_cause_of_the_check_is_either_repaired_or_left_to_the_user_in_words() -> None:
    from preflight.registry import find_plugins, load_checks

    (check,) = [one for one in load_checks(find_plugins(only_ours=True), ()) if one.id == "addon-stuck"]
    repaired = {cause for strategy in STRATEGIES.values() if not strategy.checks for cause in strategy.causes} | set(
        _REPAIRS
    )
    assert set(check.causes) == repaired | set(LEFT_TO_YOU)
    assert not repaired & set(LEFT_TO_YOU)


def test_an_object_file_gives_the_same_plan(
    world: MakeWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = world(*stuck("one"), controllers=False)
    names = (("settings", "harvesterhci.io"), ("addons", "harvesterhci.io"), ("helmcharts", "helm.cattle.io"))
    names += (("jobs", "batch"), ("pods", ""), ("upgrades", "harvesterhci.io"))
    objects = [namespace(), *(obj for row in names for obj in here.server.objects(*row))]
    path = tmp_path / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    steps = []
    for source in (["--source", str(path), "--now", "2026-11-23T19:45:00Z"], []):
        capsys.readouterr()
        assert typed(here, "fix", "-o", "json", *source) == 0
        steps.append(json.loads(capsys.readouterr().out)["steps"])
    assert steps[0] == steps[1]
    assert steps[0][0]["object"]["uid"] == "job-one"


@pytest.mark.parametrize(("cause", "told"), _REPAIRS.items())
def test_what_the_check_names_is_a_strategy_for_that_cause(cause: str, told: tuple[str, bool]) -> None:
    strategy = STRATEGIES[told[0]]
    assert allows(strategy, "addon-stuck", cause)
    assert [other.name for other in STRATEGIES.values() if cause in other.causes] in ([], [strategy.name])
