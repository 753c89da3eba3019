"""The cluster object of Cluster API must say Provisioned: the server asks for it, and the upgrade waits for it.

Rule: validator.go checkResources (v1.4.0 to v1.9.0-rc6) and check.sh check_cluster: clusters.cluster.x-k8s.io
fleet-local/local, status.phase = Provisioned; without that object the server answers 500. After the Rancher step
upgrade_manifests.sh waits for the phase without limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    Outcome,
    ResourceRef,
    View,
    check,
    maps_at,
    need,
    ref_of,
    text_at,
)

CLUSTERS = "clusters.cluster.x-k8s.io"
EVERYONE = (Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.SCRIPTS)


@check(
    id="capi-cluster-provisioned",
    title="The cluster is provisioned",
    category="rancher",
    needs=(need(CLUSTERS, "status.phase", "status.conditions"),),
    enforced_by=EVERYONE,
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade in any other phase, and the upgrade itself waits for this one without limit.",
    how="A node joins or leaves, the machine plan of a node fails, or an earlier upgrade stopped in the middle.",
    fix="Read the conditions of the cluster and of its machines; wait for a node that joins, remove one that is gone.",
    causes={
        "not-provisioned": "The phase is another one; the conditions of the object say why.",
        "cluster-missing": "There is no cluster fleet-local/local: Rancher has lost or never made it.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def capi_cluster_provisioned(view: View) -> Iterator[Outcome]:
    """Yield a finding when the local cluster is not in phase Provisioned."""
    cluster = view.find(CLUSTERS, "local", "fleet-local")
    if cluster is None:
        yield Finding(
            severity=FAIL,
            cause="cluster-missing",
            message="There is no cluster fleet-local/local of Cluster API, without which the server answers 500",
            hint="See what Rancher says about the local cluster\n"
            "kubectl get clusters.provisioning.cattle.io,clusters.management.cattle.io -A",
            resource=ResourceRef("cluster.x-k8s.io/v1beta1", "Cluster", "fleet-local", "local"),
            enforced_by=EVERYONE,
        )
        return
    phase = text_at(cluster, "status.phase")
    if phase == "Provisioned":
        return
    open_conditions = [
        f"{text_at(entry, 'type')}: {text_at(entry, 'message') or text_at(entry, 'reason')}".rstrip(": ")
        for entry in maps_at(cluster, "status.conditions")
        if entry.get("status") != "True"
    ]
    yield Finding(
        severity=FAIL,
        cause="not-provisioned",
        message=f"Cluster fleet-local/local is in phase {phase or '(none)'}, not Provisioned"
        + (f" ({'; '.join(open_conditions)})" if open_conditions else ""),
        hint="Read its conditions and those of its machines\n"
        "kubectl describe clusters.cluster.x-k8s.io local -n fleet-local\n"
        "kubectl get machines.cluster.x-k8s.io -n fleet-local",
        resource=ref_of(cluster),
        evidence={"phase": phase or None, "openConditions": open_conditions},
        transient=phase in ("", "Pending", "Provisioning"),
        enforced_by=EVERYONE,
    )
