"""The nodes and what only they can tell: kubelets, certificates, files, clocks."""

import json
from datetime import timedelta

from build import GIB, INSTALLED, NODES, NOW, Cluster, at, at_micro, condition, obj


def add_nodes(cluster: Cluster) -> None:
    for number, name in enumerate(NODES, 1):
        address = f"10.0.10.{10 + number}"
        node = obj(
            name,
            metadata={
                "labels": {
                    "harvesterhci.io/managed": "true",
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/arch": "amd64",
                    "node-role.kubernetes.io/control-plane": "true",
                    "node-role.kubernetes.io/etcd": "true",
                },
                "annotations": {
                    "cluster.x-k8s.io/machine": f"custom-{name}",
                    "node.harvesterhci.io/ntp-service": json.dumps(
                        {"ntpSyncStatus": "synced", "currentNtpServers": "0.suse.pool.ntp.org"}
                    ),
                    "rke2.io/internal-ip": address,
                },
            },
            spec={},
            status={
                "conditions": [condition("Ready", reason="KubeletReady", message="kubelet is posting ready status")],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
                "allocatable": {"cpu": "16", "memory": "65536Mi", "pods": "200"},
                "capacity": {"cpu": "16", "memory": "65536Mi", "pods": "200"},
                "images": [{"names": ["docker.io/rancher/harvester:v1.4.0"], "sizeBytes": 250_000_000}],
                "nodeInfo": {
                    "kubeletVersion": "v1.29.9+rke2r1",
                    "osImage": "Harvester v1.4.0",
                    "architecture": "amd64",
                    "kernelVersion": "5.14.21-150500.55.83-default",
                    "containerRuntimeVersion": "containerd://1.7.21-k3s2",
                },
            },
        )
        cluster["nodes"].append(node)
        fs = {"capacityBytes": 300 * GIB, "usedBytes": 121 * GIB, "availableBytes": 166 * GIB}
        cluster["nodes/stats-summary"].append(obj(name, node={"nodeName": name, "fs": fs}))
        configz = {"imageGCHighThresholdPercent": 85, "imageGCLowThresholdPercent": 80}
        cluster["nodes/configz"].append(obj(name, kubeletconfig=configz))
        lease(cluster, name, timedelta())
        chain = [
            {
                "subject": "CN=kube-apiserver",
                "issuer": "CN=rke2-server-ca@1733700000",
                "notBefore": at(INSTALLED),
                "notAfter": at(INSTALLED + timedelta(days=365)),
            },
            {
                "subject": "CN=rke2-server-ca@1733700000",
                "issuer": "CN=rke2-server-ca@1733700000",
                "notBefore": at(INSTALLED),
                "notAfter": at(INSTALLED + timedelta(days=3650)),
            },
        ]
        cluster["endpoints/apiserver-certificates"].append(obj(f"{address}:6443", "default", certificates=chain))
        cluster["nodes/files"].append(_files(name))
    _endpoints(cluster)


def _files(name: str) -> dict:
    interface = "  management_interface:\n    method: static\n    interfaces:\n    - name: eno1\n"
    install = f"os:\n  hostname: {name}\ninstall:\n{interface}"
    files = {
        "configs/oem/90_custom.yaml": "name: Harvester Configuration\nstages:\n  initramfs: []\n",
        "configs/oem/harvester.config": install,
        "configs/etc/hostname": f"{name}\n",
    }
    facts = {"efi": True, "cosStateKiB": 15_412_092, "passiveImageKiB": 1_742_404, "drivers": ["ixgbe"]}
    return obj(name, files=files, facts=facts)


def lease(cluster: Cluster, node: str, skew: timedelta) -> None:
    """A node's lease: renewTime is the node's clock, the time in managedFields the API server's."""
    renewed = NOW - timedelta(seconds=4)
    managed = {
        "manager": "kubelet",
        "operation": "Update",
        "apiVersion": "coordination.k8s.io/v1",
        "time": at(renewed),
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}},
    }
    spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": at_micro(renewed + skew)}
    others = [item for item in cluster["leases.coordination.k8s.io"] if item["metadata"]["name"] != node]
    cluster["leases.coordination.k8s.io"] = [
        *others,
        obj(node, "kube-node-lease", metadata={"managedFields": [managed]}, spec=spec),
    ]


def _endpoints(cluster: Cluster) -> None:
    ips = [node["metadata"]["annotations"]["rke2.io/internal-ip"] for node in cluster["nodes"]]
    port = {"name": "https", "port": 6443, "protocol": "TCP"}
    cluster["endpoints"].append(
        obj("kubernetes", "default", subsets=[{"addresses": [{"ip": ip} for ip in ips], "ports": [port]}])
    )
    ready = [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips]
    labels = {"kubernetes.io/service-name": "kubernetes"}
    cluster["endpointslices.discovery.k8s.io"].append(
        obj("kubernetes", "default", metadata={"labels": labels}, addressType="IPv4", endpoints=ready, ports=[port])
    )
