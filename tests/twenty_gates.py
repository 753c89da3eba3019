"""The healthy demo with more than twenty gates violated, as data: what each change is, and which check must find it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

NODE = "harv-node-3"
OLD = "2024-12-11T11:33:12Z"

CHANGES: tuple[tuple[str, str, str, str, Any], ...] = (
    # who enforces it is what the checks say; here: check, resource, object, path, value
    ("node-ready", "nodes", "harv-node-1", "status.conditions.0.status", "False"),
    ("node-schedulable", "nodes", "harv-node-2", "spec.unschedulable", True),
    ("node-internal-ip", "nodes", NODE, "metadata.annotations.[rke2.io/internal-ip]", ""),
    ("node-custom-taints", "nodes", NODE, "spec.taints", [{"key": "own", "value": "x", "effect": "NoSchedule"}]),
    ("node-disk-space", "nodes/stats-summary", NODE, "node.fs.usedBytes", 310_000_000_000),
    ("certificate-expiry", "endpoints/apiserver-certificates", "10.0.10.11:6443", "certificates.0.notAfter",
     "2025-02-12T00:00:00Z"),
    ("capi-cluster-paused", "clusters.cluster.x-k8s.io", "local", "spec.paused", True),
    ("capi-cluster-provisioned", "clusters.cluster.x-k8s.io", "local", "status.phase", "Provisioning"),
    ("capi-machine-running", "machines.cluster.x-k8s.io", "custom-harv-node-1", "status.phase", "Provisioning"),
    ("capi-machine-match", "machines.cluster.x-k8s.io", "custom-harv-node-2", "status.nodeRef.name", "nobody"),
    ("kubeconfig-secret-label", "secrets/local-kubeconfig", "local-kubeconfig", "metadata.labels", {}),
    ("managed-chart-ready", "managedcharts.management.cattle.io", "harvester", "status.conditions.0.status", "False"),
    ("managed-chart-paused", "managedcharts.management.cattle.io", "harvester-crd", "spec.paused", True),
    ("harvester-bundle-ready", "bundles.fleet.cattle.io", "mcc-harvester", "status.summary.ready", 0),
    ("fleet-bundle-ready", "bundles.fleet.cattle.io", "mcc-rancher-logging-crd", "status.summary.ready", 0),
    ("longhorn-volume-health", "volumes.longhorn.io", "pvc-web-disk-0", "status.robustness", "degraded"),
    ("single-replica-volumes", "volumes.longhorn.io", "pvc-db-disk-0", "spec.numberOfReplicas", 1),
    ("longhorn-eviction-requested", "nodes.longhorn.io", NODE, "spec.evictionRequested", True),
    ("backing-image-copies", "backingimages.longhorn.io", "vmi-leap156", "spec.minNumberOfCopies", 1),
    ("kubevirt-available", "kubevirts.kubevirt.io", "kubevirt", "status.conditions.0.status", "False"),
    ("vm-live-migration", "virtualmachineinstances.kubevirt.io", "web", "spec.nodeSelector",
     {"kubernetes.io/hostname": "harv-node-1"}),
    ("addon-stuck", "addons.harvesterhci.io", "pcidevices-controller", "status.status", "AddonEnabling"),
    ("upgrade-path", "settings.harvesterhci.io", "server-version", "value", "v1.3.0"),
    ("clock-skew", "leases.coordination.k8s.io", "harv-node-2", "spec.renewTime", "2025-02-10T18:31:00.000000Z"),
)  # fmt: skip


def snapshot(changes: tuple[tuple[str, str, str, str, Any], ...] = CHANGES) -> dict[str, Any]:
    """Return the demo's snapshot with the changes made."""
    document: dict[str, Any] = json.loads(files("preflight.demo").joinpath("healthy.json").read_bytes())
    for _, resource, name, path, value in changes:
        found = [obj for obj in document["entries"][resource]["objects"] if obj["metadata"]["name"] == name]
        assert found, (resource, name)
        _put(found[0], path, value)
    return document


def _put(obj: Any, path: str, value: Any) -> None:
    plain, _, bracket = path.partition(".[")
    parts = [*plain.split("."), *([bracket.rstrip("]")] if bracket else [])]
    for part in parts[:-1]:
        obj = obj[int(part)] if part.isdigit() else obj.setdefault(part, {})
    obj[parts[-1]] = value
