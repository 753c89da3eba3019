"""The scenarios: the healthy cluster, and what went wrong on it."""

import json
from datetime import timedelta

from addons import KLIPPER, conditions, deploy, release, supports
from build import NODES, NOW, Cluster, ago, at, condition, find, obj, pod, without
from cluster import healthy
from newer import LATER, newer
from nodes import lease

BEHIND = timedelta(seconds=-15)


def stuck_addon() -> Cluster:
    """Two Addons were enabled while a node's clock was 15 s off: their Jobs look older than the operation."""
    cluster = healthy()
    _skew(cluster, NODES[1])
    created = NOW - timedelta(hours=3, minutes=13, seconds=31)
    for seconds, name in ((0, "rancher-logging"), (5, "harvester-vm-dhcp-controller")):
        job = created + timedelta(seconds=seconds)
        addon = find(cluster, "addons.harvesterhci.io", name)
        addon["spec"]["enabled"] = True
        addon["status"] = {
            "status": "AddonEnabling",
            "conditions": conditions(job + timedelta(seconds=15), in_progress=True, completed=False),
        }
        deploy(cluster, name, created=job, node=NODES[1], node_clock=BEHIND)
    return cluster


def hung_upgrade() -> Cluster:
    """The same, met too late: an upgrade was started all the same, and is denied each patch of an Addon."""
    cluster = stuck_addon()
    name, namespace = "hvst-upgrade-x7k2p", "harvester-system"
    began, services = NOW - timedelta(minutes=112), NOW - timedelta(minutes=58)
    done = [
        {"type": kind, "status": "True", "lastUpdateTime": at(began + timedelta(minutes=minutes))}
        for kind, minutes in (("ImageReady", 19), ("RepoReady", 24), ("NodesPrepared", 54))
    ]
    no_log = {"type": "LogReady", "status": "False", "reason": "Disabled", "lastUpdateTime": at(began)}
    open_ones = [{"type": kind, "status": "Unknown"} for kind in ("Completed", "SystemServicesUpgraded")]
    state = {"harvesterhci.io/latestUpgrade": "true", "harvesterhci.io/upgradeState": "UpgradingSystemServices"}
    cluster["upgrades.harvesterhci.io"].append(
        obj(
            name,
            namespace,
            created=at(began),
            metadata={"labels": state},
            spec={"version": "v1.4.1", "logEnabled": False},
            status={
                "conditions": [no_log, *done, *open_ones],
                "previousVersion": "v1.4.0",
                "imageID": f"{namespace}/{name}",
                "nodeStatuses": {node: {"state": "Images preloaded"} for node in NODES},
            },
        )
    )
    _failing_manifests(cluster, name, namespace, services)
    return cluster


def _failing_manifests(cluster: Cluster, name: str, namespace: str, began) -> None:
    labels = {"harvesterhci.io/upgrade": name, "harvesterhci.io/upgradeComponent": "manifest"}
    job, last = f"{name}-apply-manifests", NOW - timedelta(minutes=9)
    status = {"failed": 5, "ready": 0, "startTime": at(began)}
    cluster["jobs.batch"].append(obj(job, namespace, created=at(began), metadata={"labels": labels}, status=status))
    ended = {"exitCode": 1, "reason": "Error", "startedAt": at(last), "finishedAt": ago(minutes=8)}
    one = pod(f"{job}-tq4vz", namespace, {**labels, "job-name": job}, "rancher/harvester-upgrade:v1.4.1", NODES[0])
    one["metadata"]["creationTimestamp"] = at(last)
    one["status"] = {
        "phase": "Failed",
        "startTime": at(last),
        "containerStatuses": [{"name": "apply", "ready": False, "restartCount": 0, "state": {"terminated": ended}}],
    }
    cluster["pods"].append(one)


def _skew(cluster: Cluster, node: str) -> None:
    lease(cluster, node, BEHIND)
    service = json.dumps({"ntpSyncStatus": "unsynced", "currentNtpServers": ""})
    find(cluster, "nodes", node)["metadata"]["annotations"]["node.harvesterhci.io/ntp-service"] = service


def image_pull() -> Cluster:
    """An air-gapped cluster: the image of a helm Job cannot be pulled, another Job keeps failing."""
    cluster = healthy()
    began = NOW - timedelta(minutes=47)
    image = "rancher/klipper-helm:v0.9.3-build20241008"
    text = (
        f'Back-off pulling image "{image}": failed to resolve reference "docker.io/{image}": '
        "dial tcp: lookup registry-1.docker.io: no such host"
    )
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": text}}
    _enable(cluster, "nvidia-driver-toolkit", began)
    deploy(
        cluster,
        "nvidia-driver-toolkit",
        created=began + timedelta(seconds=1),
        node=NODES[2],
        finished=False,
        job_status={"active": 1, "ready": 0, "startTime": at(began + timedelta(seconds=1))},
        pod_status=_pending(began, waiting),
    )
    _enable(cluster, "vm-import-controller", began)
    message = 'Error: chart "harvester-vm-import-controller" version "0.4.0" not found in repository: i/o timeout'
    terminated = {
        "exitCode": 1,
        "reason": "Error",
        "message": message,
        "startedAt": ago(minutes=3),
        "finishedAt": ago(minutes=2),
    }
    status = _pending(began, {"waiting": {"reason": "CrashLoopBackOff"}}) | {"phase": "Running"}
    status["containerStatuses"][0] |= {"restartCount": 9, "lastState": {"terminated": terminated}}
    deploy(
        cluster,
        "vm-import-controller",
        created=began + timedelta(seconds=1),
        node=NODES[0],
        finished=False,
        job_status={"active": 1, "ready": 0, "startTime": at(began + timedelta(seconds=1))},
        pod_status=status,
    )
    return cluster


def _enable(cluster: Cluster, name: str, began) -> None:
    addon = find(cluster, "addons.harvesterhci.io", name)
    addon["spec"]["enabled"] = True
    addon["status"] = {"status": "AddonEnabling", "conditions": conditions(began, in_progress=True, completed=False)}


def _pending(began, state: dict) -> dict:
    return {
        "phase": "Pending",
        "startTime": at(began + timedelta(seconds=1)),
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": at(began)},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": at(began)},
        ],
        "containerStatuses": [
            {"name": "helm", "image": KLIPPER, "ready": False, "restartCount": 0, "state": state, "lastState": {}}
        ],
    }


def leftovers() -> Cluster:
    """rancher-logging was disabled and experiments were removed, but not all that belonged to them went away."""
    cluster = healthy()
    name, namespace = "rancher-logging", "cattle-logging-system"
    supports(cluster, name, namespace, ago(days=9))
    release(cluster, name, namespace, "uninstalling", ago(days=9), version=2)
    labels = {"helmcharts.helm.cattle.io/chart": name}
    failed = {
        "failed": 4,
        "startTime": ago(days=9),
        "conditions": [
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": ago(days=9)}
        ],
    }
    cluster["jobs.batch"].append(
        obj(f"helm-delete-{name}", namespace, created=ago(days=9), metadata={"labels": labels}, status=failed)
    )
    instance = {"app.kubernetes.io/instance": name, "app.kubernetes.io/managed-by": "Helm"}
    for claim in ("rancher-logging-root-fluentd-0", "rancher-logging-kube-audit-fluentd-0"):
        cluster["persistentvolumeclaims"].append(
            obj(
                claim,
                namespace,
                created=ago(days=30),
                metadata={"labels": instance},
                spec={"storageClassName": "harvester-longhorn", "resources": {"requests": {"storage": "5Gi"}}},
                status={"phase": "Bound"},
            )
        )
    status = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    cluster["statefulsets.apps"].append(
        obj(
            "rancher-logging-root-fluentd",
            namespace,
            created=ago(days=30),
            metadata={"labels": instance},
            spec={"replicas": 1},
            status=status,
        )
    )
    _removed_addons(cluster)
    return cluster


def _removed_addons(cluster: Cluster) -> None:
    """Two experimental Addons that were deleted: one left its release, the other its namespace."""
    supports(cluster, "harvester-csi-driver-lvm", "harvester-system", ago(days=40))
    release(cluster, "harvester-csi-driver-lvm", "harvester-system", "deployed", ago(days=40))
    without(cluster, "addons.harvesterhci.io", "rancher-vcluster")
    namespace = find(cluster, "namespaces", "rancher-vcluster")
    namespace["metadata"]["deletionTimestamp"] = ago(days=3)
    message = "Some content in the namespace has finalizers remaining: management.cattle.io/cluster-owner in 1 resource"
    namespace["status"] = {
        "phase": "Terminating",
        "conditions": [condition("NamespaceFinalizersRemaining", reason="SomeFinalizersRemain", message=message)],
    }


SCENARIOS: dict[str, tuple] = {
    "healthy": ("three healthy nodes of v1.4.0, ready for v1.4.1", healthy),
    "healthy-1.7.3": (
        "three healthy nodes of v1.7.3, ready for v1.8.2",
        lambda: newer("v1.7.3", "v1.8.2"),
        NOW + LATER,
    ),
    "healthy-1.8.2": (
        "three healthy nodes of v1.8.2, ready for v1.9.1",
        lambda: newer("v1.8.2", "v1.9.1"),
        NOW + LATER,
    ),
    "stuck-addon": ("two Addons of v1.4.0 hang in Enabling because a node's clock is 15 s behind", stuck_addon),
    "hung-upgrade": ("an upgrade to v1.4.1 that waits for one of these Addons", hung_upgrade),
    "image-pull": ("an air-gapped cluster: images of Addons cannot be pulled", image_pull),
    "leftovers": ("what disabled and deleted Addons left behind", leftovers),
}
