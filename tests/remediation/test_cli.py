"""fix, rollback, check --remediate and --wait as they are typed, with their exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from preflight.api import WARN, Finding, ResourceRef
from preflight.cli import run
from preflight.cli.remediate import only_transient, wait_while_transient
from preflight.documents import load_schema
from preflight.flow import Examination
from preflight.model import CheckResult, SourceInfo, Status, UpgradePair
from preflight.report import build_report
from tests.kube import Call
from tests.remediation.world import (
    CHECKS,
    MakeWorld,
    World,
    addon,
    chart_of,
    declare,
    job_of,
    setting,
    status_of,
    stuck,
)

Type = Callable[..., int]


@pytest.fixture(autouse=True)
def _checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the commands see the tests' own checks, and work in a folder of their own."""
    monkeypatch.setattr("preflight.cli.repairing.registered_checks", lambda _settings: CHECKS)
    monkeypatch.setattr("preflight.cli.check.registered_checks", lambda _settings: CHECKS)
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def unwrapped(text: str) -> str:
    """Take out the line breaks that the width of the terminal put in."""
    return " ".join(text.split())


def typed(here: World, *words: str) -> int:
    return run([*words, "--kubeconfig", str(here.server.kubeconfig(here.folder))])


def journals(here: World) -> list[Path]:
    return sorted(here.folder.glob("harvester-preflight-*/journal.json"))


def test_fix_plans_and_changes_nothing(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    assert typed(here, "fix") == 0
    out = capsys.readouterr().out
    assert out.startswith("PLAN: 1 step for 1 finding (live: http://127.0.0.1:")
    for words in ("delete Job addons/helm-install-one (uid job-one", "risk", "undo", "until", "--apply"):
        assert words in out
    flags = f"--kubeconfig {here.server.kubeconfig(here.folder)}"
    assert f"kubectl {flags} -n addons delete job helm-install-one --cascade=background" in out
    assert here.writes(dry=True) == []
    assert journals(here) == []


def test_the_plan_as_json_fits_its_schema(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"), *stuck("two", "job-image-pull"))
    assert typed(here, "fix", "-o", "json") == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    Draft202012Validator(load_schema("plan")).validate(document)
    assert document["steps"][0]["object"]["uid"] == "job-one"
    assert document["refused"][0]["cause"] == "job-image-pull"
    assert "hunter2" not in out


def test_fix_apply_yes_converges_and_the_second_check_is_clean(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("rancher-logging"), *stuck("harvester-vm-dhcp-controller"))
    here.server.controllers.delay = 4
    assert typed(here, "check", "--to", "v1.4.1") == 3
    assert typed(here, "fix", "--apply", "--yes") == 0
    told = capsys.readouterr().err
    assert "step 1: delete Job addons/helm-install-harvester-vm-dhcp-controller" in told
    assert "waiting: " in told  # no terminal: what is new is said line by line
    assert "repaired: every step reached its goal" in told
    assert "rollback" in told
    assert sorted(method for method, _ in here.writes()) == ["DELETE", "DELETE"]
    assert typed(here, "check", "--to", "v1.4.1") == 0
    assert len(journals(here)) == 1


def test_fix_apply_with_nothing_to_do_is_fine_and_with_nothing_it_may_do_is_not(world: MakeWorld) -> None:
    assert typed(world(), "fix", "--apply", "--yes") == 0
    here = world(*stuck("one", "unknown"))
    assert typed(here, "fix", "--apply", "--yes") == 5
    assert typed(here, "fix") == 0
    assert here.writes(dry=True) == []


def test_what_was_left_alone_beside_a_repair_is_no_success(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"), *stuck("two", "job-image-pull"))
    assert typed(here, "fix", "--apply", "--yes") == 5
    told = capsys.readouterr().err
    assert "repaired: every step" in told
    assert "NOT repaired besides: 1" in told
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def test_a_warning_that_is_left_alone_is_no_failure_unless_it_was_named(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftovers = declare("addon-leftovers", "helmcharts.helm.cattle.io", WARN)
    monkeypatch.setattr("preflight.cli.repairing.registered_checks", lambda _settings: (CHECKS[0], leftovers))
    chart = chart_of(addon("gone", ""))
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    here = world(chart, controllers=False)
    assert typed(here, "fix", "--apply", "--yes") == 0
    assert typed(here, "fix", "--apply", "--yes", "--only", "addon-leftovers") == 5
    assert here.writes(dry=True) == []


def test_a_plan_that_cannot_tell_is_undecided(world: MakeWorld) -> None:
    here = world()
    here.server.allow = {("list", "harvesterhci.io", "settings"), ("list", "harvesterhci.io", "versions")}
    assert typed(here, "fix") == 4


def test_without_a_terminal_yes_is_needed(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    assert typed(here, "fix", "--apply") == 2
    assert "add --yes" in capsys.readouterr().err
    assert here.server.requests == []


class Terminal(io.TextIOWrapper):
    def __init__(self, typed: str) -> None:
        super().__init__(io.BytesIO(typed.encode()))

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "writes"), [("y\n", 0, 1), ("n\n", 5, 0), ("\n", 5, 0)])
def test_with_a_terminal_it_asks(
    world: MakeWorld,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    code: int,
    writes: int,
) -> None:
    here = world(*stuck("one"))
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert typed(here, "fix", "--apply") == code
    captured = capsys.readouterr()
    assert f"Carry out 1 step on context test ({here.server.url})?" in captured.err
    assert "Carry out" not in captured.out
    assert len(here.writes()) == writes


def test_what_is_lost_is_said_again_before_the_question(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"))
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert typed(here, "fix", "--strategy", "rebuild", "--force", "--apply") == 5
    captured = capsys.readouterr()
    assert "This is lost: the addon is UNINSTALLED" in captured.err
    assert "LOSES" in captured.out


def test_what_destroys_is_shown_but_not_carried_out_without_force(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"))
    assert typed(here, "fix", "--strategy", "rebuild") == 0
    assert "--apply --force" in capsys.readouterr().out
    assert typed(here, "fix", "--strategy", "rebuild", "--apply", "--yes") == 5
    assert "needs --force, because this is lost: the addon is UNINSTALLED" in unwrapped(capsys.readouterr().out)
    assert here.writes(dry=True) == []


def test_only_names_what_is_repaired(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    assert typed(here, "fix", "--only", "addon-stuck:addons/two", "--apply", "--yes") == 0
    assert [path.rpartition("-")[2] for _, path in here.writes()] == ["two"]
    assert typed(here, "fix", "--only", "no-such-check") == 2


def test_only_that_matches_no_finding_is_said(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(world(*stuck("one")), "fix", "--only", "addon-stuck:addons/tow") == 0
    assert "no finding now for --only addon-stuck:addons/tow" in capsys.readouterr().err


def test_a_refusal_before_anything_was_changed_exits_5(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    here.server.allow = {("list", "*", "*"), ("get", "*", "*")}
    assert typed(here, "fix", "--apply", "--yes") == 5
    told = capsys.readouterr().err
    assert "delete jobs.batch in addons" in told
    assert "Nothing was changed" in told


def test_ctrl_c_while_waiting_says_what_is_left(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"), *stuck("two"))
    interrupt = Call(lambda _server: os.kill(os.getpid(), signal.SIGINT))
    here.server.faults.on(interrupt, method="GET", path="jobs/helm-install-one", after=1)  # saved, then waited for
    assert typed(here, "fix", "--apply", "--yes") == 130
    told = capsys.readouterr().err
    assert "INTERRUPTED" in told
    assert "left: step 1" in told
    assert "step 2 (delete Job addons/helm-install-two): not begun" in told
    (journal,) = journals(here)
    document = json.loads(journal.read_text())
    assert document["outcome"] == "interrupted"
    assert [entry["state"] for entry in document["steps"]] == ["written", "left"]


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a stuck Addon, on a machine where every connection fails the test."""
    path = tmp_path / "objects.yaml"
    path.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [setting(), *with_state(stuck("one"))]})
    )

    def connect(*_args: Any, **_more: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "create_connection", connect)
    return path


def with_state(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for number, obj in enumerate(objects):
        obj["metadata"].setdefault("uid", f"u-{number}")
        obj["metadata"]["resourceVersion"] = str(number + 1)
        obj["metadata"].setdefault("creationTimestamp", "2026-11-23T18:40:00Z")
    return objects


def test_an_offline_fix_prints_the_commands_and_opens_no_connection(
    offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fix", "--source", str(offline), "--server", "http://127.0.0.1:9"]) == 0
    out = capsys.readouterr().out
    assert "kubectl -n addons delete job helm-install-one --cascade=background" in out
    assert "This source is a copy" in out


def test_an_offline_source_cannot_be_repaired(offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fix", "--source", str(offline), "--apply", "--yes"]) == 2
    assert "cannot be repaired" in capsys.readouterr().err
    assert run(["check", "--source", str(offline), "--to", "v1.4.1", "--remediate"]) == 2
    assert run(["check", "--source", str(offline), "--to", "v1.4.1", "--wait", "5m"]) == 2


def test_rollback_plans_then_puts_back(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    assert typed(here, "fix", "--strategy", "rebuild", "--force", "--apply", "--yes") == 0
    (journal,) = journals(here)
    before = len(here.writes(dry=True))
    assert typed(here, "rollback", str(journal)) == 0
    assert "update Addon addons/one" in capsys.readouterr().out
    assert len(here.writes(dry=True)) == before
    assert typed(here, "rollback", str(journal.parent), "--apply", "--yes") == 0
    assert here.addon("one")["spec"]["enabled"] is True
    back = [path for path in journals(here) if path != journal]
    assert [json.loads(path.read_text())["command"] for path in back] == ["rollback"]
    assert typed(here, "rollback", str(back[0])) == 2


def test_validate_knows_journals_and_plans(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    assert typed(here, "fix", "-o", "json") == 0
    (here.folder / "plan.json").write_text(capsys.readouterr().out)
    assert typed(here, "fix", "--apply", "--yes") == 0
    assert run(["validate", "plan.json"]) == 0
    assert run(["validate", str(journals(here)[0])]) == 0
    assert "valid (journal)" in capsys.readouterr().out


def test_rollback_of_another_cluster_is_refused(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    typed(here, "fix", "--apply", "--yes")
    (journal,) = journals(here)
    there = world()
    kube_system = there.server.object("namespaces", "", None, "kube-system")
    assert kube_system is not None
    there.server.remove("namespaces")
    there.server.put({**kube_system, "metadata": {"name": "kube-system", "uid": "cluster-2"}})
    assert typed(there, "rollback", str(journal)) == 5
    assert "another cluster" in capsys.readouterr().err


def test_rollback_that_leaves_something_alone_exits_5(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one"))
    typed(here, "fix", "--strategy", "rebuild", "--force", "--apply", "--yes")
    here.server.remove("addons", "harvesterhci.io")
    other = addon("one", "")
    other["spec"].update(enabled=False, version="2.0.0")
    here.server.put(other)
    (journal,) = journals(here)
    assert typed(here, "rollback", str(journal), "--apply", "--yes") == 5
    captured = capsys.readouterr()
    assert "somebody changed it since" in unwrapped(captured.out)
    assert "Addon addons/one" in captured.out


def test_a_journal_that_is_not_there_is_a_usage_error(world: MakeWorld) -> None:
    assert typed(world(), "rollback", "no-such-file.json") == 2


def test_check_remediate_repairs_and_exits_with_the_second_verdict(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"))
    assert typed(here, "check", "--to", "v1.4.1", "-o", "json", "--remediate") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "ready"
    assert len(here.writes()) == 1


def test_check_remediate_saves_where_it_is_told(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    assert typed(here, "check", "--to", "v1.4.1", "--remediate", "--backup-dir", "kept") == 0
    assert json.loads((here.folder / "kept" / "journal.json").read_text())["command"] == "check"


def test_check_remediate_touches_only_what_is_marked_and_named(world: MakeWorld) -> None:
    failed = addon("two", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(failed)
    here = world(*stuck("one"), failed, chart, *job_of(chart, status={"failed": 1}))
    assert typed(here, "check", "--to", "v1.4.1", "--remediate=addon-leftovers") == 3
    assert here.writes() == []
    assert typed(here, "check", "--to", "v1.4.1", "--remediate=no-such-check") == 2
    assert typed(here, "check", "--to", "v1.4.1", "--remediate=addon-stuck") == 3
    assert [path.rpartition("-")[2] for _, path in here.writes()] == ["one"]
    assert status_of(here.addon("two")) == "AddonEnabling"


def test_check_remediate_repairs_nothing_that_was_left_out(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    to = ("check", "--to", "v1.4.1")
    assert typed(here, *to, "--skip", "addon-stuck", "--remediate") in (0, 4)
    assert typed(here, *to, "--skip", "addon-stuck", "--remediate=addon-stuck") in (0, 4)
    assert here.writes() == []
    assert typed(here, *to, "--select", "addon-stuck", "--remediate") == 0
    assert len(here.writes()) == 1


def test_check_remediate_that_fails_exits_5_and_still_reports(
    world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(*stuck("one"))
    here.server.admission.append(lambda review: "no" if review.operation == "DELETE" else None)
    assert typed(here, "check", "--to", "v1.4.1", "-o", "json", "--remediate") == 5
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["exitCode"]) == ("blocked", 5)


def test_check_remediate_with_nothing_to_repair_is_just_a_check(world: MakeWorld) -> None:
    assert typed(world(), "check", "--to", "v1.4.1", "--remediate") == 0
    assert typed(world(*stuck("one", "unknown")), "check", "--to", "v1.4.1", "--remediate") == 3


def test_waiting_counts_warnings_where_they_block() -> None:
    passing = Finding(severity=WARN, cause="c", message="m", hint="h", resource=ResourceRef("v1", "Node", "", "n1"))
    result = CheckResult("t", "t", "nodes", Status.WARN, "", "", 0.0, (replace(passing, transient=True),))
    source, pair = SourceInfo("live", "x", datetime(2026, 11, 23, tzinfo=UTC)), UpgradePair(None, None)
    assert len(only_transient(build_report(source, pair, [result], "warn"))) == 1
    assert only_transient(build_report(source, pair, [result], "fail")) == []
    lasting = replace(result, findings=(passing,))
    assert only_transient(build_report(source, pair, [result, lasting], "warn")) == []


def waited(here: World, seconds: float, *, after: Callable[[], None] = lambda: None) -> tuple[Examination, list[float]]:
    time = here.time

    def again() -> Examination:
        after()
        return here.examine()

    found = wait_while_transient(here.examine(), again, seconds=seconds, monotonic=lambda: time.now, sleep=time.sleep)
    return found, time.slept


def test_waiting_ends_when_what_is_transient_has_passed(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    here = world(*stuck("one", "progressing"), controllers=False)

    def settle() -> None:
        here.server.put({**here.addon("one"), "status": {"status": "AddonDeploySuccessful"}})

    found, slept = waited(here, 600, after=settle)
    assert found.report.exit_code == 0
    assert slept == [15.0]
    assert "waiting for: addons/one (progressing)" in capsys.readouterr().err


def test_waiting_ends_when_the_time_is_up(world: MakeWorld) -> None:
    here = world(*stuck("one", "progressing"), controllers=False)
    found, slept = waited(here, 40)
    assert found.report.exit_code == 3
    assert slept == [15.0, 15.0, 10.0]


def test_nobody_waits_for_what_will_not_pass(world: MakeWorld) -> None:
    here = world(*stuck("one", "progressing"), *stuck("two"), controllers=False)
    found, slept = waited(here, 600)
    assert found.report.exit_code == 3
    assert slept == []


@pytest.mark.parametrize("command", ["fix", "rollback"])
def test_help_is_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert "--backup-dir" in capsys.readouterr().out
