"""Which cluster a report is of: the uid of namespace kube-system, from wherever it was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.documents import schema_problems
from tests.bundles import bundle_files, write_zip
from tests.command import preflight
from tests.kube import KubeServer

UID = "0a1b2c3d-0000-4000-8000-00000000c0de"
KUBE_SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": UID}}
OTHER = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "uid": "another"}}
NOW = ("--now", "2026-11-23T18:42:58Z")


@pytest.fixture
def server() -> Iterator[KubeServer]:
    with KubeServer([KUBE_SYSTEM, OTHER]) as server:
        yield server


def uid_of(*arguments: str | Path) -> Any:
    done = preflight("check", *arguments, "--to", "v1.4.1", "-o", "json")
    report = json.loads(done.stdout)
    assert schema_problems(report, {}, "report") == []
    return report["source"]["clusterUid"]


def test_a_running_cluster_its_snapshot_its_bundle_and_its_objects_are_one(server: KubeServer, tmp_path: Path) -> None:
    live = ("--kubeconfig", server.kubeconfig(tmp_path))
    assert uid_of(*live) == UID
    saved = tmp_path / "snapshot.json"
    preflight("snapshot", *live, "-o", saved)
    assert uid_of("--source", saved) == UID
    objects = tmp_path / "objects.yaml"
    objects.write_text(yaml.safe_dump_all([OTHER, KUBE_SYSTEM]))
    assert uid_of("--source", objects, *NOW) == UID
    assert uid_of("--source", write_zip(tmp_path, bundle_files([OTHER, KUBE_SYSTEM]))) == UID


def test_where_the_namespace_is_not_there_nothing_is_made_up(server: KubeServer, tmp_path: Path) -> None:
    objects = tmp_path / "objects.yaml"
    objects.write_text(yaml.safe_dump(OTHER))
    assert uid_of("--source", objects, *NOW) is None
    server.remove("namespaces", name="kube-system")
    assert uid_of("--kubeconfig", server.kubeconfig(tmp_path)) is None


def test_the_namespace_is_asked_for_by_name_and_not_being_allowed_to_is_no_gap(
    server: KubeServer, tmp_path: Path
) -> None:
    assert uid_of("--kubeconfig", server.kubeconfig(tmp_path), "--select", "addon-stuck") == UID
    assert [asked.path for asked in server.requests if "namespaces" in asked.path and asked.path.count("/") < 5] == [
        "/api/v1/namespaces/kube-system"
    ]
    server.allow = {("list", "", "nodes")}
    report = json.loads(
        preflight("check", "--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1", "-o", "json").stdout
    )
    assert report["source"]["clusterUid"] is None
    assert not [check["id"] for check in report["checks"] if "namespaces/kube-system" in check["reason"]]
