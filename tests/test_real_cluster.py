"""`check` against a cluster filled with the dumps: the same verdict on its addons as from the file.

Where KUBEBUILDER_ASSETS names etcd and kube-apiserver, against those too. Everybody may do everything there; what a
forbidden list comes to is shown on the test server (test_live_command).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.sources.live.reader import Connection, read
from preflight.sources.text.yaml_reading import load_documents
from tests.command import preflight
from tests.kube.fixtures import any_server, kube_server, real_server  # noqa: F401
from tests.kube.objects import condition, parse_time
from tests.kube.store import flatten, stamp

FIXTURES = Path(__file__).parent / "fixtures"
TAKEN = "2026-11-23T18:42:58Z"
ADDONS = ("addon-stuck", "addon-leftovers")
LEFT_OUT = ("Event", "Lease", "Namespace")
"""What a server writes by itself while a test looks on."""


def objects_of(name: str) -> list[dict[str, Any]]:
    documents = list(load_documents((FIXTURES / name).read_bytes()))
    return [obj for obj in flatten(documents) if obj["kind"] not in LEFT_OUT]


def report(*arguments: str | Path) -> dict[str, Any]:
    done = preflight("check", "--to", "v1.4.1", "-o", "json", *arguments)
    loaded: dict[str, Any] = json.loads(done.stdout)
    assert loaded["exitCode"] == done.returncode, done.stderr
    return loaded


def findings_of(document: dict[str, Any]) -> dict[str, Any]:
    return {
        check["id"]: sorted((one["severity"], one["cause"], one["resource"]["name"]) for one in check["findings"])
        for check in document["checks"]
        if check["id"] in ADDONS
    }


def status_of(document: dict[str, Any], check: str) -> str:
    return str(next(entry["status"] for entry in document["checks"] if entry["id"] == check))


def moved(server: Any, objects: list[dict[str, Any]]) -> str:
    """Return the time at which the server's Addons are as old as those of the dump were when it was taken."""
    began = [_began(obj) for obj in objects if obj["kind"] == "Addon"]
    now = [_began(obj) for obj in server.objects("addons", "harvesterhci.io")]
    taken = parse_time(TAKEN)
    assert taken is not None
    return stamp(max(now) + (taken - max(began)))


def _began(addon: dict[str, Any]) -> Any:
    moment = parse_time(condition(addon, "InProgress")["lastUpdateTime"])
    assert moment is not None
    return moment


@pytest.mark.parametrize(("name", "status"), [("job-predates.yaml", "fail"), ("healthy.yaml", "pass")])
def test_a_cluster_gives_the_same_findings_as_its_dump(
    any_server: Any,  # noqa: F811
    tmp_path: Path,
    name: str,
    status: str,
) -> None:
    objects = objects_of(name)
    server = any_server(objects)
    live = report("--kubeconfig", server.kubeconfig(tmp_path), "--now", moved(server, objects))
    dump = report("--source", FIXTURES / name, "--now", TAKEN)
    assert findings_of(live) == findings_of(dump)
    assert status_of(live, "addon-stuck") == status_of(dump, "addon-stuck") == status
    assert live["source"]["type"] == "live"
    assert live["upgrade"]["from"] == dump["upgrade"]["from"] == "v1.4.0"


def test_pages_of_two_hold_the_same_as_one_page(
    any_server: Any,  # noqa: F811
    tmp_path: Path,
    needs_of: Callable[[], Any],
) -> None:
    server = any_server(objects_of("job-predates.yaml"))
    connection = Connection(kubeconfig=str(server.kubeconfig(tmp_path)))
    whole, paged = (read(needs_of(), connection, page_size=size) for size in (500, 2))
    for kind in ("addons.harvesterhci.io", "helmcharts.helm.cattle.io", "jobs.batch", "pods", "nodes"):
        assert paged.get(kind) == whole.get(kind)
        assert len(paged.get(kind).objects) > 2
    assert abs(paged.source.collected_at - whole.source.collected_at) < timedelta(minutes=10)


@pytest.fixture
def needs_of() -> Callable[[], Any]:
    from preflight.check import need

    return lambda: (
        need("addons.harvesterhci.io", "spec", "status"),
        need("helmcharts.helm.cattle.io", "status"),
        need("jobs.batch", "status"),
        need("pods", "status.phase"),
        need("nodes", "metadata.labels", "status.conditions"),
    )
