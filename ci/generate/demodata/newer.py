"""The healthy cluster at a newer release: what the knowledge says of that release, put over the one of v1.4.0.

Everything that was added to the healthy cluster is kept. Versions, charts and Addons come from checks/knowledge; what
newer releases do otherwise (classes, settings, budgets, conditions that never become true) is below.
"""

import json
import re
from datetime import datetime, timedelta

from addons import REPOSITORY
from build import NOW, Cluster, at, condition, find, obj, without
from cluster import healthy

import checks
from preflight.knowledge.packaged import shipped
from preflight.releases import Release
from preflight.values.versions import parse_version

KNOWLEDGE = shipped([checks])
BASE = "v1.4.0"
LATER = datetime.fromisoformat("2026-10-12T09:41:05+00:00") - NOW
NEVER_KNOWN = ("ControlPlaneMachinesUpToDate", "WorkerMachinesUpToDate")
NEVER_TRUE = ("RollingOut", "ScalingUp", "ScalingDown", "Remediating", "Deleting", "Paused")
SLOW_SETTINGS = (
    ("priority-class", "longhorn-critical"),
    ("guaranteed-instance-manager-cpu", '{"v1": "12", "v2": "12"}'),
)
"""Settings of Longhorn that count as not applied until every volume was detached once."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")
_OWN_BUDGETS = "kubevirt-disruption-budget-"


def newer(running: str, target: str) -> Cluster:
    """Return the healthy cluster of a release, ready for another one."""
    base, release = _release(BASE), _release(running)
    cluster = healthy()
    swaps = {
        base.name: release.name,
        f"{base.kubernetes}+rke2r1": f"{release.kubernetes}+rke2r1",
        f"{base.kubernetes}-rke2r1": f"{release.kubernetes}-rke2r1",
        f"instance-manager:{base.longhorn}": f"instance-manager:{release.longhorn}",
        f"longhorn-engine:{base.longhorn}": f"longhorn-engine:{release.longhorn}",
        f"{base.kubevirt.removeprefix('v')}-": f"{release.kubevirt.removeprefix('v')}-",
    }
    swaps |= {base.addons[name].version: addon.version for name, addon in release.addons.items() if name in base.addons}
    cluster = _swapped(cluster, {old: new for old, new in swaps.items() if old and new})
    _charts(cluster, release)
    _addons(cluster, release)
    _settings(cluster, release)
    _machines(cluster)
    _conditions(cluster)
    without(cluster, "versions.harvesterhci.io", "v1.4.1")
    moved: Cluster = _moved(cluster, LATER)
    moved["versions.harvesterhci.io"] = [_version(target)]
    return moved


def _release(name: str) -> Release:
    found = KNOWLEDGE.release(parse_version(name))
    assert found, name
    return found


def _swapped(value, swaps: dict[str, str]):
    """Put each new text in the place of the old one, wherever it stands."""
    if isinstance(value, str):
        for old, new in swaps.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, list):
        return [_swapped(item, swaps) for item in value]
    return {key: _swapped(item, swaps) for key, item in value.items()} if isinstance(value, dict) else value


def _later(text: str, span: timedelta) -> str:
    return at(datetime.fromisoformat(f"{text}+00:00") + span).removesuffix("Z")


def _moved(value, span: timedelta):
    """Move every time by the same span."""
    if isinstance(value, str):
        return _TIME.sub(
            lambda found: at(datetime.fromisoformat(f"{found[1]}+00:00") + span)[:-1] + (found[2] or "") + "Z", value
        )
    if isinstance(value, list):
        return [_moved(item, span) for item in value]
    return {key: _moved(item, span) for key, item in value.items()} if isinstance(value, dict) else value


def _charts(cluster: Cluster, release: Release) -> None:
    for chart in cluster["managedcharts.management.cattle.io"]:
        chart["spec"]["version"] = release.name.removeprefix("v")


def _addons(cluster: Cluster, release: Release) -> None:
    """Add the Addons that the release has and v1.4.0 had not, switched off."""
    there = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in cluster["addons.harvesterhci.io"]}
    for name, addon in release.addons.items():
        namespace, _, short = name.partition("/")
        if (namespace, short) not in there:
            spec = {
                "chart": addon.chart,
                "repo": REPOSITORY,
                "version": addon.version,
                "enabled": False,
                "valuesContent": "",
            }
            cluster["addons.harvesterhci.io"].append(obj(short, namespace, spec=spec, status={"status": ""}))


def _settings(cluster: Cluster, release: Release) -> None:
    """From 1.7 on: the class of the upgrade image, and a time limit for its log. From 1.8 on: a network for shares."""
    cluster["storageclasses.storage.k8s.io"].append(
        obj(
            "longhorn-static",
            metadata={"annotations": {}},
            provisioner="driver.longhorn.io",
            reclaimPolicy="Delete",
            allowVolumeExpansion=True,
            volumeBindingMode="Immediate",
            parameters={"staleReplicaTimeout": "30"},
        )
    )
    config = {
        "imagePreloadOption": {"strategy": {"type": "sequential"}},
        "nodeUpgradeOption": {"strategy": {"mode": "auto"}},
        "restoreVM": False,
        "logReadyTimeout": "5",
    }
    find(cluster, "settings.harvesterhci.io", "upgrade-config")["default"] = json.dumps(config)
    if release.version.within(">=1.8.0"):
        empty = json.dumps({"share-storage-network": False})
        cluster["settings.harvesterhci.io"].append(obj("rwx-network", default=empty, value=""))
        cluster["settings.longhorn.io"].append(obj("endpoint-network-for-rwx-volume", "longhorn-system", value=""))
    else:
        name = "storage-network-for-rwx-volume-enabled"
        cluster["settings.longhorn.io"].append(obj(name, "longhorn-system", value="false"))
    find(cluster, "settings.longhorn.io", "default-replica-count")["value"] = json.dumps({"v1": "3", "v2": "3"})


def _machines(cluster: Cluster) -> None:
    """KubeVirt makes no budgets of its own any more, and these machines have sockets, which migrate to any release."""
    names = [budget["metadata"]["name"] for budget in cluster["poddisruptionbudgets.policy"]]
    without(cluster, "poddisruptionbudgets.policy", *(name for name in names if name.startswith(_OWN_BUDGETS)))
    specs = [machine["spec"]["template"]["spec"] for machine in cluster["virtualmachines.kubevirt.io"]]
    specs += [machine["spec"] for machine in cluster["virtualmachineinstances.kubevirt.io"]]
    for spec in specs:
        spec["domain"]["cpu"] = {"cores": 1, "sockets": 2, "threads": 1}
    importer = find(cluster, "cdis.cdi.kubevirt.io", "cdi")["spec"]["config"]
    importer["podResourceRequirements"] = {"limits": {"cpu": "1", "memory": "2G"}}


def _conditions(cluster: Cluster) -> None:
    """Conditions that a healthy cluster shows and that look like faults: they never become true."""
    provisioning = find(cluster, "clusters.provisioning.cattle.io", "local")["status"]["conditions"]
    provisioning += [condition("Reconciling", False), condition("Stalled", False)]
    provisioning += [
        {**condition(kind), "status": "Unknown"} for kind in ("DefaultProjectCreated", "SystemProjectCreated")
    ]
    cluster_api = find(cluster, "clusters.cluster.x-k8s.io", "local")
    cluster_api["status"]["initialization"] = {"infrastructureProvisioned": True, "controlPlaneInitialized": True}
    cluster_api["status"]["conditions"] += [
        *(
            {**condition(kind), "status": "Unknown"}
            for kind in ("ControlPlaneMachinesUpToDate", "WorkerMachinesUpToDate")
        ),
        *(
            condition(kind, False)
            for kind in ("RollingOut", "ScalingUp", "ScalingDown", "Remediating", "Deleting", "Paused")
        ),
    ]
    for machine in cluster["machines.cluster.x-k8s.io"]:
        machine["status"].setdefault("conditions", []).extend(
            condition(kind, False) for kind in ("Updating", "Paused", "Deleting")
        )
    for name, value in SLOW_SETTINGS:
        setting = obj(name, "longhorn-system", value=value, status={"applied": False})
        cluster["settings.longhorn.io"].append(setting)
    for node in cluster["nodes"]:
        there = {one["type"] for one in node["status"]["conditions"]}
        if "NetworkUnavailable" not in there:
            node["status"]["conditions"].append(condition("NetworkUnavailable", False, reason="FlannelIsUp"))


def _version(target: str) -> dict:
    spec = {
        "isoURL": f"https://releases.rancher.com/harvester/{target}/harvester-{target}-amd64.iso",
        "isoChecksum": "5a" * 64,
        "releaseDate": "20260928",
        "minUpgradableVersion": _release(target).minimum,
        "tags": [target],
    }
    return obj(target, "harvester-system", created=at(NOW + LATER - timedelta(days=2)), spec=spec)
