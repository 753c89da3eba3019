"""The benchmark runs; how long it takes is nobody's business here."""

from __future__ import annotations

import gzip
import json
import zipfile
from http.client import HTTPConnection
from pathlib import Path

from click.testing import CliRunner

from tests.bench.bundle import write_bundle
from tests.bench.cluster import Size, cluster
from tests.bench.report import main, serving
from tests.command import preflight

TINY = Size(nodes=4, pods=60, vms=6, volumes=12, jobs=8)


def get(server: str, path: str, **headers: str) -> tuple[int, bytes, str]:
    connection = HTTPConnection(server.removeprefix("http://"))
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Encoding", "")
    finally:
        connection.close()


def test_all_rows_are_there():
    done = CliRunner().invoke(main, ["--runs", "1", "--startup-runs", "1", "--parts", "0.02"], catch_exceptions=False)
    assert done.exit_code == 0
    for row in (
        "python -c 'import click'",
        "--version",
        "--help",
        "check --source demo",
        "fetch and json.loads (a)",
        "check, live",
        "unzip and parse with libyaml (a)",
        "check, support bundle",
    ):
        assert f"{row} " in done.stdout, row
    assert "Extrapolated, not measured" in done.stdout


def test_the_served_cluster_and_the_bundle_are_the_same_healthy_one(tmp_path: Path):
    write_bundle(TINY, tmp_path / "supportbundle_bench.zip")
    with serving(TINY) as server:
        live = preflight("check", "--server", server, "--token", "x", "--to", "v1.4.1", "-o", "json")
    bundle = preflight("check", "--source", tmp_path / "supportbundle_bench.zip", "--to", "v1.4.1", "-o", "json")
    for done in (live, bundle):
        checks = json.loads(done.stdout)["checks"]
        assert not [finding for check in checks for finding in check["findings"]]
        assert not [check["reason"] for check in checks if "crashed" in check["reason"] or "unpars" in check["reason"]]
    assert sum(check["status"] == "pass" for check in json.loads(live.stdout)["checks"]) > 40


def test_pages_tokens_and_encodings_of_the_server():
    with serving(TINY) as server:
        status, body, encoding = get(server, "/api/v1/pods?limit=40")
        first = json.loads(body)
        assert (status, encoding, len(first["items"])) == (200, "", 40)
        token = first["metadata"]["continue"]
        _, body, encoding = get(server, f"/api/v1/pods?limit=40&continue={token}", **{"Accept-Encoding": "gzip"})
        second = json.loads(gzip.decompress(body))
        assert (encoding, len(second["items"]), second["metadata"]["continue"]) == ("gzip", TINY.pods - 40, "")
        status, body, _ = get(server, "/api/v1/pods?limit=40&continue=6.40")
        assert (status, json.loads(body)["reason"]) == (410, "Expired")
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        _, body, _ = get(server, "/apis/batch/v1/jobs?limit=500", Accept=accept)
        assert {item["kind"] for item in json.loads(body)["items"]} == {"PartialObjectMetadata"}
        assert not any("spec" in item for item in json.loads(body)["items"])
        status, body, _ = get(
            server, "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes/pvc-vm-000002-disk-1"
        )
        assert json.loads(body)["metadata"]["name"] == "pvc-vm-000002-disk-1"
        assert get(server, "/apis/nobody.example/v1/things")[0] == 404


def test_the_size_is_the_one_asked_for(tmp_path: Path):
    kinds = cluster(TINY)
    counts = {name: len(kinds[name]) for name in ("nodes", "pods", "virtualmachines.kubevirt.io", "jobs.batch")}
    assert counts == {"nodes": 4, "pods": 60, "virtualmachines.kubevirt.io": 6, "jobs.batch": 8}
    assert len(kinds["replicas.longhorn.io"]) == 3 * len(kinds["volumes.longhorn.io"]) == 36
    for kind in kinds.values():
        objects = [json.loads(text) for text in kind.texts(json.dumps)]
        names = {(obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects}
        assert len(names) == len(objects) == len(kind)
    write_bundle(TINY, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert len(archive.namelist()) == len(set(archive.namelist()))
