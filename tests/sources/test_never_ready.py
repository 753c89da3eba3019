"""What is less than a whole cluster never ends READY, whatever is missing and whichever check is asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import ROOT, preflight

Entries = dict[str, Any]
HEALTHY = json.loads((ROOT / "preflight" / "demo" / "healthy.json").read_text("utf-8"))
ADDONS, ENGINES, REPLICAS = "addons.harvesterhci.io", "engines.longhorn.io", "replicas.longhorn.io"
LONGHORN_NODES, CERTIFICATES = "nodes.longhorn.io", "endpoints/apiserver-certificates"


def first(count: int, kind: str) -> Callable[[Entries], None]:
    def cut(entries: Entries) -> None:
        assert len(entries[kind]["objects"]) > count
        entries[kind]["objects"] = entries[kind]["objects"][:count]

    return cut


def exit_code(tmp_path: Path, change: Callable[[Entries], None], *select: str) -> int:
    snapshot = copy.deepcopy(HEALTHY)
    change(snapshot["entries"])
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(snapshot), "utf-8")
    chosen = [word for name in select for word in ("--select", name)]
    return preflight("check", "--source", path, "--to", "v1.4.1", *chosen).returncode


def test_the_whole_is_ready(tmp_path: Path) -> None:
    assert exit_code(tmp_path, lambda entries: None) == 0


@pytest.mark.parametrize(
    ("kind", "count", "check"),
    [
        ("managedcharts.management.cattle.io", 0, "managed-chart-ready"),
        (ADDONS, 0, "addon-stuck"),
        ("storageclasses.storage.k8s.io", 0, "default-storage-class"),
        (ENGINES, 0, "orphan-engine"),
        (ENGINES, 0, "longhorn-volume-health"),
        (REPLICAS, 0, "longhorn-volume-health"),
        (LONGHORN_NODES, 1, "longhorn-node-stale"),
        (LONGHORN_NODES, 1, "longhorn-eviction-requested"),
        (CERTIFICATES, 1, "certificate-expiry"),
        ("leases.coordination.k8s.io", 1, "clock-skew"),
        ("nodes/stats-summary", 1, "node-disk-space"),
        ("machines.cluster.x-k8s.io", 1, "capi-machine-match"),
    ],
)
def test_a_kind_that_lacks_objects_is_never_ready(tmp_path: Path, kind: str, count: int, check: str) -> None:
    assert exit_code(tmp_path, first(count, kind)) in (3, 4)
    assert exit_code(tmp_path, first(count, kind), check) in (3, 4)


def objects_of(entries: Entries) -> list[Any]:
    return [obj for entry in entries.values() for obj in entry.get("objects", ()) if obj.get("apiVersion")]


def addons() -> list[Any]:
    found: list[Any] = HEALTHY["entries"][ADDONS]["objects"]
    return found


PAGE = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "AddonList", "metadata": {"continue": "abc"}}
FAILURE = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": "etcdserver: timed out", "code": 500}
OTHER = [{**one, "metadata": {**one["metadata"], "uid": "other"}} for one in addons()]
ONE_NAMESPACE = [one for one in addons() if one["metadata"]["namespace"] == "harvester-system"]


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param([{**PAGE, "items": addons()}], id="a page of a List"),
        pytest.param([*addons(), FAILURE], id="the failure of a server"),
        pytest.param(ONE_NAMESPACE, id="one namespace"),
        pytest.param([*addons(), *OTHER], id="two clusters"),
    ],
)
@pytest.mark.parametrize("select", [(), ("--select", "addon-stuck")])
def test_a_file_that_is_not_the_whole_is_never_ready(
    tmp_path: Path, instead: list[Any], select: tuple[str, ...]
) -> None:
    others = [obj for obj in objects_of(HEALTHY["entries"]) if obj["kind"] != "Addon"]
    path = tmp_path / "dump.json"
    path.write_text("\n".join(map(json.dumps, [*others, *instead])), "utf-8")
    done = preflight("check", "--source", path, "--to", "v1.4.1", *select)
    assert done.returncode == 4, done.stdout + done.stderr


def test_the_same_file_with_every_addon_is_ready_for_them(tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    path.write_text("\n".join(map(json.dumps, objects_of(HEALTHY["entries"]))), "utf-8")
    done = preflight("check", "--source", path, "--to", "v1.4.1", "--select", "addon-stuck")
    assert done.returncode == 0, done.stdout + done.stderr
