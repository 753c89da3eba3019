"""States rebuilt from public reports, each over a healthy cluster: one fault is one entry, named, and it blocks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.render.entries import entries_of

FOLDER = Path(__file__).parent / "fixtures" / "public"
DEMOS = Path(__file__).parents[1] / "preflight" / "demo"
HEAD = re.compile(r"# (\S+): (v\S+) -> (v\S+?)\. ")

EXPECTED = {
    "01-logging-addon-failed": ("addon-stuck", "job-failed"),
    "02-monitoring-disabling-hung": ("addon-stuck", "disabling-stalled"),
    "03b-kubeovn-network-unavailable": ("node-pressure", "network-unavailable"),
    "04a-longhorn-v2-running": ("longhorn-v2-volumes", "v2-volume-attached"),
    "05-fleet-release-pending": ("helm-release-pending", "release-pending"),
    "06-chart-object-missing": ("managed-chart-drift", "chart-object-missing"),
    "16-third-party-default-class": ("default-storage-class", "other-default-class"),
    "27-control-plane-reconciling": ("rancher-control-plane-settled", "plan-not-applied"),
}


def state(name: str, tmp_path: Path) -> dict[str, Any]:
    """Lay a state over the healthy demo nearest to its version, and check it."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    head = HEAD.match(text)
    assert head
    base = "healthy" if head[2] < "v1.7" else "healthy-1.7.3"
    document = json.loads((DEMOS / f"{base}.json").read_text(encoding="utf-8"))
    gone = re.search(r"^# taken away: (\S+) (\S+)$", text, re.MULTILINE)
    entries = document["entries"]
    for obj in yaml.safe_load(text)["items"]:
        for entry in entries.values():
            entry["objects"] = [one for one in entry["objects"] if key(one) != key(obj)]
        homes = [name for name in entries if fits(name, obj)]
        assert homes, key(obj)
        for home in homes:
            entries[home]["objects"].append(obj)
            entries[home].pop("fields", None)
    versions = entries["versions.harvesterhci.io"]["objects"]
    versions[0]["metadata"]["name"] = head[3]
    if gone:
        entries[gone[1]]["objects"] = [
            one
            for one in entries[gone[1]]["objects"]
            if f"{one['metadata'].get('namespace')}/{one['metadata']['name']}" != gone[2]
        ]
    path = tmp_path / "state.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    argv = ["check", "--source", str(path), "--from", head[2], "--to", head[3], "-o", "json", "--no-plugins"]
    ran = subprocess.run([sys.executable, "-m", "preflight", *argv], capture_output=True, text=True, check=False)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


def key(obj: dict[str, Any]) -> tuple[str, str, str, str]:
    metadata = obj["metadata"]  # three API groups have a Cluster fleet-local/local
    return obj["apiVersion"].partition("/")[0], obj["kind"], metadata.get("namespace") or "", metadata["name"]


def fits(resource: str, obj: dict[str, Any]) -> bool:
    from preflight.resources import RESOURCES

    row = RESOURCES[resource]
    return (row.kind, row.api_version) == (obj["kind"], obj["apiVersion"]) and row.accepts(obj)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_a_state_that_was_met_is_named_and_blocks(name: str, tmp_path: Path) -> None:
    report = state(name, tmp_path)
    roots = [entry for entry in entries_of(report).blocking if entry.number]
    assert [(entry.check["id"], entry.cause) for entry in roots] == [EXPECTED[name]]
    (entry,) = roots
    assert all(finding["consequence"] for finding in entry.findings)
    assert all(finding["commands"] or finding["hint"] for finding in entry.findings)
