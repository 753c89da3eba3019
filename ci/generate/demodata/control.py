"""What keeps the cluster going: its control plane, etcd, the controllers an upgrade leans on, and what nodes report."""

from build import NODES, Cluster, ago, condition, find, obj, owner, pod

RKE2 = "v1.29.9+rke2r1"
CONTROLLERS = (
    ("system-upgrade-controller", "cattle-system"),
    ("rancher-webhook", "cattle-system"),
    ("harvester-cluster-repo", "cattle-system"),
    ("fleet-controller", "cattle-fleet-system"),
    ("capi-controller-manager", "cattle-provisioning-capi-system"),
    ("virt-api", "harvester-system"),
    ("virt-controller", "harvester-system"),
)
STATIC = ("etcd", "kube-controller-manager", "kube-scheduler")
PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory"),
    ("DiskPressure", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "KubeletHasSufficientPID"),
)


def add_control(cluster: Cluster) -> None:
    """Add it to a healthy cluster."""
    _nodes(cluster)
    _rancher(cluster)
    for name, namespace in CONTROLLERS:
        _workload(cluster, "deployments.apps", name, namespace)
    _workload(cluster, "statefulsets.apps", "fleet-agent", "cattle-fleet-local-system")


def _nodes(cluster: Cluster) -> None:
    for name in NODES:
        node = find(cluster, "nodes", name)
        heard = {"lastHeartbeatTime": ago(minutes=2)}
        node["status"]["conditions"] += [
            *(condition(kind, False, reason=reason, **heard) for kind, reason in PRESSURES),
            condition("NetworkUnavailable", False, reason="FlannelIsUp", **heard),
            condition("EtcdIsVoter", reason="MemberNotLearner", message="Node is a voting member", **heard),
        ]
        for component in STATIC:
            labels = {"component": component, "tier": "control-plane"}
            image = f"rancher/hardened-{component}:{RKE2}"
            static = pod(f"{component}-{name}", "kube-system", labels, image, name)
            static["metadata"]["ownerReferences"] = [owner("v1", "Node", node)]
            cluster["pods"].append(static)
        event = obj(
            f"{name}.17f2a",
            "default",
            created=ago(minutes=9),
            metadata={},
            type="Normal",
            reason="NodeHasSufficientMemory",
        )
        event |= {
            "involvedObject": {"kind": "Node", "name": name, "uid": name},
            "message": f"Node {name} status is now: NodeHasSufficientMemory",
            "lastTimestamp": ago(minutes=9),
        }
        cluster["events/nodes"].append(event)


def _rancher(cluster: Cluster) -> None:
    find(cluster, "clusters.provisioning.cattle.io", "local")["spec"]["kubernetesVersion"] = RKE2
    settled = [condition("Ready"), condition("Reconciled"), condition("Stable")]
    scaling = [condition(kind, False) for kind in ("ScalingUp", "ScalingDown", "RollingOut")]
    cluster["rkecontrolplanes.rke.cattle.io"].append(
        obj("local", "fleet-local", spec={"kubernetesVersion": RKE2}, status={"conditions": settled + scaling})
    )
    find(cluster, "clusters.cluster.x-k8s.io", "local")["status"]["conditions"] += [
        condition("ControlPlaneInitialized"),
        condition("ControlPlaneReady"),
        condition("InfrastructureReady"),
    ]
    cluster["clusters.fleet.cattle.io"].append(
        obj("local", "fleet-local", spec={}, status={"conditions": [condition("Imported"), condition("Ready")]})
    )
    for machine in cluster["machines.cluster.x-k8s.io"]:
        name = machine["metadata"]["name"]
        machine["metadata"]["labels"] = {
            "cluster.x-k8s.io/cluster-name": "local",
            "rke.cattle.io/machine-id": f"id-of-{name}",
        }
        machine["status"]["conditions"] = [condition("Ready"), condition("Reconciled"), condition("PlanApplied")]
        labels = {"rke.cattle.io/machine-name": name}
        cluster["secrets/machine-plans"].append(obj(f"{name}-machine-plan", "fleet-local", metadata={"labels": labels}))


def _workload(cluster: Cluster, need: str, name: str, namespace: str) -> None:
    labels = {"app": name}
    image = f"rancher/{name}:v1.4.0"
    counts = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1}
    cluster[need].append(
        obj(
            name,
            namespace,
            metadata={"labels": labels, "generation": 1},
            spec={
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": image}]},
                },
            },
            status={**counts, "conditions": [condition("Available")]},
        )
    )
    cluster["pods"].append(pod(f"{name}-7d8b9c6f4-{name[:5]}", namespace, labels, image, NODES[0]))
