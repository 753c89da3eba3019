"""The local cluster as Fleet knows it: the script of an upgrade waits until Fleet has imported it.

Rule: upgrade_manifests.sh wait_cluster_local_is_imported: waits for condition Imported of clusters.fleet.cattle.io
fleet-local/local without limit, and for Ready for a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Consequence,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    ResourceRef,
    View,
    condition_status,
    degrades,
    hangs,
    kubectl,
    ref_of,
)

FLEET = "clusters.fleet.cattle.io"
NOT_IMPORTED = degrades(
    Phase.SYSTEM_SERVICES, "The script waits until Fleet has taken up the cluster again, which may take long"
)


def fleet_cluster(view: View) -> Iterator[Outcome]:
    """Yield a finding when Fleet does not know the local cluster, or has not imported it, or it is not Ready."""
    if view.missing(FLEET):
        return
    cluster = view.find(FLEET, "local", "fleet-local")
    if cluster is None:
        yield _finding(
            ResourceRef("fleet.cattle.io/v1alpha1", "Cluster", "fleet-local", "local"),
            "fleet-cluster-missing",
            "There is no cluster fleet-local/local of Fleet",
            hangs(Phase.SYSTEM_SERVICES, "The script waits without limit until Fleet has imported the local cluster"),
        )
        return
    states = {kind: condition_status(cluster, kind) or "absent" for kind in ("Imported", "Ready")}
    if states["Imported"] == "absent" or states["Ready"] != "True":
        text = f"Fleet's cluster fleet-local/local: Imported is {states['Imported']}, Ready is {states['Ready']}"
        yield _finding(ref_of(cluster), "fleet-cluster-not-ready", text, NOT_IMPORTED)


def _finding(resource: ResourceRef, cause: str, message: str, consequence: Consequence) -> Finding:
    stops = cause == "fleet-cluster-missing"
    return Finding(
        severity=FAIL if stops else WARN,
        cause=cause,
        message=message,
        hint="Read the conditions of the cluster and the log of fleet-controller",
        commands=(
            kubectl("get clusters.fleet.cattle.io local -n fleet-local -o yaml"),
            kubectl("logs deployment/fleet-controller -n cattle-fleet-system --tail=100"),
        ),
        resource=resource,
        enforced_by=(Enforcer.SCRIPTS,) if stops else (Enforcer.NONE,),
        consequence=consequence,
    )
