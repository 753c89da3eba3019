"""What the script of an upgrade takes for granted: releases, repositories, settings and the definitions of Longhorn."""

from addons import release
from build import Cluster, ago, condition, obj

RELEASES = (
    ("fleet", "cattle-fleet-system"),
    ("fleet-crd", "cattle-fleet-system"),
    ("rancher", "cattle-system"),
    ("rancher-webhook", "cattle-system"),
    ("harvester", "harvester-system"),
    ("harvester-crd", "harvester-system"),
    ("rancher-logging-crd", "cattle-logging-system"),
    ("rancher-monitoring-crd", "cattle-monitoring-system"),
)
REPOSITORIES = ("harvester-charts", "rancher-charts", "rancher-partner-charts", "rancher-rke2-charts")
SETTINGS = (
    ("node-drain-policy", "allow-if-replica-is-stopped"),
    ("detach-manually-attached-volumes-when-cordoned", "true"),
    ("replica-replenishment-wait-interval", "600"),
)
KINDS = (
    "backingimagedatasources",
    "backingimagemanagers",
    "backingimages",
    "backups",
    "backuptargets",
    "backupvolumes",
    "engineimages",
    "engines",
    "instancemanagers",
    "nodes",
    "recurringjobs",
    "replicas",
    "settings",
    "sharemanagers",
    "volumes",
)


def add_system(cluster: Cluster) -> None:
    """Add it to a healthy cluster."""
    for name, namespace in RELEASES:
        release(cluster, name, namespace, "superseded", ago(days=61), version=1)
        release(cluster, name, namespace, "deployed", ago(days=60), version=2)
        info = {"status": "deployed", "lastDeployed": ago(days=60)}
        spec = {"name": name, "namespace": namespace, "version": 2, "info": info}
        cluster["apps.catalog.cattle.io"].append(obj(name, namespace, spec=spec))
    for name in REPOSITORIES:
        status = {"conditions": [condition("Downloaded")], "downloadTime": ago(hours=3)}
        cluster["clusterrepos.catalog.cattle.io"].append(obj(name, spec={}, status=status))
    for name, value in (("chart-default-branch", ""), ("system-catalog", "bundled")):
        cluster["settings.management.cattle.io"].append(obj(name, value=value, default=""))
    cluster["secrets/local-rke-state"].append(obj("local-rke-state", "fleet-local"))
    spec = {"ingressClassName": "nginx"}
    cluster["ingresses.networking.k8s.io"].append(obj("rancher-expose", "cattle-system", spec=spec))
    for name, value in SETTINGS:
        cluster["settings.longhorn.io"].append(obj(name, "longhorn-system", value=value))
    known = {item["metadata"]["name"] for item in cluster["customresourcedefinitions.apiextensions.k8s.io"]}
    for kind in KINDS:
        name = f"{kind}.longhorn.io"
        if name not in known:
            cluster["customresourcedefinitions.apiextensions.k8s.io"].append(obj(name, spec={"group": "longhorn.io"}))
    for item in cluster["customresourcedefinitions.apiextensions.k8s.io"]:
        if item["metadata"]["name"].endswith(".longhorn.io"):
            item["metadata"]["labels"] = {"app.kubernetes.io/name": "longhorn"}
            item["status"] = {"conditions": [condition("Established")], "storedVersions": ["v1beta2"]}
