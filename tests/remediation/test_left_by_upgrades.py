"""What an upgrade that is over left behind: planned, saved, tried, done, checked again, and put back, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.cluster.writer import RESUMABLE
from preflight.permissions import FIX
from preflight.rbac import Subject, manifests, read_permissions
from preflight.registry import find_plugins, load_checks
from preflight.remediation.needs import REPAIR_NEEDS
from preflight.remediation.strategies import STRATEGIES
from tests.kube import rules_of
from tests.remediation.test_own_checks import typed
from tests.remediation.world import MakeWorld, World

Obj = dict[str, Any]
PAUSED, LOG, OBJECTS = "managed-chart-paused", "leftover-upgradelog", "leftover-upgrade-objects"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def made(api: str, kind: str, name: str, where: str = "", labels: Obj | None = None, **more: Any) -> Obj:
    metadata = {"name": name, "uid": f"uid-{name}", "generation": 1, "labels": labels or {}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata | ({"namespace": where} if where else {}), **more}


def chart(name: str = "harvester", *, paused: bool = True) -> Obj:
    spec = {"paused": paused, "chart": name, "values": {"a": "b"}}
    return made("management.cattle.io/v3", "ManagedChart", name, "fleet-local", spec=spec)


def upgrade(name: str, state: str) -> Obj:
    labels = {"harvesterhci.io/upgradeState": state}
    return made("harvesterhci.io/v1beta1", "Upgrade", name, "harvester-system", labels)


def log(name: str = "hvst-upgrade-a-upgradelog") -> Obj:
    spec = {"upgradeName": "hvst-upgrade-a"}
    return made("harvesterhci.io/v1beta1", "UpgradeLog", name, "harvester-system", spec=spec)


def logging(name: str = "hvst-upgrade-b-upgradelog-infra") -> Obj:
    return made("logging.banzaicloud.io/v1beta1", "Logging", name, spec={"controlNamespace": "harvester-system"})


def plan(name: str = "hvst-upgrade-a-prepare") -> Obj:
    labels = {"harvesterhci.io/upgrade": "hvst-upgrade-a"}
    return made("upgrade.cattle.io/v1", "Plan", name, "cattle-system", labels, spec={"concurrency": 1})


GONE = [
    (LOG, log(), "upgradelogs", "harvesterhci.io"),
    (LOG, logging(), "loggings", "logging.banzaicloud.io"),
    (OBJECTS, plan(), "plans", "upgrade.cattle.io"),
]
each_left = pytest.mark.parametrize(("check", "left", "plural", "group"), GONE, ids=["log", "logging", "plan"])


def paused(here: World, name: str = "harvester") -> Any:
    found = here.server.object("managedcharts", "management.cattle.io", "fleet-local", name)
    assert found is not None
    return found["spec"]["paused"]


def journal(here: World) -> str:
    (path,) = here.folder.glob("harvester-preflight-*/journal.json")
    return str(path)


def test_a_paused_chart_is_resumed_and_paused_again(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(chart(), chart("own"), upgrade("hvst-upgrade-a", "Failed"))
    assert typed(here, "fix", "--only", PAUSED) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("ManagedChart fleet-local/harvester", '{"spec":{"paused":false}}', "spec.paused back to true"):
        assert words in shown
    assert here.writes(dry=True) == []

    assert typed(here, "fix", "--only", PAUSED, "--apply", "--yes") == 0, capsys.readouterr().err
    path = "/apis/management.cattle.io/v3/namespaces/fleet-local/managedcharts/harvester"
    assert here.writes() == [("PATCH", path)]
    assert here.writes(dry=True) == [("PATCH", path)] * 2
    assert (paused(here), paused(here, "own")) == (False, True)
    saved = json.loads((Path(journal(here)).parent / "01_managedchart_fleet-local_harvester.json").read_text())
    assert saved["spec"] == chart()["spec"]

    assert typed(here, "rollback", journal(here), "--apply", "--yes") == 0, capsys.readouterr().err
    assert paused(here) is True


def test_a_chart_that_somebody_changed_since_stays_as_it_is(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(chart())
    assert typed(here, "fix", "--only", PAUSED, "--apply", "--yes") == 0
    found = here.server.object("managedcharts", "management.cattle.io", "fleet-local", "harvester")
    assert found is not None
    here.server.put(
        {**found, "spec": {**found["spec"], "values": {}}, "metadata": {**found["metadata"], "generation": 9}}
    )
    assert typed(here, "rollback", journal(here), "--apply", "--yes") == 5
    assert "somebody changed it since" in " ".join(capsys.readouterr().out.split())
    assert paused(here) is False


@each_left
def test_what_is_left_is_deleted_with_force_and_created_again(
    world: MakeWorld, capsys: pytest.CaptureFixture[str], check: str, left: Obj, plural: str, group: str
) -> None:
    here = world(left)
    assert typed(here, "fix", "--only", check) == 0
    assert f"delete {left['kind']} " in capsys.readouterr().out
    assert typed(here, "fix", "--only", check, "--apply", "--yes") == 5  # not without --force
    assert here.writes(dry=True) == []

    words = ("fix", "--only", check, "--apply", "--yes", "--force")
    assert typed(here, *words) == 0, capsys.readouterr().err
    assert here.server.objects(plural, group) == []
    assert [method for method, _ in here.writes(dry=True)] == ["DELETE", "DELETE"]
    assert len(here.writes()) == 1

    assert typed(here, "rollback", journal(here), "--apply", "--yes") == 0, capsys.readouterr().err
    (again,) = here.server.objects(plural, group)
    assert (again["metadata"]["name"], again["spec"]) == (left["metadata"]["name"], left["spec"])
    assert again["metadata"]["uid"] != left["metadata"]["uid"]


@pytest.mark.parametrize(
    ("check", "left"),
    [(PAUSED, chart()), (LOG, log()), (LOG, logging()), (OBJECTS, plan())],
    ids=lambda one: str(one)[:9],
)
def test_nothing_is_touched_while_an_upgrade_runs(
    world: MakeWorld, capsys: pytest.CaptureFixture[str], check: str, left: Obj
) -> None:
    here = world(left, upgrade("hvst-upgrade-z", "UpgradingSystemServices"))
    for flags in ((), ("--during-upgrade",)):
        typed(here, "fix", "--only", check, "--apply", "--yes", "--force", *flags)
        assert here.writes(dry=True) == []


def test_a_strategy_is_not_for_another_check(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(chart(), log())
    assert typed(here, "fix", "--only", LOG, "--strategy", "unpause", "--apply", "--yes", "--force") == 5
    assert "unpause is not for this cause" in " ".join(capsys.readouterr().out.split())
    assert here.writes(dry=True) == []


@pytest.mark.parametrize(
    "left",
    [plan("own-plan"), made("kubevirt.io/v1", "VirtualMachine", "upgrade-repo-hvst-upgrade-a", "harvester-system")],
)
def test_what_no_upgrade_names_and_what_holds_volumes_is_left_to_the_administrator(
    world: MakeWorld, capsys: pytest.CaptureFixture[str], left: Obj
) -> None:
    here = world(left)
    assert typed(here, "fix", "--only", OBJECTS, "--apply", "--yes", "--force") == 5
    assert left["metadata"]["name"] in capsys.readouterr().out
    assert here.writes(dry=True) == []


def test_check_remediate_leaves_them_alone(world: MakeWorld) -> None:
    here = world(chart(), log(), plan())
    typed(here, "check", "--to", "v1.4.1", "--select", f"{PAUSED},{LOG},{OBJECTS}", "--remediate")
    assert here.writes(dry=True) == []


def test_the_role_of_fix_resumes_a_chart_and_an_administrator_is_asked_for_to_delete(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = load_checks(find_plugins(only_ours=True), ())
    needs = (*REPAIR_NEEDS, *(need for check in checks for need in check.needs))
    reads = read_permissions(needs, with_releases=True, with_kubelet=False)
    here = world(chart(), log())
    here.server.allow = rules_of(manifests((*reads, *FIX), Subject()))
    assert typed(here, "fix", "--only", LOG, "--apply", "--yes", "--force") == 5
    assert "administrator's account" in " ".join(capsys.readouterr().err.split())
    assert here.writes(dry=True) == []
    assert typed(here, "fix", "--only", PAUSED, "--apply", "--yes") == 0, capsys.readouterr().err
    assert paused(here) is False
    used = {rule[:3] for rule in here.server.used}
    assert {(verb, "management.cattle.io", "managedcharts") for verb in ("get", "patch")} <= used


def test_the_causes_are_those_of_the_checks_and_the_charts_those_the_check_knows() -> None:
    from preflight_checks.charts.managed_chart_paused import PAUSED_BY_UPGRADES

    assert PAUSED_BY_UPGRADES == RESUMABLE
    checks = {check.id: check for check in load_checks(find_plugins(only_ours=True), ())}
    for strategy in STRATEGIES.values():
        causes = {cause for check in strategy.checks for cause in checks[check].causes}
        assert not strategy.checks or set(strategy.causes) <= causes
