"""After a fix was killed: what `check`, `fix`, `fix --resume` and `rollback` say and come to, as they are typed."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.cli import run
from preflight.remediation.lease import NAME
from tests.kube import Outcome
from tests.remediation.killing import Killed, killed_at
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, status_of, stuck

CHECK = ("check", "--to", "v1.4.1", "--select", "addon-stuck", "--select", "repair-interrupted")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def typed(here: World, *words: str) -> int:
    return run([*words, "--kubeconfig", str(here.server.kubeconfig(here.folder))])


def dies_before(here: World, monkeypatch: pytest.MonkeyPatch, step: int, **choice: Any) -> World:
    """Let a fix be killed when it comes to a step."""
    plan, writer = here.plan(**choice), here.writer
    with killed_at(monkeypatch, 10_000) as life, contextlib.suppress(Killed):

        def say(text: str) -> None:
            if text.startswith(f"step {step}:"):
                life.dead = True
                raise Killed

        here.apply(plan, writer=writer, recheck=None, say=say)
    return here


def causes(here: World, capsys: pytest.CaptureFixture[str]) -> set[str]:
    capsys.readouterr()
    assert typed(here, *CHECK, "-o", "json") == 3
    return {one["cause"] for check in json.loads(capsys.readouterr().out)["checks"] for one in check["findings"]}


@pytest.fixture
def gone(world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    """The Addon was deleted for a rebuild, and not created again."""
    return dies_before(world(*stuck("one")), monkeypatch, 2, strategy="rebuild", force=True)


@pytest.fixture
def off(world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    """The Addon was disabled by a toggle, and not enabled again."""
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, created="2026-11-23T18:42:30Z", status={"failed": 1}))
    return dies_before(here, monkeypatch, 2)


def test_neither_check_nor_a_second_fix_passes_over_it(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    died = gone.server.clock
    assert causes(gone, capsys) == {"repair-running"}
    for words in (("fix",), ("fix", "--apply", "--yes")):
        gone.server.clock = died  # each request takes a second, and the lease holds for a minute
        assert typed(gone, *words) == 5
        assert "another fix is at work" in capsys.readouterr().err
    gone.server.clock += timedelta(minutes=2)
    assert causes(gone, capsys) == {"repair-interrupted"}
    for words in (("fix",), ("fix", "--apply", "--yes")):
        assert typed(gone, *words) == 5
        told = capsys.readouterr().err
        assert f"fix --resume {gone.backup}/journal.json --apply" in told
        assert f"rollback {gone.backup}/journal.json --apply" in told


def test_check_remediate_does_not_pass_over_it_either(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    gone.server.put(*stuck("two"))
    gone.server.clock += timedelta(minutes=2)
    before = gone.writes()
    assert typed(gone, *CHECK, "--remediate") == 5
    assert "cut off" in capsys.readouterr().err
    assert gone.writes() == before


def test_resume_plans_then_finishes_it(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    gone.server.clock += timedelta(minutes=2)
    before = gone.writes(dry=True)
    assert typed(gone, "fix", "--resume", str(gone.backup)) == 0
    captured = capsys.readouterr()
    assert "create Addon addons/one" in captured.out
    assert "RUNNING: the run was cut off" in captured.err
    assert gone.writes(dry=True) == before
    assert typed(gone, "fix", "--resume", str(gone.backup), "--apply", "--yes") == 0
    assert gone.addon("one")["spec"]["enabled"] is False
    document = json.loads((gone.backup / "journal.json").read_text())
    assert (document["command"], document["outcome"]) == ("resume", "converged")
    assert typed(gone, *CHECK) == 0
    assert typed(gone, "fix", "--resume", str(gone.backup), "--apply", "--yes") == 0


def test_rollback_puts_it_back(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    gone.server.clock += timedelta(minutes=2)
    assert typed(gone, "rollback", str(gone.backup), "--apply", "--yes") == 0
    told = capsys.readouterr().err
    assert "RUNNING: the run was cut off" in told
    assert "every step reached its goal" in told
    assert "put back with" not in told
    gone.server.tick(6)
    assert status_of(gone.addon("one")) == "AddonDeploySuccessful"
    assert typed(gone, *CHECK) == 0


def test_while_it_may_still_live_it_is_not_settled(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("fix", "--resume"), ("rollback",)):
        assert typed(gone, *words, str(gone.backup), "--apply", "--yes") == 5
        assert "another fix is at work" in capsys.readouterr().err


def test_an_addon_that_was_off_is_on_again(off: World, capsys: pytest.CaptureFixture[str]) -> None:
    off.server.clock += timedelta(minutes=2)
    assert causes(off, capsys) == {"repair-interrupted"}
    assert typed(off, "fix", "--resume", str(off.backup), "--apply", "--yes") == 0
    assert status_of(off.addon("one")) == "AddonDeploySuccessful"
    assert typed(off, *CHECK) == 0


def test_a_resume_that_fails_leaves_the_mark(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    gone.server.clock += timedelta(minutes=2)
    gone.server.admission.append(lambda review: "no" if review.operation == "CREATE" else None)
    assert typed(gone, "fix", "--resume", str(gone.backup), "--apply", "--yes") == 5
    assert causes(gone, capsys) == {"repair-interrupted"}
    gone.server.admission.clear()
    assert typed(gone, "fix", "--resume", str(gone.backup), "--apply", "--yes") == 0
    assert gone.server.object("leases", "coordination.k8s.io", "harvester-system", NAME) is None


def test_a_fix_that_ends_half_done_is_found_as_well(world: MakeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, created="2026-11-23T18:42:30Z", status={"failed": 1}))
    here.server.controllers.outcomes["helm-delete-one"] = Outcome.FAIL
    assert here.apply(here.plan()).exit_code == 5
    assert "repair-interrupted" in causes(here, capsys)
    assert typed(here, "fix", "--resume", str(here.backup), "--apply", "--yes") == 5
    here.server.controllers.outcomes.clear()
    assert typed(here, "fix", "--resume", str(here.backup), "--apply", "--yes") == 0, capsys.readouterr().err
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"
    assert typed(here, *CHECK) == 0
