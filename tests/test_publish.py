"""`check --publish` against a cluster: what is written, replaced, deleted, and what is left alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight import permissions
from preflight.cluster.publish import PUBLISHED
from preflight.rbac import Subject, manifests
from preflight.sources.text.yaml_reading import load_documents
from tests.command import ROOT, preflight
from tests.kube import Fail, KubeServer, rules_of

OBJECTS = list(load_documents((ROOT / "tests" / "fixtures" / "job-predates.yaml").read_bytes()))
OPEN = ("clusterreports", "openreports.io")
POLICY = ("clusterpolicyreports", "wgpolicyk8s.io")


@pytest.fixture
def server() -> Iterator[KubeServer]:
    with KubeServer(OBJECTS) as server:
        yield server


def publish(server: KubeServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = server.kubeconfig(folder)
    return preflight("check", "--kubeconfig", config, "--to", "v1.4.1", "-o", "name", "--publish", *arguments)


def names(server: KubeServer, where: tuple[str, str] = OPEN) -> list[str]:
    return sorted(entry["metadata"]["name"] for entry in server.objects(*where))


def results(server: KubeServer, where: tuple[str, str] = OPEN) -> list[dict[str, Any]]:
    return [result for entry in server.objects(*where) for result in entry["results"]]


def test_the_report_is_in_the_cluster_and_the_verdict_stays(server: KubeServer, tmp_path: Path) -> None:
    done = publish(server, tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("addon.harvesterhci.io/")
    assert f"published: {len(names(server))} ClusterReport objects; 0 of" in done.stderr
    stuck = [entry for entry in results(server) if entry["policy"] == "addon-stuck" and entry["result"] == "fail"]
    assert {entry["resources"][0]["name"] for entry in stuck} == {"rancher-logging", "harvester-vm-dhcp-controller"}
    assert server.objects(*POLICY) == []


def test_a_second_run_replaces_and_deletes_only_what_is_ours(server: KubeServer, tmp_path: Path) -> None:
    publish(server, tmp_path)
    first = {entry["metadata"]["name"]: entry["metadata"]["uid"] for entry in server.objects(*OPEN)}
    ours = {"app.kubernetes.io/managed-by": "harvester-preflight"}
    server.put(report("harvester-preflight-gone", {**ours, PUBLISHED: "true"}))
    server.put(report("somebody-elses", {}), report("applied-by-hand", ours))
    done = publish(server, tmp_path, "--fail-on", "never")
    assert (done.returncode, "; 1 of an earlier run deleted" in done.stderr) == (0, True), done.stderr
    assert names(server) == sorted([*first, "somebody-elses", "applied-by-hand"])
    now = {entry["metadata"]["name"]: entry["metadata"]["uid"] for entry in server.objects(*OPEN)}
    assert {name: now[name] for name in first} == first


def report(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "openreports.io/v1alpha1",
        "kind": "ClusterReport",
        "metadata": {"name": name, "labels": labels},
        "results": [],
    }


def test_the_predecessor_is_written_where_only_that_is_served(server: KubeServer, tmp_path: Path) -> None:
    server.kinds.remove("openreports.io")
    done = publish(server, tmp_path)
    assert "ClusterPolicyReport" in done.stderr
    assert names(server, POLICY)
    assert {entry["severity"] for entry in results(server, POLICY) if "severity" in entry} <= {"high", "medium", "low"}


def test_without_definitions_nothing_is_installed_and_the_run_says_so(server: KubeServer, tmp_path: Path) -> None:
    server.kinds.remove("openreports.io")
    server.kinds.remove("wgpolicyk8s.io")
    done = publish(server, tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("addon.harvesterhci.io/"), "the report is printed all the same"
    assert "serves neither clusterreports of openreports.io/v1alpha1 nor clusterpolicyreports" in done.stderr
    assert {asked.method for asked in server.requests} == {"GET"}


def test_an_object_of_that_name_that_is_not_ours_is_left_alone(server: KubeServer, tmp_path: Path) -> None:
    server.put(report("harvester-preflight-addons", {"owner": "someone"}))
    done = publish(server, tmp_path)
    assert done.returncode == 1
    assert "ClusterReport harvester-preflight-addons exists and is not one that this tool published" in done.stderr
    (theirs,) = [entry for entry in server.objects(*OPEN) if entry["metadata"]["name"] == "harvester-preflight-addons"]
    assert theirs["results"] == []


def test_who_may_not_is_told_what_to_allow(server: KubeServer, tmp_path: Path) -> None:
    server.faults.on(Fail(403, "clusterreports.openreports.io is forbidden"), path=r"/clusterreports", times=None)
    done = publish(server, tmp_path)
    assert done.returncode == 1
    assert "harvester-preflight rbac --with-publish" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--source", "demo"), ("--context", "a,b"), ("--select", "nodes"), ("--skip", "node-ready")]
)
def test_only_the_whole_answer_about_a_live_cluster_of_ones_own_can_be_published(arguments: tuple[str, ...]) -> None:
    done = preflight("check", "--publish", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--publish" in done.stderr


def test_the_permissions_are_enough_and_none_too_many(server: KubeServer, tmp_path: Path) -> None:
    rules = rules_of(manifests(permissions.PUBLISH, Subject()))
    server.allow = {("list", "*", "*"), ("get", "*", "*")} | rules
    server.put(
        report("harvester-preflight-gone", {"app.kubernetes.io/managed-by": "harvester-preflight", PUBLISHED: "true"})
    )
    for _ in range(2):
        assert publish(server, tmp_path).returncode == 3
    server.kinds.remove("openreports.io")
    for _ in range(2):
        assert publish(server, tmp_path).returncode == 3
    old = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "ClusterPolicyReport"}
    server.put(
        {
            **report(
                "harvester-preflight-gone", {"app.kubernetes.io/managed-by": "harvester-preflight", PUBLISHED: "true"}
            ),
            **old,
        }
    )
    assert publish(server, tmp_path).returncode == 3
    assert {rule for rule in rules if rule[0] != "list"} <= server.used
