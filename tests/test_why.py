"""`why`: the step, the object and the command of every hung upgrade; its exit codes; watching; logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from preflight.cli import run
from preflight.cli.request import Output, Request
from preflight.cli.watching import watch
from preflight.cli.why import _look, _substance, _told_while_one_runs
from preflight.cluster.connection import Connection
from preflight.documents import load_schema
from preflight.errors import UsageError
from preflight.flow import registered_checks
from preflight.settings import Settings
from preflight.sources.text.yaml_reading import load_documents
from preflight.why import checks_asked
from tests.bundles import bundle_files, write_zip
from tests.kube import Fail, KubeServer

HUNG = Path(__file__).parent / "fixtures" / "hung"
NOW = ("--now", "2026-11-23T18:42:58Z")
NAME = "hvst-upgrade-x7k2p"
SYSTEM = "harvester-system"
Typed = Callable[..., tuple[int, str]]

SEEN = {
    "log": ("logging", "waits-for-log", "Pod", f"{SYSTEM}/{NAME}-upgradelog-infra-fluentd-0", "kubectl describe pod"),
    "image": ("image", "waits-for-image", "Pod", f"{SYSTEM}/importer-prime-1", "kubectl describe pod"),
    "repository": (
        "repository",
        "waits-for-repository",
        "Pod",
        f"{SYSTEM}/virt-launcher-upgrade-repo-{NAME}-abcde",
        "kubectl describe pod",
    ),
    "preload": (
        "preload",
        "waits-for-preload",
        "Job",
        f"cattle-system/apply-{NAME}-prepare-on-harv-2",
        "kubectl describe job",
    ),
    "addon": ("system-services", "waits-for-addon", "Addon", "cattle-logging-system/rancher-logging", ""),
    "manifests": ("system-services", "waits-for-manifests", "Job", f"{SYSTEM}/{NAME}-apply-manifests", "kubectl logs"),
    "chart": (
        "system-services",
        "waits-for-chart",
        "ManagedChart",
        "fleet-local/harvester",
        "kubectl describe bundles",
    ),
    "machine": ("nodes", "waits-for-machine", "VirtualMachineInstance", "shop/db", "virtctl stop db -n shop"),
    "budget": ("nodes", "waits-for-budget", "PodDisruptionBudget", "shop/db", "kubectl get poddisruptionbudgets"),
    "node": ("nodes", "waits-for-node", "Node", "harv-2", "kubectl describe node harv-2"),
    "node-job": ("nodes", "waits-for-node-job", "Job", f"{SYSTEM}/{NAME}-post-drain-harv-2", "kubectl describe job"),
    "unpause": ("nodes", "waits-for-unpause", "Node", "harv-2", "kubectl annotate --overwrite upgrades"),
    "unexplained": ("nodes", "hangs-unexplained", "Job", f"{SYSTEM}/{NAME}-post-drain-harv-2", ""),
    "plan-preload": (
        "preload",
        "waits-for-preload",
        "Job",
        "cattle-system/apply-harvester-1-9-0-prepare-on-harv-2",
        "kubectl describe job",
    ),
    "plan-budget": ("nodes", "waits-for-budget", "PodDisruptionBudget", "shop/db", "kubectl get poddisruptionbudgets"),
}


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_it(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["why", *words])
        return int(code), capsys.readouterr().out

    return type_it


def of_file(name: str) -> tuple[str, ...]:
    return ("--source", str(HUNG / f"{name}.yaml"), *NOW)


def answer(typed: Typed, *words: str) -> dict[str, Any]:
    code, text = typed(*words, "-o", "json")
    document: dict[str, Any] = json.loads(text)
    Draft202012Validator(load_schema("why")).validate(document)
    assert document["exitCode"] == code
    return document


def test_every_hung_upgrade_has_its_line_here() -> None:
    assert {path.stem for path in HUNG.glob("*.yaml")} == set(SEEN)


@pytest.mark.parametrize("name", SEEN)
def test_the_step_and_the_object_are_named(typed: Typed, name: str) -> None:
    step, cause, kind, place, command = SEEN[name]
    document = answer(typed, *of_file(name))
    (one,) = document["runs"]
    assert (document["verdict"], one["hangs"], one["step"], one["cause"]) == ("hangs", True, step, cause)
    ref = one["waitsFor"]["resource"]
    assert (ref["kind"], "/".join(filter(None, (ref["namespace"], ref["name"])))) == (kind, place)
    assert one["since"]
    assert one["forSeconds"] > 0
    assert " ".join((one["command"] or {"argv": ()})["argv"]).startswith(command)


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", SEEN)
def test_the_table_says_it_too(typed: Typed, monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    step, _, _, place, _ = SEEN[name]
    code, text = typed(*of_file(name))
    lines = text.splitlines()
    assert (code, lines[0].split()[0], lines[-1]) == (3, "HANGS", "HANGS  exit code 3")
    words = " ".join(text.split())
    for part in (f"step {step} (", place.rpartition("/")[2], " next "):
        assert part in words
    commands = ("kubectl", "virtctl", "harvester-preflight")
    whole = (line for line in lines if len(line.split()) > 1 and not line.strip().startswith(commands))
    assert all(len(line) <= width for line in whole)  # a name that is longer than the line stays one word


def test_the_finding_that_is_the_reason_comes_with_its_command(typed: Typed) -> None:
    source = str(HUNG.parent / "upgrade-waits-for-addon.yaml")
    document = answer(typed, "--source", source, "--now", "2026-11-23T19:30:00Z")
    (one,) = document["runs"]
    checks = [reason["check"] for reason in one["reasons"]]
    assert checks[:2] == ["addon-stuck", "clock-skew"]  # nearest first
    assert one["command"]["argv"][1:] == [
        *("fix", "--only", "addon-stuck:cattle-logging-system/rancher-logging", "--during-upgrade", "--apply")
    ]
    assert "clock-skew" in typed("--source", source, "--now", "2026-11-23T19:30:00Z")[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("machine", "vm-not-migratable-condition"),
        ("budget", "blocking-pdb"),
        ("plan-budget", "blocking-pdb"),
        ("node", "node-ready"),
        ("chart", "managed-chart-ready"),
    ],
)
def test_other_gates_are_the_reason_where_they_share_an_object(typed: Typed, name: str, reason: str) -> None:
    (one,) = answer(typed, *of_file(name))["runs"]
    assert reason in [told["check"] for told in one["reasons"]]


def test_where_nothing_explains_it_it_says_what_was_looked_at_and_what_to_collect(typed: Typed) -> None:
    _, text = typed(*of_file("unexplained"))
    assert "looked at  node harv-2: Ready True" in text
    assert "support bundle" in text
    (one,) = answer(typed, *of_file("unexplained"))["runs"]
    assert one["command"]["argv"] == one["collect"][0]["argv"]
    assert all(command["argv"][0] == "kubectl" for command in one["collect"])


def test_nothing_runs(typed: Typed, tmp_path: Path) -> None:
    document = answer(typed, "--source", "demo")
    assert (document["verdict"], document["exitCode"], document["runs"]) == ("none", 0, [])
    ended = changed(tmp_path, "machine", lambda kind: kind == "Upgrade", ended_with("Failed"))
    code, text = typed("--source", str(ended), *NOW)
    assert code in (0, 4)
    assert f"{NAME} to v1.4.1, has ended: Failed" in text or code == 4


def changed(folder: Path, name: str, which: Callable[[str], bool], change: Callable[[Any], Any]) -> Path:
    objects = [one for one in load_documents((HUNG / f"{name}.yaml").read_bytes()) if one]
    made = [change(one) if which(one["kind"]) else one for one in objects]
    path = folder / "changed.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [one for one in made if one]}))
    return path


def ended_with(state: str) -> Callable[[Any], Any]:
    def change(upgrade: Any) -> Any:
        upgrade["metadata"]["labels"]["harvesterhci.io/upgradeState"] = state
        return upgrade

    return change


def test_a_step_within_its_time_is_under_way_only_when_all_was_read(typed: Typed, tmp_path: Path) -> None:
    words = ("--source", str(HUNG / "unexplained.yaml"), "--now", "2026-11-23T16:40:00Z")
    document = answer(typed, *words)  # a file that holds no events cannot say that there is none
    (one,) = document["runs"]
    assert (one["hangs"], one["cause"], document["verdict"], document["exitCode"]) == (
        False,
        "upgrade-running",
        "undecided",
        4,
    )
    assert one["command"] is None
    with KubeServer() as server:
        server.clock = server.clock.replace(year=2026, month=11, day=23, hour=16, minute=40)
        server.put(*list_of("unexplained"))
        document = answer(typed, "--kubeconfig", str(server.kubeconfig(tmp_path)))
    assert (document["verdict"], document["exitCode"]) == ("under-way", 0), document
    (one,) = document["runs"]
    assert one["waitsFor"]["resource"]["name"] == f"{NAME}-post-drain-harv-2"


def list_of(name: str) -> list[Any]:
    return [one for one in load_documents((HUNG / f"{name}.yaml").read_bytes()) if one]


def test_an_upgrade_that_cannot_be_read_is_undecided(typed: Typed, tmp_path: Path) -> None:
    with KubeServer(list_of("machine")) as server:
        server.faults.on(Fail(403), path=r"/upgrades")
        document = answer(typed, "--kubeconfig", str(server.kubeconfig(tmp_path)))
    assert (document["verdict"], document["exitCode"]) == ("undecided", 4)
    assert "upgrade-in-progress" in [entry["check"] for entry in document["undetermined"]]


def test_a_clock_that_cannot_be_right_hides_no_upgrade(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--source", str(HUNG / "machine.yaml"), "--now", "2026-11-01T00:00:00Z")
    assert answer(typed, *words)["verdict"] == "undecided"
    assert run(["check", *words, "--to", "v1.4.1", "--select", "upgrade-in-progress"]) == 3
    assert NAME in capsys.readouterr().out


def test_a_cluster_that_cannot_be_reached_is_undecided(typed: Typed) -> None:
    document = answer(typed, "--server", "http://127.0.0.1:1", "--token", "t")
    assert (document["verdict"], document["exitCode"]) == ("undecided", 4)


@pytest.mark.parametrize("flag", ["--logs", "--watch"])
def test_a_copy_of_a_cluster_is_neither_watched_nor_asked(flag: str) -> None:
    assert run(["why", *of_file("machine"), flag]) == UsageError.exit_code


def test_only_gates_that_can_tell_are_asked() -> None:
    asked = set(checks_asked(registered_checks(Settings(plugins=False))))
    assert {"upgrade-in-progress", "upgrade-plan-in-progress", "addon-stuck", "clock-skew", "blocking-pdb"} <= asked
    assert "backup-target-refresh" not in asked


def request_for(server: KubeServer, folder: Path, **output: Any) -> Request:
    connection = Connection(kubeconfig=str(server.kubeconfig(folder)), request_timeout=5)
    return Request(settings=Settings(), connection=connection, output=Output(watch=30, format="json", **output))


def test_it_is_watched_until_the_upgrade_has_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objects = list_of("machine")
    (upgrade,) = [one for one in objects if one["kind"] == "Upgrade"]
    with KubeServer(objects) as server:
        request = request_for(server, tmp_path)
        left: list[Callable[[], Any]] = [
            lambda: None,  # the same again is not told again
            lambda: server.remove("virtualmachineinstances", "kubevirt.io", "shop", "db"),
            lambda: server.put(ended_with("Succeeded")(upgrade)),
        ]
        tell = _told_while_one_runs(request.output)
        code = watch(
            partial(_look, request, logs=False), tell, request, sleep=lambda _s: left.pop(0)(), substance=_substance
        )
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert (told[0]["verdict"], told[-1]["verdict"]) == ("hangs", "none")
    assert told[-1]["last"] == {"name": NAME, "target": "v1.4.1", "state": "Succeeded"}
    assert (code, left, len(told)) == (0, [], 3)


SECRET = "level=info token: hunter2hunter2\nwaiting for \x1b[31mdb\n"


def test_logs_are_few_safe_and_without_secrets(typed: Typed, tmp_path: Path) -> None:
    pod = f"{NAME}-apply-manifests-9"
    with KubeServer(list_of("manifests")) as server:
        server.logs[SYSTEM, pod] = "old\n" * 50 + SECRET
        words = ("--kubeconfig", str(server.kubeconfig(tmp_path)))
        (one,) = answer(typed, *words, "--logs")["runs"]
        (log,) = one["logs"]
        assert (log["pod"], log["reason"]) == (f"{SYSTEM}/{pod}", None)
        assert len(log["lines"]) <= 20
        assert log["lines"][-1] == "waiting for \\x1b[31mdb"
        assert "hunter2" not in json.dumps(log)
        assert "waiting for" in typed(*words, "--logs")[1]
        assert "logs" not in answer(typed, *words)["runs"][0]
        asked = [request for request in server.requests if request.path.endswith("/log")]
        assert {request.query["tailLines"] for request in asked} == {"20"}
        assert all(int(request.query["limitBytes"]) <= 65_536 for request in asked)


def test_a_log_that_may_not_be_read_is_said(typed: Typed, tmp_path: Path) -> None:
    with KubeServer(list_of("manifests")) as server:
        server.faults.on(Fail(403), path=r"/log")
        (one,) = answer(typed, "--kubeconfig", str(server.kubeconfig(tmp_path)), "--logs")["runs"]
    (log,) = one["logs"]
    assert log["lines"] == []
    assert log["reason"]


def test_a_support_bundle_and_a_snapshot_say_the_same(typed: Typed, tmp_path: Path) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e.1", "namespace": SYSTEM},
        "type": "Warning",
        "reason": "FailedMount",
        "message": "volume is still attached to harv-3",
        "lastTimestamp": "2026-11-23T18:40:00Z",
        "involvedObject": {"kind": "Pod", "namespace": SYSTEM, "name": f"{NAME}-apply-manifests-9"},
    }
    objects = list_of("manifests")
    for one in objects:
        if one["kind"] == "Pod":
            one["status"] = {"phase": "Pending"}
    bundle = write_zip(tmp_path, bundle_files([*objects, event], created="2026-11-23T18:42:58Z"))
    (found,) = answer(typed, "--source", str(bundle))["runs"]
    assert found["cause"] == "waits-for-manifests"
    assert "FailedMount: volume is still attached to harv-3" in found["waitsFor"]["text"]
    saved = tmp_path / "saved.json"
    assert run(["snapshot", "--source", str(bundle), "-o", str(saved)]) in (0, 4)
    (again,) = answer(typed, "--source", str(saved))["runs"]
    assert again["waitsFor"] == found["waitsFor"]


@pytest.mark.parametrize(
    ("change", "target"),
    [
        (lambda one: one, "v1.4.1"),
        (ended_with("Failed"), None),
        (lambda one: {**one, "spec": {"image": "a/b"}}, None),
        (lambda one: {**one, "spec": 3}, None),
    ],
)
def test_a_running_upgrade_says_which_version_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Any], Any], target: str | None
) -> None:
    source = changed(tmp_path, "machine", lambda kind: kind == "Upgrade", change)
    code = run(["check", "--source", str(source), *NOW, "--select", "upgrade-in-progress", "-o", "json"])
    if target is None:
        assert code == 2
        assert "give --to" in capsys.readouterr().err
    else:
        assert json.loads(capsys.readouterr().out)["upgrade"]["to"] == target
