"""What an ordinary operation looks like from outside, moment by moment: never stuck, always waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.cli import run
from tests.kube.objects import release
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, status_of

FIXTURES = Path(__file__).parent.parent / "fixtures"
TO = ("--to", "v1.4.1")


def typed(here: World, *words: str) -> int:
    return run([*words, "--kubeconfig", str(here.server.kubeconfig(here.folder))])


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.setattr("preflight.cli.remediate.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def settled(*, enabled: bool) -> list[dict[str, Any]]:
    """An Addon at rest. Its Job is of long ago."""
    owner = addon("one", "", enabled=enabled, status="AddonDeploySuccessful" if enabled else "AddonDisabled")
    for entry in owner["status"]["conditions"]:
        entry["status"] = {"InProgress": "False", "Completed": "True"}.get(entry["type"], "False")
    if not enabled:
        return [owner]
    chart = chart_of(owner)
    return [owner, chart, *job_of(chart, created="2026-11-20T08:00:00Z"), release("addons", "one", 1)]


def enable(here: World) -> None:
    here.writer.patch(here.addon("one"), {"spec": {"enabled": True}})


def disable(here: World) -> None:
    here.writer.patch(here.addon("one"), {"spec": {"enabled": False}})


def update(here: World) -> None:
    here.writer.patch(here.addon("one"), {"spec": {"version": "2.0.0"}})


@pytest.mark.parametrize(
    ("enabled", "act", "ends"),
    [
        (False, enable, "AddonDeploySuccessful"),
        (True, disable, "AddonDisabled"),
        (True, update, "AddonDeploySuccessful"),
    ],
)
@pytest.mark.parametrize("delay", [40, 25, 10])
def test_check_waits_for_it_and_ends_ready(
    world: MakeWorld, enabled: bool, act: Callable[[World], None], ends: str, delay: int
) -> None:
    here = world(*settled(enabled=enabled))
    here.server.controllers.delay = delay
    act(here)
    code = typed(here, "check", *TO, "--select", "addon-stuck", "--select", "repair-interrupted", "--wait", "2m")
    here.server.tick(0 if act is not update else 8)  # before its controller looks, nothing tells an update from rest
    assert (code, status_of(here.addon("one"))) == (0, ends)


@pytest.mark.parametrize(
    ("enabled", "act"), [(False, enable), (True, disable), (True, update)], ids=["enable", "disable", "update"]
)
def test_no_moment_of_it_looks_stuck_or_is_repaired(
    world: MakeWorld, capsys: pytest.CaptureFixture[str], enabled: bool, act: Callable[[World], None]
) -> None:
    here = world(*settled(enabled=enabled), controllers=False)
    act(here)
    seen = []
    for moment in range(9):
        capsys.readouterr()
        typed(here, "check", *TO, "--select", "addon-stuck", "-o", "json")
        checks = json.loads(capsys.readouterr().out)["checks"]
        for finding in [one for check in checks if check["id"] == "addon-stuck" for one in check["findings"]]:
            seen.append(finding["cause"])
            assert finding["transient"], (moment, finding["cause"])
            assert finding["remediation"] is None, (moment, finding["cause"])
        here.server.tick()
    assert seen, "else it was not looked at while it moved"


@pytest.mark.parametrize(
    ("name", "cause", "strategy"),
    [
        ("enabled-while-disabling", "enabled-while-disabling", "toggle"),
        ("toggle-delete-job-failed", "disabling-stalled", "recreate-job"),
    ],
)
def test_states_that_real_controllers_left_are_named_and_can_be_repaired(
    capsys: pytest.CaptureFixture[str], name: str, cause: str, strategy: str
) -> None:
    source = ("--source", str(FIXTURES / f"{name}.yaml"), "--from", "v1.4.0", *TO, "--now", "2026-11-25T04:28:00Z")
    assert run(["check", *source, "--select", "addon-stuck", "-o", "json"]) == 3
    checks = json.loads(capsys.readouterr().out)["checks"]
    (finding,) = [one for check in checks if check["id"] == "addon-stuck" for one in check["findings"]]
    assert (finding["cause"], finding["remediation"]["strategy"]) == (cause, strategy)
    assert finding["transient"] is False
    words = [row["event"] for row in finding["evidence"]["timeline"]]
    assert "Operation ended (InProgress)" in words
    assert "Operation began (InProgress)" not in words
