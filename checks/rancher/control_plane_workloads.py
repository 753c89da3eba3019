"""The controllers an upgrade leans on must run: each of them is waited for without limit.

Rule: see _workloads.py for who waits for which. A workload that is missing, has no replicas or none available fails; with
fewer available than wanted it warns. Deployments of 0 replicas have no pods, so looking at pods does not show them. The
static pods of the control plane (kube-apiserver, kube-controller-manager, kube-scheduler) must be ready on each of its
nodes: Rancher's planner asks for their probes. clusters.fleet.cattle.io fleet-local/local must exist, since the script
waits for its condition Imported without limit, and for Ready for a minute.
Units: ten minutes are allowed for a rollout or a restart. etcd is a matter of etcd-members.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    Code,
    Enforcer,
    Explains,
    Outcome,
    Tie,
    Unreadable,
    View,
    check,
    need,
    unknown,
)

from ._fleet import FLEET, fleet_cluster
from ._static_pods import static_pods
from ._workload_findings import DEPLOYMENTS, STATEFULSETS, judge_workload
from ._workloads import NAMESPACES, WORKLOADS


@check(
    title="The controllers the upgrade leans on run",
    needs=(
        need(
            DEPLOYMENTS,
            "spec.replicas",
            "spec.selector.matchLabels",
            "status.availableReplicas",
            "status.conditions",
            namespaces=NAMESPACES,
        ),
        need(
            STATEFULSETS,
            "spec.replicas",
            "spec.selector.matchLabels",
            "status.availableReplicas",
            "status.conditions",
            optional=True,
            namespaces=("cattle-fleet-local-system",),
        ),
        need("pods", "spec.nodeName", "status.conditions", namespaces=(*NAMESPACES, "kube-system")),
        need("nodes"),
        need(FLEET, "status.conditions"),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The scripts and controllers of an upgrade wait for each of these without limit; one that is gone or scaled to zero "
    "stops the upgrade half-way, and no other gate sees it.",
    how="Somebody scaled it down during maintenance and forgot it, its image cannot be pulled, or it crashes.",
    fix="Scale it up again, or repair what keeps its pods from running.",
    links=(
        "https://github.com/harvester/harvester/issues/9880",
        "https://github.com/harvester/harvester/issues/5690",
        "https://github.com/harvester/harvester/issues/1984",
    ),
    causes={
        "workload-missing": "The workload is not there: find out who removed it; its chart makes it anew.",
        "workload-down": "It has no replicas, or none is available: scale it up, or read why its pods do not run.",
        "workload-degraded": "Fewer of its pods are available than wanted: read why before nodes restart one by one.",
        "fleet-cluster-missing": "Fleet does not know the local cluster: Rancher must import it anew.",
        "fleet-cluster-not-ready": "Fleet has not imported the local cluster, or does not find it ready.",
    },
    explains=(
        Explains("pod-health", Tie.POD, folds=True),
        Explains("managed-chart-ready", Tie.CHART, causes=("workload-missing", "workload-down")),
    ),
)
def control_plane_workloads(view: View) -> Iterator[Outcome]:
    """Yield a finding for every workload the upgrade waits for that is not there, does not run, or is short of pods."""
    for workload in WORKLOADS:
        try:
            yield from judge_workload(view, workload)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, str(error))
    yield from fleet_cluster(view)
    yield from static_pods(view)
