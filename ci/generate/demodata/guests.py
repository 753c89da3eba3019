"""What stands around the machines: their launcher pods, the disruption budgets, and CDI, which imports images."""

from build import INSTALLED, NODES, Cluster, ago, at, condition, find, obj, owner

MIB = 1024**2
SYSTEM, LONGHORN = "harvester-system", "longhorn-system"
CDI_PARTS = ("cdi-operator", "cdi-apiserver", "cdi-deployment", "cdi-uploadproxy")
HEALTHY = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


def add_guests(cluster: Cluster) -> None:
    """Add it to a cluster that has its machines."""
    for machine in cluster["virtualmachineinstances.kubevirt.io"]:
        _launch(cluster, machine)
    _budgets(cluster)
    _importer(cluster)


def _launch(cluster: Cluster, machine: dict) -> None:
    """Give a machine on a node the label the scripts count by, its pod, and the budget KubeVirt 1.2 makes for it."""
    name, namespace, node = machine["metadata"]["name"], machine["metadata"]["namespace"], machine["status"]["nodeName"]
    machine["metadata"]["labels"] = {"kubevirt.io/nodeName": node}
    machine["status"]["phaseTransitionTimestamps"] = [
        {"phase": phase, "phaseTransitionTimestamp": ago(days=20, seconds=-seconds)}
        for seconds, phase in enumerate(("Pending", "Scheduling", "Scheduled", "Running"))
    ]
    created = {"kubevirt.io/created-by": machine["metadata"]["uid"]}
    metadata = {
        "labels": {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": name, **created},
        "annotations": {"kubevirt.io/domain": name},
        "ownerReferences": [owner("kubevirt.io/v1", "VirtualMachineInstance", machine)],
    }
    requests = {"cpu": "125m", "memory": str(4 * 1024 * MIB + 423 * MIB)}
    _pod(cluster, f"virt-launcher-{name}-x7k2p", namespace, metadata, node, "rancher/virt-launcher:v1.4.0", requests)
    budget = find(cluster, "poddisruptionbudgets.policy", f"kubevirt-disruption-budget-{name}")
    budget["metadata"]["generation"] = 1
    budget["spec"]["selector"] = {"matchLabels": created}
    budget["status"] |= {"expectedPods": 1, "observedGeneration": 1}


def _budgets(cluster: Cluster) -> None:
    """Add the budgets every healthy cluster has: those of Longhorn's instance managers allow no disruption."""
    for node in NODES:
        name = f"instance-manager-{node}"
        labels = {"longhorn.io/component": "instance-manager", "longhorn.io/node": node}
        manager = find(cluster, "instancemanagers.longhorn.io", name)
        metadata = {"labels": labels, "ownerReferences": [owner("longhorn.io/v1beta2", "InstanceManager", manager)]}
        image = "longhornio/longhorn-instance-manager:v1.7.2"
        _pod(cluster, name, LONGHORN, metadata, node, image, {"cpu": "1920m"})
        _budget(cluster, name, LONGHORN, labels, 1, 1)
    _budget(cluster, "virt-api-pdb", SYSTEM, {"kubevirt.io": "virt-api"}, 2, 1)
    _budget(cluster, "virt-controller-pdb", SYSTEM, {"kubevirt.io": "virt-controller"}, 2, 1)
    _budget(cluster, "csi-attacher", LONGHORN, {"app": "csi-attacher"}, 3, 1)
    _budget(cluster, "csi-provisioner", LONGHORN, {"app": "csi-provisioner"}, 3, 1)


def _budget(cluster: Cluster, name: str, namespace: str, labels: dict, pods: int, least: int) -> None:
    status = {
        "expectedPods": pods,
        "currentHealthy": pods,
        "desiredHealthy": least,
        "disruptionsAllowed": pods - least,
        "observedGeneration": 1,
    }
    spec = {"minAvailable": least, "selector": {"matchLabels": labels}}
    budget = obj(name, namespace, metadata={"generation": 1}, spec=spec, status=status)
    cluster["poddisruptionbudgets.policy"].append(budget)


def _importer(cluster: Cluster) -> None:
    states = (("Available", True), ("Progressing", False), ("Degraded", False))
    find(cluster, "cdis.cdi.kubevirt.io", "cdi")["status"] |= {
        "conditions": [condition(kind, status) for kind, status in states]
    }
    cluster["cdiconfigs.cdi.kubevirt.io"].append(
        obj("config", spec={}, status={"scratchSpaceStorageClass": "harvester-longhorn"})
    )
    for name in CDI_PARTS:
        status = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1}
        labels = {"cdi.kubevirt.io": name}
        deployment = obj(
            name,
            SYSTEM,
            metadata={"labels": labels, "generation": 1},
            spec={"replicas": 1, "selector": {"matchLabels": labels}},
            status={**status, "observedGeneration": 1, "conditions": [condition("Available")]},
        )
        cluster["deployments.apps"].append(deployment)


def _pod(
    cluster: Cluster, name: str, namespace: str, metadata: dict, node: str, image: str, requests: dict[str, str]
) -> None:
    started = ago(days=20)
    running = {"ready": True, "restartCount": 0, "state": {"running": {"startedAt": started}}}
    cluster["pods"].append(
        obj(
            name,
            namespace,
            created=at(INSTALLED),
            metadata=metadata,
            spec={
                "nodeName": node,
                "containers": [{"name": "main", "image": image, "resources": {"requests": requests}}],
            },
            status={
                "phase": "Running",
                "startTime": started,
                "conditions": [condition(kind) for kind in HEALTHY],
                "containerStatuses": [{"name": "main", "image": image, **running}],
            },
        )
    )
