"""What the server can serve: one line per kind, in the order discovery shows them.

Columns: group (`-` is the core group), version, plural, kind, scope (`n` namespaced, `c` cluster), `s` where the kind
has a status subresource, then short names. A plural listed twice with two versions is one storage served twice; the
line that comes first is the preferred version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

READ = ("get", "list", "watch")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "apiextensions.k8s.io",
        "apps",
        "authorization.k8s.io",
        "batch",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind the server serves."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    status: bool = True
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`plural.group`, as error messages of the API server name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def custom(self) -> bool:
        """Whether a CRD defines it: such kinds behave differently from built-in ones in several details."""
        return self.group not in BUILT_IN_GROUPS

    @property
    def subresources(self) -> tuple[str, ...]:
        """Names of the subresources discovery lists."""
        own = {"pods": ("log",), "nodes": ("proxy",)}.get(self.plural, ()) if not self.group else ()
        return (*own, "status") if self.status else own


_TABLE = """
- v1 nodes Node c s no
- v1 namespaces Namespace c s ns
- v1 pods Pod n s po
- v1 persistentvolumeclaims PersistentVolumeClaim n s pvc
- v1 persistentvolumes PersistentVolume c s pv
- v1 events Event n - ev
- v1 configmaps ConfigMap n - cm
- v1 secrets Secret n -
- v1 serviceaccounts ServiceAccount n - sa
- v1 services Service n s svc
- v1 endpoints Endpoints n - ep
apps v1 deployments Deployment n s deploy
apps v1 daemonsets DaemonSet n s ds
apps v1 statefulsets StatefulSet n s sts
apps v1 replicasets ReplicaSet n s rs
batch v1 jobs Job n s
batch v1 cronjobs CronJob n s cj
policy v1 poddisruptionbudgets PodDisruptionBudget n s pdb
coordination.k8s.io v1 leases Lease n -
discovery.k8s.io v1 endpointslices EndpointSlice n -
networking.k8s.io v1 ingresses Ingress n s ing
networking.k8s.io v1 ingressclasses IngressClass c -
storage.k8s.io v1 storageclasses StorageClass c - sc
storage.k8s.io v1 volumeattachments VolumeAttachment c s
apiextensions.k8s.io v1 customresourcedefinitions CustomResourceDefinition c s crd crds
rbac.authorization.k8s.io v1 clusterroles ClusterRole c -
rbac.authorization.k8s.io v1 clusterrolebindings ClusterRoleBinding c -
rbac.authorization.k8s.io v1 roles Role n -
rbac.authorization.k8s.io v1 rolebindings RoleBinding n -
harvesterhci.io v1beta1 addons Addon n s
harvesterhci.io v1beta1 settings Setting c -
harvesterhci.io v1beta1 upgrades Upgrade n s
harvesterhci.io v1beta1 upgradelogs UpgradeLog n s
harvesterhci.io v1beta1 versions Version n -
management.harvesterhci.io v1beta1 versions Version c s
management.harvesterhci.io v1beta1 upgradeplans UpgradePlan c s
upgrade.cattle.io v1 plans Plan n s
harvesterhci.io v1beta1 virtualmachinebackups VirtualMachineBackup n s vmbackup
harvesterhci.io v1beta1 schedulevmbackups ScheduleVMBackup n s
harvesterhci.io v1beta1 virtualmachineimages VirtualMachineImage n s vmimage
node.harvesterhci.io v1beta1 cloudinits CloudInit c s
helm.cattle.io v1 helmcharts HelmChart n s
helm.cattle.io v1 helmchartconfigs HelmChartConfig n -
management.cattle.io v3 managedcharts ManagedChart n s
management.cattle.io v3 settings Setting c -
catalog.cattle.io v1 apps App n s
catalog.cattle.io v1 clusterrepos ClusterRepo c s
fleet.cattle.io v1alpha1 bundles Bundle n s
fleet.cattle.io v1alpha1 clusters Cluster n s
provisioning.cattle.io v1 clusters Cluster n s
rke.cattle.io v1 rkecontrolplanes RKEControlPlane n s
plan.cattle.io v1alpha1 beacons Beacon n s
k8s.cni.cncf.io v1 network-attachment-definitions NetworkAttachmentDefinition n - net-attach-def
cluster.x-k8s.io v1beta1 clusters Cluster n s cl
cluster.x-k8s.io v1beta1 machines Machine n s ma
longhorn.io v1beta2 volumes Volume n s lhv
longhorn.io v1beta2 engines Engine n s lhe
longhorn.io v1beta2 replicas Replica n s lhr
longhorn.io v1beta2 nodes Node n s lhn
longhorn.io v1beta2 settings Setting n s lhs
longhorn.io v1beta2 instancemanagers InstanceManager n s lhim
longhorn.io v1beta2 backingimages BackingImage n s lhbi
longhorn.io v1beta2 backingimagemanagers BackingImageManager n s lhbim
longhorn.io v1beta2 recurringjobs RecurringJob n s lhrj
longhorn.io v1beta2 volumeattachments VolumeAttachment n s lhva
longhorn.io v1beta2 backingimagedatasources BackingImageDataSource n s lhbids
longhorn.io v1beta2 backups Backup n s lhb
longhorn.io v1beta2 backuptargets BackupTarget n s lhbt
longhorn.io v1beta2 backupvolumes BackupVolume n s lhbv
longhorn.io v1beta2 engineimages EngineImage n s lhei
longhorn.io v1beta2 sharemanagers ShareManager n s lhsm
kubevirt.io v1 virtualmachines VirtualMachine n s vm vms
kubevirt.io v1 virtualmachineinstances VirtualMachineInstance n s vmi vmis
kubevirt.io v1 virtualmachineinstancemigrations VirtualMachineInstanceMigration n s vmim
kubevirt.io v1 kubevirts KubeVirt n s kv kvs
cdi.kubevirt.io v1beta1 cdis CDI c s
cdi.kubevirt.io v1beta1 cdiconfigs CDIConfig c s
whereabouts.cni.cncf.io v1alpha1 ippools IPPool n -
logging.banzaicloud.io v1beta1 flows Flow n s
logging.banzaicloud.io v1beta1 outputs Output n s
logging.banzaicloud.io v1beta1 clusterflows ClusterFlow n s
logging.banzaicloud.io v1beta1 clusteroutputs ClusterOutput n s
logging.banzaicloud.io v1beta1 loggings Logging c s
openreports.io v1alpha1 reports Report n -
openreports.io v1alpha1 clusterreports ClusterReport c -
wgpolicyk8s.io v1alpha2 policyreports PolicyReport n - polr
wgpolicyk8s.io v1alpha2 clusterpolicyreports ClusterPolicyReport c - cpolr
"""


def _rows(table: str) -> Iterable[Kind]:
    for line in table.strip().splitlines():
        group, version, plural, kind, scope, *rest = line.split()
        status, *short = rest
        yield Kind("" if group == "-" else group, version, plural, kind, scope == "n", status == "s", tuple(short))
    yield Kind(
        "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, False,
        verbs=("create",),
    )  # fmt: skip


DEFAULT_RESOURCES: tuple[Kind, ...] = tuple(_rows(_TABLE))


class Kinds:
    """The kinds one server serves; groups can be taken away to see how a client copes."""

    def __init__(self, kinds: Iterable[Kind] = DEFAULT_RESOURCES) -> None:
        self.rows: list[Kind] = list(kinds)

    def remove(self, group: str, plural: str | None = None) -> None:
        """Stop serving a group, or one plural of it: its paths answer 404 from now on."""
        self.rows = [row for row in self.rows if row.group != group or plural not in (None, row.plural)]

    def find(self, group: str, plural: str, version: str | None = None) -> Kind | None:
        """Return the first row that fits, or None."""
        for row in self.rows:
            if (row.group, row.plural) == (group, plural) and version in (None, row.version):
                return row
        return None

    def of(self, obj: dict[str, Any]) -> Kind:
        """Return the row an object belongs to, by its apiVersion and kind."""
        group, _, _version = obj["apiVersion"].rpartition("/")
        for row in self.rows:
            if (row.group, row.kind) == (group, obj["kind"]):
                return row
        raise LookupError(f"the server does not serve {obj['apiVersion']} {obj['kind']}: add a Kind to its resources")
