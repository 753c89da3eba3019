"""What Rancher's control plane cannot begin without: its own object, the infrastructure of the cluster, an init node.

Rule: see rancher_control_plane_settled.py: the planner asks for the infrastructure first, and a designated init node must
be one of the machines.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    ResourceRef,
    View,
    boolean_at,
    condition_status,
    kubectl,
    labels_of,
    ref_of,
    text_at,
    unknown,
)

from ._planner import NEVER_STARTS
from ._waiting import MACHINES

INIT_NODE, MACHINE_ID = "rke.cattle.io/init-node-machine-id", "rke.cattle.io/machine-id"


def lacking(cause: str, message: str, obj: JsonObject | None, consequence: Consequence = NEVER_STARTS) -> Finding:
    """Build the finding of a part that is not there; without an object it is of the control plane itself."""
    return Finding(
        severity=FAIL,
        cause=cause,
        message=message,
        hint="Find out what became of it before the upgrade; the log of Rancher says what it misses",
        commands=(
            kubectl(
                "get clusters.cluster.x-k8s.io,rkecontrolplanes.rke.cattle.io,machines.cluster.x-k8s.io -n fleet-local"
            ),
            kubectl("logs deployment/rancher -n cattle-system --tail=200"),
        ),
        resource=ref_of(obj) if obj else ResourceRef("rke.cattle.io/v1", "RKEControlPlane", "fleet-local", "local"),
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=consequence,
    )


def infrastructure(cluster: JsonObject) -> Iterator[Outcome]:
    """Yield a finding when the infrastructure of the cluster is not ready."""
    told = boolean_at(cluster, "status.initialization.infrastructureProvisioned")
    if told is None:
        told = boolean_at(cluster, "status.infrastructureReady")
    state = condition_status(cluster, "InfrastructureReady")
    if told is None and not state:
        yield unknown(Code.INCOMPLETE, "cluster fleet-local/local does not say whether its infrastructure is ready")
    elif told is False or (told is None and state != "True"):
        text = "The infrastructure of cluster fleet-local/local is not ready, and Rancher asks for that first"
        yield lacking("infrastructure-not-ready", text, cluster)


def init_node(view: View, plane: JsonObject) -> Iterator[Outcome]:
    """Yield a finding when the designated init node is none of the machines."""
    wanted = text_at(labels_of(plane), f"[{INIT_NODE}]")
    held = {text_at(labels_of(machine), f"[{MACHINE_ID}]") for machine in view.objects(MACHINES)}
    if wanted and wanted not in held:
        text = f"The designated init node has machine id {wanted}, which no machine of the cluster has"
        yield lacking("init-node-gone", text, plane)
