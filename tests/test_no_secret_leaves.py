"""A secret planted in a cluster is in no snapshot, in no report of whatever format, and in nothing that is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from preflight.render import RENDERERS
from tests.command import preflight
from tests.kube import KubeServer
from tests.test_live_command import objects_of

HUSH = "hush4711"
URL = f"https://robot:{HUSH}@files.example/harvester.iso?X-Amz-Signature={HUSH}&Expires={HUSH}"
CONFIG = json.dumps({"restoreVM": URL, "password": HUSH})
SAID = f"pull of {URL} failed: --password {HUSH}, token={HUSH}, Authorization: Bearer {HUSH}{HUSH}"
CHECKS = ("addon-stuck", "pod-health", "upgrade-version-object", "upgrade-config-setting")


def named(api_version: str, kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def planted() -> list[dict[str, Any]]:
    """A blocked cluster with the secret in arguments, addresses, settings and messages, some of which become findings."""
    objects = [deepcopy(obj) for obj in objects_of("job-predates.yaml")]
    gone = {("Setting", "upgrade-config"), ("Version", "v1.4.1")}
    objects = [obj for obj in objects if (obj["kind"], obj.get("metadata", {}).get("name")) not in gone]
    for obj in objects:
        if obj["kind"] in ("Addon", "HelmChart", "Job"):
            for condition in obj.get("status", {}).get("conditions") or ():
                condition["message"] = SAID
    waiting = {"name": "c", "ready": False, "state": {"waiting": {"reason": "ImagePullBackOff", "message": SAID}}}
    container = {"name": "c", "image": "i", "command": ["run", "--password", HUSH], "args": [f"--dsn={URL}", HUSH]}
    condition = {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": SAID}
    return [
        *objects,
        named(
            "v1",
            "Pod",
            "planted",
            "harvester-system",
            spec={"nodeName": "node1", "containers": [{**container, "env": [{"name": "A", "value": HUSH}]}]},
            status={"phase": "Pending", "conditions": [condition], "containerStatuses": [waiting]},
        ),
        named(
            "harvesterhci.io/v1beta1", "Version", "v1.4.1", "harvester-system", spec={"isoURL": URL, "isoChecksum": "x"}
        ),
        named(
            "harvesterhci.io/v1beta1",
            "Setting",
            "upgrade-config",
            value=json.dumps({"restoreVM": URL, "password": HUSH}),
        ),
        named("harvesterhci.io/v1beta1", "Setting", "http-proxy", value=json.dumps({"httpProxy": URL})),
        named("harvesterhci.io/v1beta1", "Setting", "of-somebody", value=HUSH, default=HUSH),
    ]


@pytest.fixture
def server() -> Iterator[KubeServer]:
    with KubeServer(planted()) as server:
        yield server


def test_no_report_and_nothing_published_holds_it(server: KubeServer, tmp_path: Path) -> None:
    assert all(HUSH in json.dumps(obj) for obj in server.objects("versions", "harvesterhci.io"))
    reports = [f"--report={name}={tmp_path / name}" for name in RENDERERS]
    arguments = ("--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1", "--publish", "-vv")
    done = preflight("check", *arguments, *reports)
    assert done.returncode == 3, done.stderr
    found = {check["id"]: check for check in json.loads((tmp_path / "json").read_text())["checks"]}
    assert [name for name in CHECKS if not found[name]["findings"]] == []
    assert "***" in json.dumps([found[name] for name in CHECKS])
    texts = {name: (tmp_path / name).read_text() for name in RENDERERS}
    texts |= {"stdout": done.stdout, "stderr": done.stderr}
    texts["published"] = json.dumps(server.objects("clusterreports", "openreports.io"))
    assert texts["published"] != "[]"
    assert [name for name, text in texts.items() if HUSH in text] == []


def test_no_snapshot_holds_it_and_what_is_decided_by_it_is_the_same(server: KubeServer, tmp_path: Path) -> None:
    config = ("--kubeconfig", server.kubeconfig(tmp_path))
    taken = preflight("snapshot", *config, "-o", tmp_path / "s.json")
    text = (tmp_path / "s.json").read_text()
    assert '"planted"' in text
    assert HUSH not in text + taken.stdout + taken.stderr
    done = preflight("check", "--source", tmp_path / "s.json", "--to", "v1.4.1", "-o", "json")
    assert HUSH not in done.stdout + done.stderr
    of_live = json.loads(preflight("check", *config, "--to", "v1.4.1", "-o", "json").stdout)
    assert causes(json.loads(done.stdout)) == causes(of_live)


def causes(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (check["id"], finding["cause"])
        for check in report["checks"]
        if check["id"] in CHECKS
        for finding in check["findings"]
    ]
