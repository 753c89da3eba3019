"""The controllers an upgrade leans on, and what becomes of it without one of them.

Rule: upgrade_manifests.sh (v1.4.0 to v1.9.0-rc6: wait_rollout, wait_rollout_with_loop, wait_cluster_local_is_imported,
get_fleet_controller_timestamp, wait_capi_cluster, upgrade_harvester_cluster_repo) and the upgrade controller
(prepareNodesForUpgrade): each waits for its workload without limit. fleet-agent is a StatefulSet up to 1.4.x and a
Deployment from 1.5 on. The controller of Cluster API stands in cattle-provisioning-capi-system up to 1.7 and in another
cattle- namespace (cattle-capi-system) from 1.8 on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from preflight.api import (
    Certainty,
    Consequence,
    JsonObject,
    Phase,
    hangs,
    integer_at,
    labels_of,
    mapping_at,
    name_of,
    namespace_of,
    refused,
    text_at,
)

CAPI = "capi-controller-manager"
CAPI_NAMESPACES = ("cattle-capi-system", "cattle-provisioning-capi-system")
CHARTS = ("harvester", "harvester-crd", "rancher-logging-crd", "rancher-monitoring-crd")


class Workload(NamedTuple):
    """One of the controllers."""

    namespace: str
    """Empty: in any namespace that begins with cattle-."""
    name: str
    consequence: Consequence
    charts: tuple[str, ...] = ()
    """The managed charts that cannot be Ready without it."""


def _system_services(what: str) -> Consequence:
    return hangs(Phase.SYSTEM_SERVICES, f"The script of the upgrade waits without limit for {what}")


_NO_PLANS = hangs(
    Phase.PRELOAD, "Nobody runs the plan that loads the images on the nodes, and the upgrade waits for it"
)
_MACHINES = hangs(
    Phase.NODE_DRAIN, "Machines cannot be moved or stopped without it, and the drain of the first node waits for that"
)
WORKLOADS = (
    Workload("cattle-system", "system-upgrade-controller", _NO_PLANS),
    Workload("cattle-system", "rancher", _system_services("Rancher to be rolled out")),
    Workload("cattle-system", "rancher-webhook", _system_services("Rancher's webhook to be rolled out")),
    Workload("cattle-system", "harvester-cluster-repo", _system_services("the repository of charts to be rolled out")),
    Workload("cattle-fleet-system", "fleet-controller", _system_services("Fleet to take up the cluster again"), CHARTS),
    Workload("cattle-fleet-local-system", "fleet-agent", _system_services("Fleet's agent to be deployed anew"), CHARTS),
    Workload("", CAPI, _system_services("Cluster API to look at the cluster")),
    Workload(
        "harvester-system",
        "harvester",
        hangs(Phase.IMAGE, "Nobody works on the Upgrade, and it stays where it begins"),
        ("harvester",),
    ),
    Workload(
        "harvester-system",
        "harvester-webhook",
        refused(
            "Without its webhook the API server refuses to create the Upgrade (as admission is configured; not tried)",
            Certainty.LIKELY,
        ),
        ("harvester",),
    ),
    Workload("harvester-system", "virt-operator", _MACHINES, ("harvester",)),
    Workload("harvester-system", "virt-api", _MACHINES, ("harvester",)),
    Workload("harvester-system", "virt-controller", _MACHINES, ("harvester",)),
)
NAMESPACES = tuple(sorted({*CAPI_NAMESPACES, *(workload.namespace for workload in WORKLOADS if workload.namespace)}))


def find_workload(workload: Workload, objects: Iterable[JsonObject]) -> JsonObject | None:
    """Return the object of a workload, the one with most pods available where there are several of its name."""
    found = [
        obj
        for obj in objects
        if name_of(obj) == workload.name
        and (namespace_of(obj) == workload.namespace or (not workload.namespace and namespace_of(obj)[:7] == "cattle-"))
    ]
    return max(found, key=available, default=None)


def available(obj: JsonObject) -> int:
    """Return how many pods of a Deployment or StatefulSet are available."""
    return integer_at(obj, "status.availableReplicas") or 0


def pods_of(obj: JsonObject, pods: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the pods that a Deployment or StatefulSet selects."""
    wanted = mapping_at(obj, "spec.selector.matchLabels")
    if not wanted:
        return []
    return [
        pod
        for pod in pods
        if namespace_of(pod) == namespace_of(obj)
        and all(text_at(labels_of(pod), f"[{key}]") == value for key, value in wanted.items())
    ]
