"""Rancher upgrades the nodes one by one through its control plane; while that waits for something, it begins with none.

Rule: rkecontrolplanes.rke.cattle.io fleet-local/local, condition Ready, is the one source: the conditions of the cluster
objects of Rancher and of Cluster API are copies of it. What its message says decides (_planner.py); its age is
lastUpdateTime, which moves with the message. The copy of Cluster API (ControlPlaneReady) counts where the source was not
read, and where it contradicts it for half an hour. Besides: the infrastructure of the cluster must be ready (the planner's
first question), the object must be there (H#10044), and a designated init node must be one of the machines.
Normal and never a finding: ScalingUp, ScalingDown and RollingOut False, SystemUpgradeControllerReady, Reconciling and
Stalled False, Unknown project conditions, UpToDate conditions of Cluster API that stay Unknown from 1.8 on. The conditions
Reconciled and Stable of the control plane only repeat it.
Edges: words of the planner that are not known here are `unknown`, whatever they mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    INFO,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    Outcome,
    Phase,
    Tie,
    Unknown,
    View,
    check,
    hangs,
    kubectl,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._control_plane_parts import infrastructure, init_node, lacking
from ._waiting import MACHINES, OLD_CONDITIONS, waits

CONTROL_PLANES, CLUSTERS = "rkecontrolplanes.rke.cattle.io", "clusters.cluster.x-k8s.io"
BEACONS = "beacons.plan.cattle.io"
HELD = hangs(
    Phase.NODE_DRAIN,
    "Rancher's planner does nothing while something else holds its turn, and may not get on with the nodes",
    Certainty.POSSIBLE,
)


@check(
    title="Rancher's control plane waits for nothing",
    needs=(
        need(CONTROL_PLANES, "status.conditions"),
        need(
            CLUSTERS,
            "status.conditions",
            OLD_CONDITIONS,
            "status.infrastructureReady",
            "status.initialization.infrastructureProvisioned",
        ),
        need(MACHINES, "status.conditions", OLD_CONDITIONS, "status.nodeRef.name"),
        need(BEACONS, "status.owner", optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Rancher drains and updates the nodes in a fixed order, and one thing it waits for stops everything behind it. "
    "Neither the server nor the phase Provisioned of the cluster shows that beforehand.",
    how="The agent of a node does not apply its plan, a component fails its probe, an earlier drain was never finished, or "
    "a machine was removed in a hurry.",
    fix="Cure what the message names, on the node it names, and wait until condition Ready is True.",
    links=(
        "https://github.com/harvester/harvester/issues/4683",
        "https://github.com/harvester/harvester/issues/10044",
        "https://github.com/harvester/harvester/issues/6022",
    ),
    causes={
        "planner-cannot-start": "The planner waits for something without which it works on no node: cure that first.",
        "plan-not-applied": "The agent of a node has not applied its plan: look at rancher-system-agent on that node.",
        "plan-failed": "A plan failed on a node; the upgrade's own replaces it. Read why before.",
        "probes-failing": "A component of a node does not answer its probe: find out why, on that node.",
        "drain-unfinished": "An earlier drain or its uncordoning is not finished: see machine-plan-leftover.",
        "kubelet-not-updated": "A node still runs the kubelet of before its last update: restart rke2 there.",
        "machines-not-ready": "Machines are not ready; the planner goes on all the same. Their gates say more.",
        "initialization-unrecorded": "The planner notes the same thing over and over: restart Rancher.",
        "agent-not-connected": "The planner waits for the agent of the cluster, which Harvester does not have.",
        "infrastructure-not-ready": "Cluster API says that the infrastructure is not ready, the planner's first question.",
        "control-plane-missing": "There is no RKEControlPlane fleet-local/local: Rancher has lost it.",
        "init-node-gone": "The designated init node is no machine of the cluster: remove the label, or name one that is.",
        "planner-held": "Something else than the planner holds its turn (Rancher 2.15): see what, and whether it ends.",
    },
    explains=(
        Explains("capi-cluster-provisioned", Tie.CLUSTER),
        Explains("capi-machine-running", Tie.NODE),
    ),
)
def rancher_control_plane_settled(view: View) -> Iterator[Outcome]:
    """Yield a finding for what Rancher's control plane waits for, and for what it lacks."""
    cluster = view.find(CLUSTERS, "local", "fleet-local")
    read = not view.missing(CONTROL_PLANES)
    plane = view.find(CONTROL_PLANES, "local", "fleet-local") if read else None
    if read and plane is None and cluster is not None:
        yield lacking("control-plane-missing", "There is no RKEControlPlane fleet-local/local for the cluster", None)
    elif read and plane is None:
        yield unknown(Code.INCOMPLETE, "neither an RKEControlPlane nor a cluster fleet-local/local was read")
    yield from waits(view, plane, cluster)
    if cluster is not None:
        yield from infrastructure(cluster)
    yield from _held(view)
    if plane is not None:
        yield from init_node(view, plane)


def _held(view: View) -> Iterator[Outcome]:
    missing = view.missing(BEACONS)
    if missing and missing.code not in (Code.NOT_SERVED, Code.NOT_IN_SOURCE):  # only Rancher 2.15 has it
        yield Unknown(missing)
    for beacon in view.read(BEACONS):
        owner = text_at(beacon, "status.owner")
        if owner not in ("", "planner"):
            yield Finding(
                severity=INFO,
                cause="planner-held",
                message=f"The turn of Rancher's planner is held by {owner}",
                hint="See what that is, and let it end before the upgrade",
                commands=(kubectl("get beacons.plan.cattle.io local -n fleet-local -o yaml"),),
                resource=ref_of(beacon),
                evidence={"owner": owner},
                enforced_by=(Enforcer.NONE,),
                consequence=HELD,
            )
