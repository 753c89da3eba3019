"""One table of what the tool can read: kubectl's name, group, scope and, where it is enough, namespace or name.

A need names a row. A row with a slash is a part of a resource (`secrets/local-kubeconfig`) or something that is no
list at all (`nodes/stats-summary`). The group is always in the name when it is not the core group, because `nodes`,
`settings`, `volumes` and `clusters` exist in several. Version is the fallback: discovery decides on a live cluster,
the folder's name in a support bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ADDON_NAMESPACES = (
    "cattle-logging-system",
    "cattle-monitoring-system",
    "harvester-system",
    "kube-system",
    "rancher-vcluster",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing a source can be asked for."""

    name: str
    """The need's name, `addons.harvesterhci.io`."""
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    namespaces: tuple[str, ...] = ()
    """Only these; empty means all."""
    names: tuple[str, ...] = ()
    """Only objects of these names, read by name: RBAC can be held to them."""
    metadata_only: bool = False
    """Read as PartialObjectMetadata: the data never reaches this machine."""
    selector: str = ""
    """A label selector of the form key=value."""
    how: str = "list"
    """list, kubelet (a GET per node through the API server), tls (a handshake) or node (only on the node itself)."""

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def accepts(self, obj: dict[str, Any]) -> bool:
        """Say whether an object of this group and kind belongs to this row."""
        metadata = obj.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        if self.namespaces and metadata.get("namespace") not in self.namespaces:
            return False
        if self.names and metadata.get("name") not in self.names:
            return False
        if self.selector:
            key, _, wanted = self.selector.partition("=")
            labels = metadata.get("labels")
            return isinstance(labels, dict) and labels.get(key) == wanted
        return True


def _row(name: str, version: str, kind: str, **more: Any) -> Resource:
    base, _, _ = name.partition("/")
    plural, _, group = base.partition(".")
    return Resource(name, group, version, plural, kind, **more)


def _rows() -> tuple[Resource, ...]:
    cluster: dict[str, Any] = {"namespaced": False}
    system: dict[str, Any] = {"namespaces": ("harvester-system",)}
    fleet: dict[str, Any] = {"namespaces": ("fleet-local",)}
    longhorn: dict[str, Any] = {"namespaces": ("longhorn-system",)}
    logging: dict[str, Any] = {"namespaces": ("cattle-logging-system",)}
    return (
        _row("nodes", "v1", "Node", **cluster),
        _row("nodes/stats-summary", "v1", "NodeStatsSummary", how="kubelet", **cluster),
        _row("nodes/configz", "v1", "NodeConfigz", how="kubelet", **cluster),
        _row("nodes/files", "v1", "NodeFiles", how="node", **cluster),
        _row(
            "endpoints/apiserver-certificates",
            "v1",
            "ServingCertificates",
            how="tls",
            namespaces=("default",),
        ),
        _row("namespaces", "v1", "Namespace", **cluster),
        _row("pods", "v1", "Pod"),
        _row("events", "v1", "Event"),
        _row("persistentvolumeclaims", "v1", "PersistentVolumeClaim"),
        _row("serviceaccounts", "v1", "ServiceAccount", metadata_only=True),
        _row("configmaps/chart-content", "v1", "ConfigMap", metadata_only=True, namespaces=ADDON_NAMESPACES),
        _row(
            "configmaps/vm-dashboards",
            "v1",
            "ConfigMap",
            namespaces=("cattle-dashboards",),
            names=("harvester-vm-dashboard", "harvester-vm-detail-dashboard"),
        ),
        _row("secrets/helm-releases", "v1", "Secret", metadata_only=True, selector="owner=helm"),
        _row(
            "secrets/local-kubeconfig",
            "v1",
            "Secret",
            metadata_only=True,
            names=("local-kubeconfig",),
            **fleet,
        ),
        _row("endpoints", "v1", "Endpoints", namespaces=("default",), names=("kubernetes",)),
        _row("endpointslices.discovery.k8s.io", "v1", "EndpointSlice", namespaces=("default",)),
        _row("leases.coordination.k8s.io", "v1", "Lease", namespaces=("kube-node-lease",)),
        _row("jobs.batch", "v1", "Job"),
        _row("deployments.apps", "v1", "Deployment"),
        _row("daemonsets.apps", "v1", "DaemonSet"),
        _row("statefulsets.apps", "v1", "StatefulSet"),
        _row("poddisruptionbudgets.policy", "v1", "PodDisruptionBudget"),
        _row("storageclasses.storage.k8s.io", "v1", "StorageClass", **cluster),
        _row("volumeattachments.storage.k8s.io", "v1", "VolumeAttachment", **cluster),
        _row(
            "clusterrolebindings.rbac.authorization.k8s.io",
            "v1",
            "ClusterRoleBinding",
            metadata_only=True,
            **cluster,
        ),
        _row("customresourcedefinitions.apiextensions.k8s.io", "v1", "CustomResourceDefinition", **cluster),
        _row("addons.harvesterhci.io", "v1beta1", "Addon"),
        _row("settings.harvesterhci.io", "v1beta1", "Setting", **cluster),
        _row("upgrades.harvesterhci.io", "v1beta1", "Upgrade", **system),
        _row("upgradelogs.harvesterhci.io", "v1beta1", "UpgradeLog", **system),
        _row("versions.harvesterhci.io", "v1beta1", "Version", **system),
        _row("virtualmachinebackups.harvesterhci.io", "v1beta1", "VirtualMachineBackup"),
        _row("schedulevmbackups.harvesterhci.io", "v1beta1", "ScheduleVMBackup"),
        _row("virtualmachineimages.harvesterhci.io", "v1beta1", "VirtualMachineImage"),
        _row("cloudinits.node.harvesterhci.io", "v1beta1", "CloudInit", **cluster),
        _row("helmcharts.helm.cattle.io", "v1", "HelmChart"),
        _row("helmchartconfigs.helm.cattle.io", "v1", "HelmChartConfig", namespaces=("kube-system",)),
        _row("managedcharts.management.cattle.io", "v3", "ManagedChart", **fleet),
        _row("bundles.fleet.cattle.io", "v1alpha1", "Bundle"),
        _row("clusters.provisioning.cattle.io", "v1", "Cluster", names=("local",), **fleet),
        _row("clusters.cluster.x-k8s.io", "v1beta1", "Cluster", names=("local",), **fleet),
        _row("machines.cluster.x-k8s.io", "v1beta1", "Machine", **fleet),
        _row("volumes.longhorn.io", "v1beta2", "Volume", **longhorn),
        _row("engines.longhorn.io", "v1beta2", "Engine", **longhorn),
        _row("replicas.longhorn.io", "v1beta2", "Replica", **longhorn),
        _row("nodes.longhorn.io", "v1beta2", "Node", **longhorn),
        _row("settings.longhorn.io", "v1beta2", "Setting", **longhorn),
        _row("instancemanagers.longhorn.io", "v1beta2", "InstanceManager", **longhorn),
        _row("backingimages.longhorn.io", "v1beta2", "BackingImage", **longhorn),
        _row("backingimagemanagers.longhorn.io", "v1beta2", "BackingImageManager", **longhorn),
        _row("recurringjobs.longhorn.io", "v1beta2", "RecurringJob", **longhorn),
        _row("virtualmachines.kubevirt.io", "v1", "VirtualMachine"),
        _row("virtualmachineinstances.kubevirt.io", "v1", "VirtualMachineInstance"),
        _row("virtualmachineinstancemigrations.kubevirt.io", "v1", "VirtualMachineInstanceMigration"),
        _row("kubevirts.kubevirt.io", "v1", "KubeVirt", **system),
        _row("cdis.cdi.kubevirt.io", "v1beta1", "CDI", **cluster),
        _row("ippools.whereabouts.cni.cncf.io", "v1alpha1", "IPPool", namespaces=("kube-system",)),
        _row("flows.logging.banzaicloud.io", "v1beta1", "Flow", **logging),
        _row("outputs.logging.banzaicloud.io", "v1beta1", "Output", **logging),
        _row("clusterflows.logging.banzaicloud.io", "v1beta1", "ClusterFlow", **logging),
        _row("clusteroutputs.logging.banzaicloud.io", "v1beta1", "ClusterOutput", **logging),
        _row("loggings.logging.banzaicloud.io", "v1beta1", "Logging", **cluster),
    )


RESOURCES: dict[str, Resource] = {row.name: row for row in _rows()}
