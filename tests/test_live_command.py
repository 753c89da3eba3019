"""`check` on a running cluster: the whole way from the kubeconfig to the exit code."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preflight.sources.text.yaml_reading import load_documents
from tests.command import preflight, started
from tests.kube import Fail, KubeServer, Stall

FIXTURES = Path(__file__).parent / "fixtures"


def objects_of(name: str) -> list[dict[str, Any]]:
    return list(load_documents((FIXTURES / name).read_bytes()))


def found(report: dict[str, Any], check_id: str) -> list[tuple[str, str, str]]:
    check = next(entry for entry in report["checks"] if entry["id"] == check_id)
    return [(item["severity"], item["cause"], item["resource"]["name"]) for item in check["findings"]]


@pytest.fixture
def server() -> Any:
    with KubeServer(objects_of("job-predates.yaml"), page_size=2) as server:
        yield server


def check(server: KubeServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return preflight("check", "--kubeconfig", server.kubeconfig(folder), "--to", "v1.4.1", *arguments)


def test_a_cluster_served_in_small_pages_gives_the_report_of_its_dump(server: KubeServer, tmp_path: Path) -> None:
    now = ("--now", "2026-11-23T18:42:58Z", "-o", "json")
    live = check(server, tmp_path, *now)
    dump = preflight("check", "--source", FIXTURES / "job-predates.yaml", "--to", "v1.4.1", *now)
    assert live.returncode == dump.returncode == 3
    assert live.stderr == ""
    report, of_dump = json.loads(live.stdout), json.loads(dump.stdout)
    assert report["source"]["type"] == "live"
    assert report["source"]["name"] == server.url
    assert len(found(report, "addon-stuck")) == 2
    for check_id in ("addon-stuck", "clock-skew"):
        assert found(report, check_id) == found(of_dump, check_id)
    assert any("continue" in asked.query for asked in server.requests)
    assert {asked.method for asked in server.requests} == {"GET"}
    assert [entry["id"] for entry in report["checks"]] == [entry["id"] for entry in of_dump["checks"]]


def test_a_forbidden_list_is_unknown_and_never_ready(server: KubeServer, tmp_path: Path) -> None:
    server.faults.on(
        Fail(403, 'jobs.batch is forbidden: User "test" cannot list'), path="/apis/batch/v1/jobs", times=None
    )
    done = check(server, tmp_path, "-o", "json", "--select", "addon-stuck")
    entry = json.loads(done.stdout)["checks"]
    stuck = next(item for item in entry if item["id"] == "addon-stuck")
    assert done.returncode in (3, 4)
    assert stuck["status"] in ("unknown", "fail")
    assert "forbidden: cannot list jobs.batch" in done.stdout


def test_an_unreachable_server_is_undecided_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = preflight("check", "--server", address, "--to", "v1.4.1")
    assert (done.returncode, done.stderr) == (4, "")
    assert " ".join(done.stdout.split()) == (
        f"UNDECIDED cannot read the cluster at {address}: no connection: {os.strerror(errno.ECONNREFUSED)} exit code 4"
    )


def test_kubelets_that_are_down_are_one_entry_with_the_one_command_that_settles_it(
    server: KubeServer, tmp_path: Path
) -> None:
    done = check(server, tmp_path, "--select", "node-disk-space")
    entries = [line for line in done.stdout.splitlines() if line.startswith("  ? ")]
    assert len(entries) == 1, done.stdout
    assert "3 nodes (harv-node-1, harv-node-2, harv-node-3): the kubelet does not answer" in " ".join(
        done.stdout.split()
    )
    commands = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("kubectl ")]
    assert commands == [f"kubectl --kubeconfig {server.kubeconfig(tmp_path)} get nodes -o wide"]


def test_kubelets_that_may_not_be_asked_are_one_entry_with_the_role_that_allows_it(
    server: KubeServer, tmp_path: Path
) -> None:
    for path in ("stats/summary", "configz"):
        server.faults.on(Fail(403, "no"), path=f"/proxy/{path}", times=None)
    done = check(server, tmp_path, "--select", "node-disk-space")
    assert len([line for line in done.stdout.splitlines() if line.startswith("  ? ")]) == 1, done.stdout
    role = f"harvester-preflight rbac --with-kubelet | kubectl --kubeconfig {server.kubeconfig(tmp_path)} apply -f -"
    assert role in [line.strip() for line in done.stdout.splitlines()]
    for name in ("markdown", "html", "github"):
        text = check(server, tmp_path, "--select", "node-disk-space", "-o", name).stdout
        assert role in text.replace("\\|", "|"), name


@pytest.mark.parametrize("path", ["/version", "/apis", "/api/v1/pods", "/proxy/"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_reading_at_once(
    server: KubeServer, tmp_path: Path, path: str, number: signal.Signals
) -> None:
    server.faults.on(Stall(), path=path, times=None)
    arguments = ("check", "--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1")
    with started(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert server.stalled.wait(60)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "interrupted: no verdict was reached"
