"""Every gate that a Harvester upgrade is known to have answers by its id, and each demo is read without a hitch."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import pytest

import preflight.demo
from preflight.flow import examine, registered_checks
from preflight.registry import find_plugins, load_checks
from preflight.report import report_dict
from preflight.settings import Settings
from preflight.sources import open_source

DEMOS = Path(preflight.demo.__file__).parent
GATES = """
addon-settled
airgap-upgradelog-images
backing-image-copies
backup-target-refresh
blocking-pdb
capi-cluster-paused
capi-cluster-provisioned
capi-machine-match
capi-machine-running
cdi-available
cdi-importer-memory
certificate-expiry
cos-state-size
default-storage-class
fleet-bundle-ready
harvester-bundle-ready
hostname-fqdn
image-volume-size
kubeconfig-secret-label
kubevirt-available
kubevirt-crd-stale
kubevirt-migration-config
kubevirt-workload-update
leftover-upgradelog
legacy-bios
logging-dangling-flows
longhorn-auto-delete-pod
longhorn-eviction-requested
longhorn-migration-flap
longhorn-node-stale
longhorn-oversized-volume
longhorn-recurring-jobs
longhorn-share-manager-hotfix
longhorn-volume-health
managed-chart-paused
managed-chart-ready
migration-cannot-finish
nginx-webhook-disabled
nic-rename
node-custom-taints
node-dhcp-client-id
node-disk-space
node-internal-ip
node-network-config
node-ready
node-schedulable
node-time-sync
oem-yaml-v2-scripts
orphan-engine
passive-image-sparse
pod-health
pod-security-admission
rancher-import-version
rwx-network-ips
rwx-storage-network-1-8-0
schedule-vm-backup-active
secondary-vlan
single-replica-volumes
stale-attached-volume
stale-hotplug-volume
storage-network-ips
upgrade-cleanup-pending
upgrade-config-setting
upgrade-image-storage-class
upgrade-in-progress
upgrade-path
upgrade-pause-map
upgrade-version-object
vm-backup-in-progress
vm-cpu-feature-selector
vm-cpu-topology
vm-dashboard-configmaps
vm-evacuation-pdb
vm-live-migration
vm-not-counted-out
webhook-token-age
witness-node
"""
"""The ids are a promise to waivers and pipelines: one may be added, none may go."""
VERSIONS = ("v1.4.0", "v1.4.1", "v1.4.3", "v1.5.1", "v1.6.1", "v1.7.1", "v1.8.0", "v1.8.2", "v1.9.0")
UNREAD_IN_THE_DEMO = {"kubevirt-crd-stale", "longhorn-share-manager-hotfix", "rwx-network-ips"}
"""A cluster of v1.4.0 holds nothing of what these need on later versions."""


def test_every_gate_is_registered_under_its_id() -> None:
    known = {name for check in load_checks(find_plugins(only_ours=True)) for name in (check.id, *check.aliases)}
    assert set(GATES.split()) <= known


def demo_report(name: str, running: str, target: str) -> dict[str, Any]:
    settings = Settings(source=f"demo:{name}", from_version=running, to_version=target)

    def never(_needs: object) -> Any:
        raise AssertionError("a demo needs no cluster")

    read = open_source(settings.source, now=None, live=never, stdin=io.BytesIO())
    return report_dict(examine(registered_checks(settings), settings, read).report)


@pytest.mark.parametrize(
    ("name", "running", "target"),
    [("healthy", "v1.4.0", "v1.4.1"), ("healthy-1.7.3", "v1.7.3", "v1.8.2"), ("healthy-1.8.2", "v1.8.2", "v1.9.1")],
)
def test_a_healthy_cluster_is_ready(name: str, running: str, target: str) -> None:
    report = demo_report(name, "", "")
    assert (report["upgrade"], report["verdict"]) == ({"from": running, "to": target, **_via(report)}, "ready")
    told = {check["id"]: check["status"] for check in report["checks"] if check["status"] not in ("pass", "skipped")}
    assert told == {}
    assert not [one for check in report["checks"] for one in check["findings"] if one["severity"] != "info"]


def _via(report: dict[str, Any]) -> dict[str, Any]:
    """The ways to upgrade are tested by themselves."""
    return {key: value for key, value in report["upgrade"].items() if key not in ("from", "to")}


@pytest.mark.parametrize("name", [path.stem for path in sorted(DEMOS.glob("*.json"))])
def test_a_demo_is_understood_for_every_pair_of_versions(name: str) -> None:
    for running, target in itertools.combinations(VERSIONS, 2):
        for check in demo_report(name, running, target)["checks"]:
            if check["id"] not in UNREAD_IN_THE_DEMO:
                assert check["status"] != "unknown", (running, target, check["id"], check["reason"])
