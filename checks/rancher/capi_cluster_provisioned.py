"""The cluster object of Cluster API must say Provisioned: the server asks for it, and the upgrade waits for it.

Rule: validator.go checkResources (v1.4.0 to v1.9.0-rc6) and check.sh check_cluster: clusters.cluster.x-k8s.io
fleet-local/local, status.phase = Provisioned; without that object the server answers 500. Before it touches Rancher,
wait_capi_cluster of upgrade_manifests.sh waits without limit for the phase and for status.observedGeneration: up to 1.8.0
it must be there and above 0, from 1.8.1 equal to metadata.generation for 30 s. It does so only where the upgrade brings
another Rancher (checks/_rancher.py); elsewhere nobody asks for the generation.
Edges: Cluster API notes a new generation within seconds, so one that is behind is expected to pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    View,
    check,
    degrades,
    hangs,
    integer_at,
    kubectl,
    lies_in,
    maps_at,
    need,
    ref_of,
    refused,
    text_at,
    unknown,
)

from .._rancher import rancher_changes

CLUSTERS = "clusters.cluster.x-k8s.io"
EVERYONE = (Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.SCRIPTS)
WAITS = hangs(
    Phase.SYSTEM_SERVICES, "Before the script upgrades Rancher it waits without limit until the generation was observed"
)
NOBODY_ASKS = degrades(
    Phase.SYSTEM_SERVICES,
    "This upgrade leaves Rancher as it is and does not wait for it, but what was changed may not be in force",
)


@check(
    title="The cluster is provisioned",
    needs=(need(CLUSTERS, "metadata.generation", "status.phase", "status.conditions", "status.observedGeneration"),),
    enforced_by=(*EVERYONE, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade in any other phase, and the upgrade itself waits for this one without limit.",
    how="A node joins or leaves, the machine plan of a node fails, or an earlier upgrade stopped in the middle.",
    fix="Read the conditions of the cluster and of its machines; wait for a node that joins, remove one that is gone.",
    causes={
        "not-provisioned": "The phase is another one; the conditions of the object say why.",
        "cluster-missing": "There is no cluster fleet-local/local: Rancher has lost or never made it.",
        "generation-not-observed": "Cluster API has not looked at the object since it was changed: see whether its "
        "controller (capi-controller-manager) runs, and whether the cluster is paused.",
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused(),
)
def capi_cluster_provisioned(view: View) -> Iterator[Outcome]:
    """Yield a finding when the local cluster is not in phase Provisioned, or was changed unseen."""
    cluster = view.find(CLUSTERS, "local", "fleet-local")
    if cluster is None:
        yield Finding(
            severity=FAIL,
            cause="cluster-missing",
            message="There is no cluster fleet-local/local of Cluster API, without which the server answers 500",
            hint="See what Rancher says about the local cluster",
            commands=(kubectl("get clusters.provisioning.cattle.io,clusters.management.cattle.io -A"),),
            resource=ResourceRef("cluster.x-k8s.io/v1beta1", "Cluster", "fleet-local", "local"),
            enforced_by=EVERYONE,
        )
        return
    if text_at(cluster, "status.phase") != "Provisioned":
        yield _not_provisioned(cluster)
    yield from _generation(view, cluster)


def _not_provisioned(cluster: JsonObject) -> Finding:
    phase = text_at(cluster, "status.phase")
    open_conditions = [
        f"{text_at(entry, 'type')}: {text_at(entry, 'message') or text_at(entry, 'reason')}".rstrip(": ")
        for entry in maps_at(cluster, "status.conditions")
        if entry.get("status") != "True"
    ]
    return Finding(
        severity=FAIL,
        cause="not-provisioned",
        message=f"Cluster fleet-local/local is in phase {phase or '(none)'}, not Provisioned"
        + (f" ({'; '.join(open_conditions)})" if open_conditions else ""),
        hint="Read its conditions and those of its machines",
        commands=(
            kubectl("describe clusters.cluster.x-k8s.io local -n fleet-local"),
            kubectl("get machines.cluster.x-k8s.io -n fleet-local"),
        ),
        resource=ref_of(cluster),
        evidence={"phase": phase or None, "openConditions": open_conditions},
        transient=phase in ("", "Pending", "Provisioning"),
        enforced_by=EVERYONE,
    )


def _generation(view: View, cluster: JsonObject) -> Iterator[Outcome]:
    wanted, seen = (integer_at(cluster, path) or 0 for path in ("metadata.generation", "status.observedGeneration"))
    if seen > 0 and (seen == wanted or lies_in(view.upgrade.to_version, "<1.8.1") is True):
        return
    if seen and not wanted:
        yield unknown(Code.UNPARSABLE, "cluster fleet-local/local does not say its generation")
        return
    changes = rancher_changes(view)
    # A pair nobody knows is taken for one that waits: who lets the cluster settle first loses nothing.
    who = Enforcer.NONE if changes is False else Enforcer.SCRIPTS
    yield Finding(
        severity=WARN if changes is False else FAIL,
        cause="generation-not-observed",
        message=f"Cluster fleet-local/local is at generation {wanted or '(none)'}, and Cluster API has observed "
        f"{seen or 'none'}",
        hint="Wait a moment; if it stays so, look at the controller of Cluster API",
        commands=(
            kubectl("get clusters.cluster.x-k8s.io local -n fleet-local -o yaml"),
            kubectl("get deployments -A --field-selector metadata.name=capi-controller-manager"),
        ),
        resource=ref_of(cluster),
        evidence={"generation": wanted or None, "observedGeneration": seen or None},
        transient=True,
        enforced_by=(who,),
        consequence=NOBODY_ASKS if changes is False else WAITS,
    )
