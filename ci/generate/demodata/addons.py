"""Addons with everything that belongs to them: HelmChart, Job, pod, release, service account, role binding."""

import json
from datetime import datetime, timedelta

from build import INSTALLED, NOW, Cluster, at, find, obj, owner

REPOSITORY = "http://harvester-cluster-repo.cattle-system.svc/charts"
KLIPPER = "rancher/klipper-helm:v0.9.3-build20241008"
EVENTROUTER = {"name": "event-tailer", "image": "rancher/harvester-eventrouter:v0.3.2"}
LOGGING_VALUES = json.dumps({"eventTailer": {"workloadOverrides": {"containers": [EVENTROUTER]}}})
STOCK = (
    ("rancher-logging", "cattle-logging-system", "rancher-logging", "103.1.0+up4.4.0", LOGGING_VALUES),
    ("rancher-monitoring", "cattle-monitoring-system", "rancher-monitoring", "103.1.1+up45.31.1", ""),
    ("vm-import-controller", "harvester-system", "harvester-vm-import-controller", "0.4.0", ""),
    ("pcidevices-controller", "harvester-system", "harvester-pcidevices-controller", "0.4.0", ""),
    ("harvester-seeder", "harvester-system", "harvester-seeder", "0.4.0", ""),
    ("nvidia-driver-toolkit", "harvester-system", "nvidia-driver-runtime", "0.1.1", ""),
    ("harvester-vm-dhcp-controller", "harvester-system", "harvester-vm-dhcp-controller", "0.3.3", ""),
    ("rancher-vcluster", "rancher-vcluster", "vcluster", "v0.19.0", ""),
)
ENABLED = ("rancher-monitoring", "pcidevices-controller")


def conditions(started: datetime, *, in_progress: bool, completed: bool, failed: bool = False) -> list[dict]:
    return [
        {"type": kind, "status": str(value), "lastUpdateTime": at(started)}
        for kind, value in (("InProgress", in_progress), ("Completed", completed), ("OperationFailed", failed))
    ]


def add_all(cluster: Cluster) -> None:
    """Every Addon of a stock 1.4.0 cluster, settled; the enabled ones were deployed the day after the installation."""
    for name, namespace, chart, version, values in STOCK:
        enabled = name in ENABLED
        status = {
            "status": "AddonDeploySuccessful" if enabled else "AddonDisabled" if name == "rancher-logging" else ""
        }
        if enabled or status["status"]:
            status["conditions"] = conditions(INSTALLED + timedelta(days=1), in_progress=False, completed=True)
        spec = {"chart": chart, "repo": REPOSITORY, "version": version, "enabled": enabled, "valuesContent": values}
        cluster["addons.harvesterhci.io"].append(obj(name, namespace, spec=spec, status=status))
        if enabled:
            deploy(cluster, name, created=INSTALLED + timedelta(days=1, seconds=1))


def deploy(
    cluster: Cluster,
    name: str,
    *,
    created: datetime,
    node: str = "harv-node-1",
    node_clock: timedelta = timedelta(),
    finished: bool = True,
    pod_status: dict | None = None,
    job_status: dict | None = None,
) -> None:
    """What helm-controller and helm make of an enabled Addon. `node_clock`: how far off the pod's node is."""
    addon = find(cluster, "addons.harvesterhci.io", name)
    namespace, spec = addon["metadata"]["namespace"], addon["spec"]
    job_name = f"helm-install-{name}"
    chart = obj(
        name,
        namespace,
        created=at(created),
        metadata={
            "ownerReferences": [owner("harvesterhci.io/v1beta1", "Addon", addon, controller=False)],
            "finalizers": ["wrangler.cattle.io/on-helm-chart-remove"],
            "generation": 1,
        },
        spec={key: spec[key] for key in ("chart", "repo", "version", "valuesContent")},
        status={"jobName": job_name},
    )
    cluster["helmcharts.helm.cattle.io"].append(chart)
    done = created + timedelta(seconds=4)
    if job_status is None:
        job_status = {
            "startTime": at(created),
            "completionTime": at(done),
            "succeeded": 1,
            "ready": 0,
            "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": at(done)}],
        }
    labels = {"helmcharts.helm.cattle.io/chart": name}
    job = obj(
        job_name,
        namespace,
        created=at(created),
        metadata={
            "labels": labels,
            "ownerReferences": [owner("helm.cattle.io/v1", "HelmChart", chart)],
            "generation": 1,
        },
        spec={"backoffLimit": 1000, "completions": 1, "parallelism": 1},
        status=job_status,
    )
    cluster["jobs.batch"].append(job)
    began, ended = created + node_clock, created + node_clock + timedelta(seconds=3)
    terminated = {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": at(began + timedelta(seconds=1)),
        "finishedAt": at(ended),
    }
    cluster["pods"].append(
        obj(
            f"{job_name}-x7k2p",
            namespace,
            created=at(created),
            metadata={
                "labels": labels
                | {
                    "job-name": job_name,
                    "batch.kubernetes.io/job-name": job_name,
                    "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
                    "controller-uid": job["metadata"]["uid"],
                },
                "ownerReferences": [owner("batch/v1", "Job", job)],
            },
            spec={"nodeName": node, "restartPolicy": "OnFailure", "containers": [{"name": "helm", "image": KLIPPER}]},
            status=pod_status
            or {
                "phase": "Succeeded",
                "startTime": at(began),
                "conditions": [{"type": "Ready", "status": "False", "reason": "PodCompleted"}],
                "containerStatuses": [
                    {
                        "name": "helm",
                        "image": KLIPPER,
                        "restartCount": 0,
                        "ready": False,
                        "state": {"terminated": terminated},
                    }
                ],
            },
        )
    )
    supports(cluster, name, namespace, at(created))
    if finished:
        release(cluster, name, namespace, "deployed", at(ended))


def supports(cluster: Cluster, name: str, namespace: str, created: str) -> None:
    cluster["serviceaccounts"].append(obj(f"helm-{name}", namespace, created=created))
    cluster["clusterrolebindings.rbac.authorization.k8s.io"].append(obj(f"helm-{namespace}-{name}", created=created))
    if namespace != "longhorn-system":
        cluster["configmaps/chart-content"].append(obj(f"chart-content-{name}", namespace, created=created))


def release(cluster: Cluster, name: str, namespace: str, status: str, created: str, version: int = 1) -> None:
    labels = {"owner": "helm", "name": name, "status": status, "version": str(version)}
    secret = obj(f"sh.helm.release.v1.{name}.v{version}", namespace, created=created, metadata={"labels": labels})
    cluster["secrets/helm-releases"].append(secret)


__all__ = ["KLIPPER", "NOW", "add_all", "conditions", "deploy", "release", "supports"]
