"""Whatever becomes of a run whose arguments were understood: every report that was asked for is written."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.request import Request
from preflight.cli.unreadable import undecided
from preflight.documents import schema_problems
from preflight.errors import SourceError
from preflight.flow import registered_checks
from preflight.render import RENDERERS
from preflight.report import report_dict
from preflight.settings import Settings
from tests.command import command, environment, preflight
from tests.kube import Fail, KubeServer
from tests.kube.kubeconfig import write

DEAD = "http://127.0.0.1:1"


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """A kubeconfig of a cluster that is switched off."""
    return write(tmp_path, DEAD, token="t0k3n", context="lab")


def files(folder: Path) -> list[str]:
    return [word for name in RENDERERS for word in ("--report", f"{name}={folder}/{name}.out")]


def shape(report: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(check["id"], check["status"], check["reasons"]) for check in report["checks"]]


def test_a_cluster_that_is_switched_off_gives_every_report(dead: Path, tmp_path: Path) -> None:
    done = preflight("check", "--kubeconfig", dead, "--to", "v1.4.1", "-o", "json", *files(tmp_path))
    assert (done.returncode, done.stderr) == (4, "")
    report = json.loads(done.stdout)
    assert schema_problems(report, {}, "report") == []
    assert (report["verdict"], report["exitCode"]) == ("undecided", 4)
    source = report["source"]
    assert (source["context"], source["name"], source["unread"]["code"]) == ("lab", DEAD, "unreachable")
    assert {check["status"] for check in report["checks"]} == {"unknown", "skipped"}
    reasons = [reason for check in report["checks"] for reason in check["reasons"]]
    assert reasons
    assert all(reason == source["unread"] for reason in reasons)
    for name in RENDERERS:
        text = (tmp_path / f"{name}.out").read_text(encoding="utf-8")
        assert text or name == "name"  # which names findings, and there are none
        assert "t0k3n" not in text
        assert name in ("name", "prometheus") or "127.0.0.1:1" in text, name


def test_it_is_the_report_that_a_run_over_several_clusters_gives(dead: Path) -> None:
    arguments = ("check", "--kubeconfig", dead, "--to", "v1.4.1", "-o", "json")
    alone = json.loads(preflight(*arguments).stdout)
    (among,) = json.loads(preflight(*arguments, "--all-contexts").stdout)["reports"]
    assert shape(alone) == shape(among)
    assert {*alone, "context"} == {*among}
    assert {key: value for key, value in alone["source"].items() if key not in ("collectedAt", "connection")} == {
        key: value for key, value in among["source"].items() if key not in ("collectedAt", "connection")
    }


def test_the_table_says_it_in_one_line(dead: Path) -> None:
    done = preflight("check", "--kubeconfig", dead, "--to", "v1.4.1", env={"COLUMNS": "200"})
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"UNDECIDED  lab: cannot read the cluster at {DEAD}")
    assert line.endswith("exit code 4")
    many = preflight("check", "--kubeconfig", dead, "--to", "v1.4.1", "--all-contexts", env={"COLUMNS": "200"})
    assert many.stdout.splitlines()[1:] == ["", line]


def test_a_run_that_leaves_the_blocker_out_is_not_plainly_ready() -> None:
    done = preflight("check", "--source", "demo", "--select", "nodes")
    first, *_, last = done.stdout.splitlines()
    for line in (first, last):
        assert re.match(r"READY as far as asked: \d+ of \d+ gates", line), line
    report = json.loads(preflight("check", "--source", "demo", "--select", "nodes", "-o", "json").stdout)
    assert report["scope"]["partial"] is True
    assert "addon-stuck" in report["scope"]["leftOut"]
    assert 0 < report["scope"]["asked"] < report["scope"]["applicable"]


def test_what_is_left_out_is_said_of_a_dead_cluster_too(dead: Path) -> None:
    done = preflight("check", "--kubeconfig", dead, "--to", "v1.4.1", "--select", "node-ready")
    assert done.stdout.startswith("UNDECIDED as far as asked: 1 of ")


@pytest.mark.parametrize("flags", [("--remediate",), ("--wait", "1s")], ids=" ".join)
def test_nothing_to_repair_and_nothing_to_wait_for_is_a_report_too(
    dead: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    done = preflight(
        "check", "--kubeconfig", dead, "--to", "v1.4.1", *flags, "--report", f"json={tmp_path}/out.json", cwd=tmp_path
    )
    assert done.returncode == 4
    assert json.loads((tmp_path / "out.json").read_text())["source"]["unread"]


def test_a_server_that_does_not_know_us_is_a_report_that_says_so(tmp_path: Path) -> None:
    with KubeServer() as server:
        server.faults.on(Fail(401), times=None)
        done = preflight("check", "--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1", "-o", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (4, "undecided")
    assert report["source"]["unread"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        ("copy.zip", "support-bundle", "copy.zip"),
        ("objects.yaml", "objects", "objects.yaml"),
        ("-", "objects", "standard input"),
    ],
)
def test_a_copy_that_is_broken_is_a_report_of_that_copy(source: str, kind: str, name: str) -> None:
    request = Request(settings=Settings(source=source, to_version="v1.4.1"))
    found = undecided(registered_checks(request.settings), request, SourceError("it is damaged"))
    report = report_dict(found.report)
    assert schema_problems(report, {}, "report") == []
    assert (report["source"]["type"], report["source"]["name"], report["verdict"]) == (kind, name, "undecided")
    assert report["source"]["unread"]["text"] == "it is damaged"


def test_where_nothing_was_asked_nothing_is_undecided(dead: Path, tmp_path: Path) -> None:
    done = preflight("check", "--kubeconfig", dead, "--context", "nope", "--report", f"json={tmp_path}/out.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert not (tmp_path / "out.json").exists()


def test_a_full_disk_behind_standard_output_keeps_no_file_back(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = command("check", "--source", "demo", "--report", f"json={tmp_path}/out.json")
        done = subprocess.run(words, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "standard output" in done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "blocked"
