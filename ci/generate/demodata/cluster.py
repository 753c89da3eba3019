"""A healthy Harvester v1.4.0 cluster of three nodes that is ready for v1.4.1."""

import json
from collections import defaultdict

from addons import add_all
from build import NODES, Cluster, condition, obj, pod
from control import add_control
from guests import add_guests
from machines import add_machines, add_volumes
from nodes import add_nodes
from system import add_system
from upgrade import add_upgrade

NAMESPACES = (
    "cattle-dashboards",
    "cattle-fleet-local-system",
    "cattle-fleet-system",
    "cattle-logging-system",
    "cattle-monitoring-system",
    "cattle-provisioning-capi-system",
    "cattle-system",
    "default",
    "fleet-local",
    "harvester-public",
    "harvester-system",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "local",
    "longhorn-system",
    "rancher-vcluster",
    "vms",
)
DASHBOARD = json.dumps({"title": "VM", "panels": [{"title": "CPU Usage", "yaxes": [{"format": "percent"}, {}]}]})
CHARTS = ("harvester", "harvester-crd", "rancher-logging-crd", "rancher-monitoring-crd")


def healthy() -> Cluster:
    cluster: Cluster = defaultdict(list)
    add_nodes(cluster)
    _system(cluster)
    _settings(cluster)
    _rancher(cluster)
    _workloads(cluster)
    add_machines(cluster)
    add_volumes(cluster)
    add_guests(cluster)
    add_all(cluster)
    add_system(cluster)
    add_upgrade(cluster)
    add_control(cluster)
    return cluster


def _system(cluster: Cluster) -> None:
    for name in NAMESPACES:
        labels = {"kubernetes.io/metadata.name": name}
        if name in ("harvester-system", "cattle-system"):
            labels["pod-security.kubernetes.io/enforce"] = "privileged"
        cluster["namespaces"].append(obj(name, metadata={"labels": labels}, status={"phase": "Active"}))
    dashboards = (
        ("harvester-vm-dashboard", "harvester_vm_dashboard.json"),
        ("harvester-vm-detail-dashboard", "harvester_vm_info_details.json"),
    )
    for name, key in dashboards:
        cluster["configmaps/vm-dashboards"].append(obj(name, "cattle-dashboards", data={key: DASHBOARD}))
    cluster["secrets/local-kubeconfig"].append(
        obj("local-kubeconfig", "fleet-local", metadata={"labels": {"cluster.x-k8s.io/cluster-name": "local"}})
    )
    classes = (("harvester-longhorn", "true"), ("longhorn", "false"))
    for name, default in classes:
        cluster["storageclasses.storage.k8s.io"].append(
            obj(
                name,
                metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": default}},
                provisioner="driver.longhorn.io",
                reclaimPolicy="Delete",
                allowVolumeExpansion=True,
                volumeBindingMode="Immediate",
                parameters={"numberOfReplicas": "3", "staleReplicaTimeout": "30", "migratable": "true"},
            )
        )
    for name in ("addons.harvesterhci.io", "volumes.longhorn.io", "virtualmachines.kubevirt.io"):
        cluster["customresourcedefinitions.apiextensions.k8s.io"].append(
            obj(name, spec={"group": name.partition(".")[2]}, status={"conditions": [condition("Established")]})
        )


def _settings(cluster: Cluster) -> None:
    preload = {"imagePreloadOption": {"strategy": {"type": "sequential"}}}
    settings = {
        "server-version": {"value": "v1.4.0"},
        "upgrade-config": {"default": json.dumps(preload), "value": ""},
        "storage-network": {"default": "", "value": ""},
        "backup-target": {"default": "", "value": ""},
        "ntp-servers": {"value": json.dumps({"ntpServers": ["0.suse.pool.ntp.org"]})},
        "auto-rotate-rke2-certs": {"default": json.dumps({"enable": False, "expiringInHours": 240})},
        "http-proxy": {"default": "{}"},
        "containerd-registry": {"default": ""},
        "support-bundle-namespaces": {"default": ""},
        "cluster-registration-url": {"default": ""},
        "vm-force-reset-policy": {"default": json.dumps({"enable": True, "period": 300})},
    }
    for name, values in settings.items():
        cluster["settings.harvesterhci.io"].append(obj(name, **values))
    spec = {
        "isoURL": "https://releases.rancher.com/harvester/v1.4.1/harvester-v1.4.1-amd64.iso",
        "isoChecksum": "5a" * 64,
        "releaseDate": "20250124",
        "minUpgradableVersion": "v1.4.0",
        "tags": ["v1.4.1"],
    }
    cluster["versions.harvesterhci.io"].append(obj("v1.4.1", "harvester-system", spec=spec))


def _rancher(cluster: Cluster) -> None:
    metadata = {"generation": 2}
    cluster["clusters.provisioning.cattle.io"].append(
        obj(
            "local",
            "fleet-local",
            metadata=metadata,
            spec={"rkeConfig": {}},
            status={"ready": True, "clusterName": "local", "conditions": [condition("Ready")]},
        )
    )
    cluster["clusters.cluster.x-k8s.io"].append(
        obj(
            "local",
            "fleet-local",
            metadata=metadata,
            spec={"paused": False},
            status={
                "phase": "Provisioned",
                "observedGeneration": 2,
                "infrastructureReady": True,
                "controlPlaneReady": True,
                "conditions": [condition("Ready")],
            },
        )
    )
    for name in NODES:
        cluster["machines.cluster.x-k8s.io"].append(
            obj(
                f"custom-{name}",
                "fleet-local",
                spec={"clusterName": "local"},
                status={"phase": "Running", "nodeRef": {"apiVersion": "v1", "kind": "Node", "name": name}},
            )
        )
    for name in CHARTS:
        cluster["managedcharts.management.cattle.io"].append(
            obj(
                name,
                "fleet-local",
                spec={"chart": name, "paused": False, "version": "1.4.0", "values": {}},
                status={"conditions": [condition("Ready"), condition("Processed"), condition("Defined")]},
            )
        )
    for name in (
        *(f"mcc-{chart}" for chart in CHARTS),
        "mcc-local-managed-system-upgrade-controller",
        "fleet-agent-local",
    ):
        spec = {"helm": {"chart": name.removeprefix("mcc-")}, "forceSyncGeneration": 0}
        cluster["bundles.fleet.cattle.io"].append(
            obj(
                name,
                "fleet-local",
                metadata=metadata,
                spec={} if name == "fleet-agent-local" else spec,
                status={
                    "summary": {"desiredReady": 1, "ready": 1},
                    "conditions": [condition("Ready")],
                    "observedGeneration": 2,
                },
            )
        )


def _workloads(cluster: Cluster) -> None:
    for name, namespace, labels in (
        (
            "harvester",
            "harvester-system",
            {"app.kubernetes.io/name": "harvester", "app.kubernetes.io/component": "apiserver"},
        ),
        (
            "harvester-webhook",
            "harvester-system",
            {"app.kubernetes.io/name": "harvester", "app.kubernetes.io/component": "webhook-server"},
        ),
        ("virt-operator", "harvester-system", {"kubevirt.io": "virt-operator"}),
        ("rancher", "cattle-system", {"app": "rancher"}),
        ("longhorn-driver-deployer", "longhorn-system", {"app": "longhorn-driver-deployer"}),
    ):
        image = f"rancher/{name}:v1.4.0"
        pod_spec = {"containers": [{"name": name, "image": image}]}
        deployment = obj(
            name,
            namespace,
            metadata={"labels": labels, "generation": 1},
            spec={
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod_spec},
            },
            status={
                "replicas": 1,
                "readyReplicas": 1,
                "availableReplicas": 1,
                "updatedReplicas": 1,
                "observedGeneration": 1,
                "conditions": [condition("Available")],
            },
        )
        cluster["deployments.apps"].append(deployment)
        cluster["pods"].append(pod(f"{name}-6c9d8f7b5-{name[:5]}", namespace, labels, image, NODES[0]))
    for name, namespace, labels in (
        ("virt-handler", "harvester-system", {"kubevirt.io": "virt-handler"}),
        ("longhorn-manager", "longhorn-system", {"app": "longhorn-manager"}),
    ):
        status = {
            "desiredNumberScheduled": 3,
            "currentNumberScheduled": 3,
            "numberReady": 3,
            "numberAvailable": 3,
            "updatedNumberScheduled": 3,
            "observedGeneration": 1,
        }
        cluster["daemonsets.apps"].append(
            obj(
                name,
                namespace,
                metadata={"labels": labels, "generation": 1},
                spec={"selector": {"matchLabels": labels}},
                status=status,
            )
        )
        for node in NODES:
            cluster["pods"].append(pod(f"{name}-{node[-1]}", namespace, labels, f"rancher/{name}:v1.4.0", node))
    for node in NODES:
        labels = {"component": "kube-apiserver", "tier": "control-plane"}
        static = pod(
            f"kube-apiserver-{node}", "kube-system", labels, "rancher/hardened-kubernetes:v1.29.9-rke2r1", node
        )
        static["spec"]["containers"][0]["args"] = ["--secure-port=6443"]
        static["spec"]["containers"][0]["command"] = ["kube-apiserver"]
        cluster["pods"].append(static)
