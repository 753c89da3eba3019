"""One table of what the tool can read: kubectl's name, group, scope and, where it is enough, namespace or name.

A need names a row. A row with a slash is a part of a resource (`secrets/local-kubeconfig`) or something that is no
list at all (`nodes/stats-summary`). The group is always in the name when it is not the core group, because `nodes`,
`settings`, `volumes` and `clusters` exist in several. Version is the fallback: discovery decides on a live cluster,
the folder's name in a support bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ADDON_NAMESPACES = (
    "cattle-logging-system",
    "cattle-monitoring-system",
    "harvester-system",
    "kube-system",
    "rancher-vcluster",
)


class How(StrEnum):
    """How a source comes by it."""

    LIST = "list"
    KUBELET = "kubelet"
    """A GET per node through the API server."""
    TLS = "tls"
    """A handshake."""
    NODE = "node"
    """Only on the node itself."""
    ASK = "ask"
    """A dry run of a write, never made unless somebody asks for it."""


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
    how: How = How.LIST

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


def _row(name: str, version: str, kind: str, *, how: How = How.LIST, **more: Any) -> Resource:
    base, _, _ = name.partition("/")
    plural, _, group = base.partition(".")
    return Resource(name, group, version, plural, kind, how=how, **more)


_CLUSTER: dict[str, Any] = {"namespaced": False}
_SYSTEM: dict[str, Any] = {"namespaces": ("harvester-system",)}
_FLEET: dict[str, Any] = {"namespaces": ("fleet-local",)}
_LONGHORN: dict[str, Any] = {"namespaces": ("longhorn-system",)}
_LOGGING: dict[str, Any] = {"namespaces": ("cattle-logging-system",)}
_ROWS: tuple[Resource, ...] = (
    _row("nodes", "v1", "Node", **_CLUSTER),
    _row("nodes/stats-summary", "v1", "NodeStatsSummary", how=How.KUBELET, **_CLUSTER),
    _row("nodes/configz", "v1", "NodeConfigz", how=How.KUBELET, **_CLUSTER),
    _row("nodes/files", "v1", "NodeFiles", how=How.NODE, **_CLUSTER),
    _row(
        "endpoints/apiserver-certificates",
        "v1",
        "ServingCertificates",
        how=How.TLS,
        namespaces=("default",),
    ),
    _row("namespaces", "v1", "Namespace", **_CLUSTER),
    _row("namespaces/kube-system", "v1", "Namespace", names=("kube-system",), **_CLUSTER),
    _row("pods", "v1", "Pod"),
    _row("events", "v1", "Event"),
    _row("events/nodes", "v1", "Event", namespaces=("default",)),
    _row("events/upgrade", "v1", "Event", namespaces=("cattle-system", "harvester-system")),
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
        **_FLEET,
    ),
    _row(
        "secrets/local-rke-state",
        "v1",
        "Secret",
        metadata_only=True,
        names=("local-rke-state",),
        **_FLEET,
    ),
    _row("secrets/machine-plans", "v1", "Secret", metadata_only=True, **_FLEET),
    _row("endpoints", "v1", "Endpoints", namespaces=("default",), names=("kubernetes",)),
    _row("endpointslices.discovery.k8s.io", "v1", "EndpointSlice", namespaces=("default",)),
    _row("leases.coordination.k8s.io", "v1", "Lease", namespaces=("kube-node-lease",)),
    _row("leases.coordination.k8s.io/repair", "v1", "Lease", names=("harvester-preflight-fix",), **_SYSTEM),
    _row("jobs.batch", "v1", "Job"),
    _row("deployments.apps", "v1", "Deployment"),
    _row("daemonsets.apps", "v1", "DaemonSet"),
    _row("statefulsets.apps", "v1", "StatefulSet"),
    _row("poddisruptionbudgets.policy", "v1", "PodDisruptionBudget"),
    _row("ingresses.networking.k8s.io", "v1", "Ingress"),
    _row("ingressclasses.networking.k8s.io", "v1", "IngressClass", **_CLUSTER),
    _row("network-attachment-definitions.k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition"),
    _row("storageclasses.storage.k8s.io", "v1", "StorageClass", **_CLUSTER),
    _row("volumeattachments.storage.k8s.io", "v1", "VolumeAttachment", **_CLUSTER),
    _row(
        "clusterrolebindings.rbac.authorization.k8s.io",
        "v1",
        "ClusterRoleBinding",
        metadata_only=True,
        **_CLUSTER,
    ),
    _row("customresourcedefinitions.apiextensions.k8s.io", "v1", "CustomResourceDefinition", **_CLUSTER),
    _row("addons.harvesterhci.io", "v1beta1", "Addon"),
    _row("settings.harvesterhci.io", "v1beta1", "Setting", **_CLUSTER),
    _row("upgrades.harvesterhci.io", "v1beta1", "Upgrade", **_SYSTEM),
    _row("upgrades.harvesterhci.io/dry-run", "v1beta1", "Upgrade", how=How.ASK, **_SYSTEM),
    _row("upgradelogs.harvesterhci.io", "v1beta1", "UpgradeLog", **_SYSTEM),
    _row("versions.harvesterhci.io", "v1beta1", "Version", **_SYSTEM),
    _row("versions.management.harvesterhci.io", "v1beta1", "Version", **_CLUSTER),
    _row("upgradeplans.management.harvesterhci.io", "v1beta1", "UpgradePlan", **_CLUSTER),
    _row("plans.upgrade.cattle.io", "v1", "Plan", namespaces=("cattle-system",)),
    _row("virtualmachinebackups.harvesterhci.io", "v1beta1", "VirtualMachineBackup"),
    _row("schedulevmbackups.harvesterhci.io", "v1beta1", "ScheduleVMBackup"),
    _row("virtualmachineimages.harvesterhci.io", "v1beta1", "VirtualMachineImage"),
    _row("cloudinits.node.harvesterhci.io", "v1beta1", "CloudInit", **_CLUSTER),
    _row("helmcharts.helm.cattle.io", "v1", "HelmChart"),
    _row("helmchartconfigs.helm.cattle.io", "v1", "HelmChartConfig", namespaces=("kube-system",)),
    _row("managedcharts.management.cattle.io", "v3", "ManagedChart", **_FLEET),
    _row(
        "settings.management.cattle.io",
        "v3",
        "Setting",
        names=("chart-default-branch", "system-catalog"),
        **_CLUSTER,
    ),
    _row(
        "apps.catalog.cattle.io",
        "v1",
        "App",
        namespaces=(
            "cattle-fleet-system",
            "cattle-logging-system",
            "cattle-monitoring-system",
            "cattle-system",
            "harvester-system",
        ),
    ),
    _row("clusterrepos.catalog.cattle.io", "v1", "ClusterRepo", **_CLUSTER),
    _row("bundles.fleet.cattle.io", "v1alpha1", "Bundle"),
    _row("clusters.fleet.cattle.io", "v1alpha1", "Cluster", names=("local",), **_FLEET),
    _row("clusters.provisioning.cattle.io", "v1", "Cluster", names=("local",), **_FLEET),
    _row("rkecontrolplanes.rke.cattle.io", "v1", "RKEControlPlane", names=("local",), **_FLEET),
    _row("beacons.plan.cattle.io", "v1alpha1", "Beacon", names=("local",), **_FLEET),
    _row("clusters.cluster.x-k8s.io", "v1beta1", "Cluster", names=("local",), **_FLEET),
    _row("machines.cluster.x-k8s.io", "v1beta1", "Machine", **_FLEET),
    _row("volumes.longhorn.io", "v1beta2", "Volume", **_LONGHORN),
    _row("engines.longhorn.io", "v1beta2", "Engine", **_LONGHORN),
    _row("replicas.longhorn.io", "v1beta2", "Replica", **_LONGHORN),
    _row("nodes.longhorn.io", "v1beta2", "Node", **_LONGHORN),
    _row("settings.longhorn.io", "v1beta2", "Setting", **_LONGHORN),
    _row("instancemanagers.longhorn.io", "v1beta2", "InstanceManager", **_LONGHORN),
    _row("backingimages.longhorn.io", "v1beta2", "BackingImage", **_LONGHORN),
    _row("backingimagemanagers.longhorn.io", "v1beta2", "BackingImageManager", **_LONGHORN),
    _row("recurringjobs.longhorn.io", "v1beta2", "RecurringJob", **_LONGHORN),
    _row("volumeattachments.longhorn.io", "v1beta2", "VolumeAttachment", **_LONGHORN),
    _row("backingimagedatasources.longhorn.io", "v1beta2", "BackingImageDataSource", metadata_only=True, **_LONGHORN),
    _row("backups.longhorn.io", "v1beta2", "Backup", metadata_only=True, **_LONGHORN),
    _row("backuptargets.longhorn.io", "v1beta2", "BackupTarget", metadata_only=True, **_LONGHORN),
    _row("backupvolumes.longhorn.io", "v1beta2", "BackupVolume", metadata_only=True, **_LONGHORN),
    _row("engineimages.longhorn.io", "v1beta2", "EngineImage", metadata_only=True, **_LONGHORN),
    _row("sharemanagers.longhorn.io", "v1beta2", "ShareManager", metadata_only=True, **_LONGHORN),
    _row("virtualmachines.kubevirt.io", "v1", "VirtualMachine"),
    _row("virtualmachineinstances.kubevirt.io", "v1", "VirtualMachineInstance"),
    _row("virtualmachineinstancemigrations.kubevirt.io", "v1", "VirtualMachineInstanceMigration"),
    _row("kubevirts.kubevirt.io", "v1", "KubeVirt", **_SYSTEM),
    _row("cdis.cdi.kubevirt.io", "v1beta1", "CDI", **_CLUSTER),
    _row("cdiconfigs.cdi.kubevirt.io", "v1beta1", "CDIConfig", names=("config",), **_CLUSTER),
    _row("ippools.whereabouts.cni.cncf.io", "v1alpha1", "IPPool", namespaces=("kube-system",)),
    _row("flows.logging.banzaicloud.io", "v1beta1", "Flow", **_LOGGING),
    _row("outputs.logging.banzaicloud.io", "v1beta1", "Output", **_LOGGING),
    _row("clusterflows.logging.banzaicloud.io", "v1beta1", "ClusterFlow", **_LOGGING),
    _row("clusteroutputs.logging.banzaicloud.io", "v1beta1", "ClusterOutput", **_LOGGING),
    _row("loggings.logging.banzaicloud.io", "v1beta1", "Logging", **_CLUSTER),
)


RESOURCES: dict[str, Resource] = {row.name: row for row in _ROWS}
