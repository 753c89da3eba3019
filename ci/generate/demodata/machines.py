"""Virtual machines, their volumes and the storage below."""

from build import GIB, NODES, Cluster, condition, obj, owner

MACHINES = ("web", "db", "build")


def add_machines(cluster: Cluster) -> None:
    cluster["kubevirts.kubevirt.io"].append(
        obj(
            "kubevirt",
            "harvester-system",
            spec={"configuration": {"evictionStrategy": "LiveMigrate"}},
            status={
                "phase": "Deployed",
                "observedKubeVirtVersion": "1.2.2-150600.5.13.1",
                "conditions": [condition("Available")],
            },
        )
    )
    limits = {"limits": {"cpu": "1", "memory": "600M"}}
    cluster["cdis.cdi.kubevirt.io"].append(
        obj("cdi", spec={"config": {"podResourceRequirements": limits}}, status={"phase": "Deployed"})
    )
    for number, name in enumerate(MACHINES):
        disk = {"name": "disk-0", "disk": {"bus": "virtio"}, "bootOrder": 1}
        volume = {"name": "disk-0", "persistentVolumeClaim": {"claimName": f"{name}-disk-0"}}
        spec = {
            "domain": {
                "cpu": {"cores": 2, "sockets": 1, "threads": 1},
                "devices": {"disks": [disk]},
                "resources": {"requests": {"memory": "4Gi"}},
            },
            "evictionStrategy": "LiveMigrateIfPossible",
            "volumes": [volume],
        }
        machine = obj(
            name,
            "vms",
            spec={"runStrategy": "RerunOnFailure", "template": {"spec": spec}},
            status={"printableStatus": "Running", "ready": True, "created": True},
        )
        cluster["virtualmachines.kubevirt.io"].append(machine)
        cluster["virtualmachineinstances.kubevirt.io"].append(
            obj(
                name,
                "vms",
                metadata={"ownerReferences": [owner("kubevirt.io/v1", "VirtualMachine", machine)]},
                spec=spec,
                status={
                    "phase": "Running",
                    "nodeName": NODES[number],
                    "conditions": [condition("Ready"), condition("LiveMigratable")],
                },
            )
        )
        cluster["poddisruptionbudgets.policy"].append(
            obj(
                f"kubevirt-disruption-budget-{name}",
                "vms",
                spec={"minAvailable": 1},
                status={"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0},
            )
        )


def add_volumes(cluster: Cluster) -> None:
    for node in NODES:
        disk = {
            "path": "/var/lib/harvester/defaultdisk",
            "allowScheduling": True,
            "evictionRequested": False,
            "storageReserved": 60 * GIB,
            "tags": [],
        }
        state = {
            "storageAvailable": 166 * GIB,
            "storageMaximum": 300 * GIB,
            "storageScheduled": 80 * GIB,
            "conditions": [condition("Ready"), condition("Schedulable")],
        }
        cluster["nodes.longhorn.io"].append(
            obj(
                node,
                "longhorn-system",
                spec={"allowScheduling": True, "evictionRequested": False, "disks": {"default-disk": disk}},
                status={
                    "conditions": [condition("Ready"), condition("Schedulable")],
                    "diskStatus": {"default-disk": state},
                },
            )
        )
        cluster["instancemanagers.longhorn.io"].append(
            obj(
                f"instance-manager-{node}",
                "longhorn-system",
                spec={"nodeID": node, "type": "aio"},
                status={"currentState": "running"},
            )
        )
        cluster["backingimagemanagers.longhorn.io"].append(
            obj(
                f"backing-image-manager-{node}",
                "longhorn-system",
                spec={"nodeID": node},
                status={"currentState": "running"},
            )
        )
    for number, name in enumerate(MACHINES):
        _volume(cluster, f"{name}-disk-0", NODES[number])
    cluster["backingimages.longhorn.io"].append(
        obj(
            "vmi-leap156",
            "longhorn-system",
            spec={"minNumberOfCopies": 3, "sourceType": "download"},
            status={
                "size": 700_000_000,
                "virtualSize": 10 * GIB,
                "diskFileStatusMap": {f"disk-{node}": {"state": "ready"} for node in NODES},
            },
        )
    )
    cluster["virtualmachineimages.harvesterhci.io"].append(
        obj(
            "image-leap156",
            "default",
            spec={"displayName": "leap-15.6.qcow2", "sourceType": "download"},
            status={
                "progress": 100,
                "size": 700_000_000,
                "virtualSize": 10 * GIB,
                "storageClassName": "longhorn-leap156",
                "conditions": [condition("Initialized"), condition("Imported")],
            },
        )
    )
    for name, value in (
        ("storage-network-for-rwx-volume-enabled", "false"),
        ("default-replica-count", "3"),
        ("storage-network", ""),
        ("replica-soft-anti-affinity", "false"),
        ("auto-delete-pod-when-volume-detached-unexpectedly", "false"),
        ("storage-over-provisioning-percentage", "100"),
        ("storage-minimal-available-percentage", "25"),
    ):
        cluster["settings.longhorn.io"].append(obj(name, "longhorn-system", value=value))


def _volume(cluster: Cluster, claim: str, node: str) -> None:
    name = f"pvc-{claim}"
    workload = [
        {
            "podName": f"virt-launcher-{claim}",
            "podStatus": "Running",
            "workloadName": claim.partition("-")[0],
            "workloadType": "VirtualMachineInstance",
        }
    ]
    cluster["persistentvolumeclaims"].append(
        obj(
            claim,
            "vms",
            spec={
                "storageClassName": "longhorn-leap156",
                "volumeName": name,
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": "10Gi"}},
            },
            status={"phase": "Bound", "capacity": {"storage": "10Gi"}},
        )
    )
    cluster["volumes.longhorn.io"].append(
        obj(
            name,
            "longhorn-system",
            spec={"numberOfReplicas": 3, "size": str(10 * GIB), "nodeID": node},
            status={
                "state": "attached",
                "robustness": "healthy",
                "currentNodeID": node,
                "actualSize": 3 * GIB,
                "kubernetesStatus": {
                    "namespace": "vms",
                    "pvName": name,
                    "pvcName": claim,
                    "pvStatus": "Bound",
                    "workloadsStatus": workload,
                },
            },
        )
    )
    replicas = {f"{name}-r-{other[-1]}": other for other in NODES}
    cluster["engines.longhorn.io"].append(
        obj(
            f"{name}-e-0",
            "longhorn-system",
            spec={"volumeName": name, "nodeID": node},
            status={"currentState": "running", "replicaModeMap": dict.fromkeys(replicas, "RW")},
        )
    )
    for replica, other in replicas.items():
        cluster["replicas.longhorn.io"].append(
            obj(
                replica,
                "longhorn-system",
                spec={"volumeName": name, "nodeID": other, "failedAt": ""},
                status={"currentState": "running"},
            )
        )
    cluster["volumeattachments.storage.k8s.io"].append(
        obj(
            f"csi-{claim}",
            spec={"attacher": "driver.longhorn.io", "nodeName": node, "source": {"persistentVolumeName": name}},
            status={"attached": True},
        )
    )
