"""Repair while an Upgrade runs: what the finding offers works there, and nothing else is done."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from preflight_checks import _upgrades

from preflight.cli import run
from preflight.documents import load_schema
from preflight.errors import RemediationError
from preflight.remediation.during import beside, running_upgrades, why_refused
from preflight.remediation.plan import Plan
from preflight.sources.text.yaml_reading import load_documents
from tests.kube import KubeServer
from tests.kube.client import Client
from tests.kube.objects import release
from tests.remediation.killing import Killed, killed_at
from tests.remediation.test_refusals import plan, refused
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, namespace, status_of, stuck

FIXTURE = Path(__file__).parents[1] / "fixtures" / "upgrade-waits-for-addon.yaml"
LOGGING = "/apis/harvesterhci.io/v1beta1/namespaces/cattle-logging-system/addons/rancher-logging"
MERGE = "application/merge-patch+json"
Obj = dict[str, Any]


def upgrade(state: str = "UpgradingSystemServices", **conditions: str) -> Obj:
    told = conditions or {"NodesPrepared": "True", "SystemServicesUpgraded": "Unknown"}
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {
            "name": "u",
            "namespace": "harvester-system",
            "labels": {"harvesterhci.io/upgradeState": state} if state else {},
        },
        "spec": {"version": "v1.4.1"},
        "status": {"conditions": [{"type": kind, "status": status} for kind, status in told.items()]},
    }


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def patched(server: KubeServer, folder: Path) -> int:
    """Write to the Addon as the upgrade's Job does, and return the server's answer."""
    change = {"spec": {"valuesContent": "replicas: 2\n"}}
    return Client(server.kubeconfig(folder)).request("PATCH", LOGGING, change, content_type=MERGE).status


def test_what_the_finding_offers_lets_the_upgrade_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The circle of a hung upgrade, broken by the command that stands in the report, as it stands there."""
    objects = [item for document in load_documents(FIXTURE.read_bytes()) for item in document["items"]]
    with KubeServer([*objects, namespace()]) as server:
        config = ["--kubeconfig", str(server.kubeconfig(tmp_path))]
        assert patched(server, tmp_path) == 400

        select = [word for name in ("addon-stuck", "upgrade-in-progress") for word in ("--select", name)]
        assert run(["check", *config, *select, "-o", "json"]) == 3
        report = json.loads(capsys.readouterr().out)
        found = {one["resource"]["name"]: one for check in report["checks"] for one in check["findings"]}
        root, follows = found["rancher-logging"], found["hvst-upgrade-x7k2p"]
        assert (follows["folded"], follows["causedBy"]) == (True, [root["id"]])
        assert "Upgrade hvst-upgrade-x7k2p, in UpgradingSystemServices, waits for Addon" in root["message"]

        assert run(["fix", *config, "--only", "addon-stuck:cattle-logging-system/*", "--apply", "--yes"]) == 5
        assert "--during-upgrade" in capsys.readouterr().out
        server.controllers.running = True
        (command,) = root["commands"]
        assert run([*command["argv"][1:], *config, "--yes"]) == 0
        assert patched(server, tmp_path) == 200


def test_where_the_old_chart_is_gone_the_status_is_settled_and_the_upgrade_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = [item for document in load_documents(FIXTURE.read_bytes()) for item in document["items"]]
    for one in objects:
        if one["kind"] == "Addon" and one["metadata"]["name"] == "rancher-logging":
            one["spec"]["version"] = "103.0.0+up3.17.10"  # which the repository of v1.4.1 serves no more
    template = {"spec": {"containers": [{"name": "repo", "image": "rancher/harvester-cluster-repo:v1.4.1"}]}}
    repository = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "harvester-cluster-repo", "namespace": "cattle-system"},
        "spec": {"template": template},
    }
    deployed = release("cattle-logging-system", "rancher-logging", 1)
    objects = [one for one in objects if one["kind"] != "Secret"]
    with KubeServer([*objects, namespace(), repository, deployed]) as server:
        config = ["--kubeconfig", str(server.kubeconfig(tmp_path))]
        run(["check", *config, "--to", "v1.4.1", "--select", "addon-stuck", "-o", "json"])
        report = json.loads(capsys.readouterr().out)
        found = {one["resource"]["name"]: one for check in report["checks"] for one in check["findings"]}
        (command,) = found["rancher-logging"]["commands"]
        assert command["argv"][-2:] == ["--apply", "--force"]
        assert run([*command["argv"][1:], *config, "--yes"]) == 0, capsys.readouterr().err
        assert patched(server, tmp_path) == 200


def test_one_entry_says_what_the_upgrade_waits_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--source", str(FIXTURE), "--select", "addons", "--select", "upgrade-in-progress"]
    assert run([*words, "--now", "2026-11-23T19:30:00Z"]) == 3
    entries = [line for line in capsys.readouterr().out.splitlines() if line[2:3] == "✗"]
    assert [line.split()[2] for line in entries] == [
        "addon-stuck",
        "addon-stuck",
    ]  # the other one is waited for by nobody
    assert ["hangs" in line for line in entries] == [True, False]


def typed(here: World, *words: str) -> int:
    return run([*words, "--kubeconfig", str(here.server.kubeconfig(here.folder))])


def test_the_plan_says_what_the_upgrade_does_next(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"), upgrade())
    assert typed(here, "fix", "--during-upgrade", "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(load_schema("plan")).validate(document)
    assert document["duringUpgrade"]["upgrade"] == "u"
    assert "u-apply-manifests" in document["duringUpgrade"]["then"]
    assert typed(here, "fix", "--during-upgrade") == 0
    table = " ".join(capsys.readouterr().out.split())
    assert "Upgrade u runs beside it (UpgradingSystemServices)." in table
    assert "Then: the next try of Job u-apply-manifests patches the Addon" in table
    assert typed(here, "fix") == 0
    table = " ".join(capsys.readouterr().out.split())
    assert "Upgrade u has not ended, and nothing is repaired while a cluster upgrades" in table
    assert "--during-upgrade" in table


@pytest.mark.parametrize(
    "running",
    [
        upgrade("UpgradingNodes", SystemServicesUpgraded="True", NodesUpgraded="Unknown"),
        upgrade(SystemServicesUpgraded="True"),
        upgrade(SystemServicesUpgraded="False"),
        upgrade("", NodesUpgraded="Unknown"),
        {**upgrade(), "status": {"conditions": 3}},
    ],
)
def test_nothing_is_repaired_once_nodes_are_upgraded(world: MakeWorld, running: Obj) -> None:
    here = world(*stuck("one"), running)
    assert typed(here, "fix", "--during-upgrade", "--apply", "--yes") == 5
    assert here.writes(dry=True) == []


def test_an_upgrade_that_comes_to_its_nodes_meanwhile_stops_the_repair(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"), upgrade())
    made = here.plan(during_upgrade=True)
    assert len(made.steps) == 2
    here.server.put(upgrade("UpgradingNodes", SystemServicesUpgraded="True", NodesUpgraded="Unknown"))
    with pytest.raises(RemediationError, match="at its nodes"):
        here.apply(made)
    assert here.writes() == []


def test_a_plan_made_without_the_flag_is_not_carried_out_beside_an_upgrade(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    made = here.plan(during_upgrade=True)
    assert made.during is None
    here.server.put(upgrade())
    with pytest.raises(RemediationError, match="has not ended"):
        here.apply(made)


def test_the_status_is_settled_beside_an_upgrade(world: MakeWorld) -> None:
    here = world(*stuck("one"), upgrade())
    made = here.plan(during_upgrade=True, strategy="settle-status", force=True)
    assert here.apply(made).word == "converged"
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def failed() -> list[Obj]:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    return [owner, chart_of(owner), *job_of(chart_of(owner), status={"failed": 1})]


def left() -> list[Obj]:
    chart = chart_of(addon("one", ""))
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    return [chart]


@pytest.mark.parametrize(
    ("objects", "choice", "words"),
    [
        (failed(), {}, "no operation is in progress"),
        (stuck("one"), {"strategy": "rebuild"}, "rebuild is not used while an Upgrade runs"),
        (left(), {}, "only Addons it waits for"),
        (stuck("one", "job-image-pull"), {}, "import the missing images"),
    ],
)
def test_every_other_repair_stays_refused(objects: list[Obj], choice: Obj, words: str) -> None:
    assert words in refused(*objects, upgrade(), during_upgrade=True, force=True, **choice)


@pytest.mark.parametrize("cause", ["job-accounting-stale", "job-failed-unrecognised", "job-missing"])
def test_a_status_is_settled_for_more_causes_than_at_rest(cause: str) -> None:
    choice: Obj = {"strategy": "settle-status", "force": True}
    objects = [*stuck("one", cause), release("addons", "one", 2)]
    assert "not for this cause" in refused(*objects, **choice)
    assert [step.strategy for step in plan(*objects, upgrade(), during_upgrade=True, **choice).steps] == [
        "settle-status"
    ]


def test_a_repair_that_was_killed_is_finished_beside_the_upgrade(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("fix", "--during-upgrade", "--apply", "--yes", "--backup-dir")
    with killed_at(monkeypatch, 10_000) as whole:
        assert typed(world(*stuck("one"), upgrade()), *words, "first") == 0
    deletes = [number for number, (method, where) in enumerate(whole.calls) if method == "delete" and "/jobs/" in where]
    here = world(*stuck("one"), upgrade())
    with pytest.raises(Killed), killed_at(monkeypatch, deletes[1]):
        typed(here, *words, "second")
    here.server.clock += timedelta(minutes=2)  # until its lease has run out
    resume = ("fix", "--resume", "second", "--apply", "--yes")
    assert typed(here, *resume) == 5
    assert "has not ended" in capsys.readouterr().err
    assert typed(here, *resume, "--during-upgrade") == 0, capsys.readouterr().err
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def test_what_is_left_of_another_repair_is_not_finished_beside_an_upgrade() -> None:
    toggled = plan(*failed())
    assert {step.strategy for step in toggled.steps} == {"toggle"}
    with pytest.raises(RemediationError, match="toggle"):
        beside(toggled, [upgrade()])
    assert isinstance(beside(toggled, []), Plan)


PHASES = (
    *("", "Initializing", "ISODownloading", "ImagePreloaded", "ClusterUpgrading", "ClusterUpgraded", "NodeUpgrading"),
    *("NodeUpgraded", "CleaningUp", "CleanedUp", "Succeeded", "Failed"),
)


def upgrade_plan(phase: str) -> Obj:
    return {
        "apiVersion": "management.harvesterhci.io/v1beta1",
        "kind": "UpgradePlan",
        "metadata": {"name": "p"},
        "spec": {"version": "v1.9.0"},
        "status": {"currentPhase": phase},
    }


@pytest.mark.parametrize("phase", PHASES)
def test_an_upgrade_plan_counts_as_an_upgrade_does(phase: str) -> None:
    one = upgrade_plan(phase)
    assert bool(running_upgrades([one])) == _upgrades.plan_is_running(one)
    if _upgrades.plan_is_running(one):
        assert _upgrades.plan_before_nodes(one) == (why_refused([one], during=True) == "")
        assert _upgrades.plan_patches_services(one) == running_upgrades([one])[0].patching


def test_nothing_is_repaired_while_an_upgrade_plan_is_at_its_nodes(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"), upgrade_plan("NodeUpgrading"))
    for flags in ((), ("--during-upgrade",)):
        assert typed(here, "fix", "--apply", "--yes", *flags) == 5
        assert "UpgradePlan p" in capsys.readouterr().out
    assert here.writes(dry=True) == []
    here.server.put(upgrade_plan("ClusterUpgrading"))
    assert typed(here, "fix", "--apply", "--yes", "--during-upgrade") == 0


STATES = ("", "PreparingRepo", "UpgradingSystemServices", "UpgradingNodes", "Upgrading", "Succeeded", "Failed")
STATUSES = ("", "Unknown", "True", "False")


@pytest.mark.parametrize("state", STATES)
def test_the_check_offers_a_repair_exactly_where_one_is_carried_out(state: str) -> None:
    for services in STATUSES:
        for nodes in STATUSES:
            told = {"SystemServicesUpgraded": services, "NodesUpgraded": nodes}
            one = upgrade(state, **{kind: status for kind, status in told.items() if status}, ImageReady="True")
            assert bool(running_upgrades([one])) == _upgrades.is_running(one)
            if _upgrades.is_running(one):
                offered = _upgrades.before_nodes(one)
                assert offered == (why_refused([one], during=True) == ""), (state, told)
                assert _upgrades.patches_services(one) == running_upgrades([one])[0].patching
