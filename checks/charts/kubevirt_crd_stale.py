"""Helm never updates the definitions a chart brought at its first installation: old clusters lack what 1.5 sets.

Rule: docs 1.4.2 to 1.5.0 (clusters first installed as 1.0 to 1.2): customresourcedefinition kubevirts.kubevirt.io must
know spec.configuration.vmStateStorageClass in v1, and cdis.cdi.kubevirt.io must exist; else bundle mcc-harvester stays
Modified and the upgrade waits for it. The test itself is inferred from the fix the docs give.
Edges: 1.4.x ships no CDI, and the script of the target creates that definition before it applies the chart (v1.5.0
apply_extra_nonversion_manifests), so its absence counts from FROM 1.5.0 on only.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Certainty,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    ResourceRef,
    View,
    check,
    hangs,
    kubectl,
    lies_in,
    maps_at,
    need,
    ref_of,
    unknown,
    value_at,
)

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
PROPERTY = "schema.openAPIV3Schema.properties.spec.properties.configuration.properties.vmStateStorageClass"
CHARTS = "deploy/charts/harvester/dependency_charts"


@check(
    id="kubevirt-crd-stale",
    title="KubeVirt's definitions are recent enough for 1.5",
    category="charts",
    needs=(need(CRDS, "spec.versions.name", f"spec.versions.{PROPERTY}.type"),),
    to_versions=">=1.5.0 <1.6.0",
    enforced_by=(Enforcer.DOCS, Enforcer.SCRIPTS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-2-to-v1-5-0",
    why="The chart of 1.5 sets a field the old definition drops, so fleet sees it modified for ever and the "
    "upgrade waits for a bundle that is never ready.",
    how="The cluster was first installed as 1.0 to 1.2, and its definitions were never replaced since.",
    fix="Apply the definitions (crds folders of kubevirt-operator, csi-snapshotter, whereabouts, cdi) of the target's "
    "tag, then let the bundle sync again.",
    links=("https://github.com/harvester/harvester/issues/8163",),
    consequence=hangs(
        Phase.SYSTEM_SERVICES,
        "Bundle mcc-harvester stays Modified, and the script waits for it without limit (the documentation says so; that "
        "these two definitions are all that matters is inferred from its cure)",
        Certainty.LIKELY,
    ),
    causes={
        "property-missing": "The KubeVirt definition does not know vmStateStorageClass: apply the target's.",
        "definition-missing": "The definition of CDI is not there: apply the target's.",
    },
)
def kubevirt_crd_stale(view: View) -> Iterator[Outcome]:
    """Yield a finding for a definition that is older than the chart of 1.5 needs."""
    kubevirt = view.find(CRDS, "kubevirts.kubevirt.io")
    if kubevirt is None:
        yield unknown(Code.ERROR, "no definition kubevirts.kubevirt.io was read, which every Harvester has")
        return
    versions = [entry for entry in maps_at(kubevirt, "spec.versions") if entry.get("name") == "v1"]
    if not any(value_at(version, PROPERTY) is not None for version in versions):
        yield Finding(
            severity=FAIL,
            cause="property-missing",
            message="CustomResourceDefinition kubevirts.kubevirt.io does not know configuration.vmStateStorageClass",
            hint=f"Apply it from the target's tag ({CHARTS}/kubevirt-operator/crds)",
            commands=(kubectl("apply --server-side --force-conflicts -f crd-kubevirt.yaml"),),
            resource=ref_of(kubevirt),
        )
    if lies_in(view.upgrade.from_version, ">=1.5.0") is not False and view.find(CRDS, "cdis.cdi.kubevirt.io") is None:
        yield Finding(
            severity=FAIL,
            cause="definition-missing",
            message="CustomResourceDefinition cdis.cdi.kubevirt.io does not exist",
            hint=f"Apply it from the target's tag ({CHARTS}/cdi/crds)",
            commands=(kubectl("apply --server-side -f cdi.yaml"),),
            resource=ResourceRef("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "cdis.cdi.kubevirt.io"),
        )
