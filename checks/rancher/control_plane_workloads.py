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
from datetime import timedelta

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Consequence,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    Tie,
    Unreadable,
    View,
    check,
    condition,
    condition_status,
    degrades,
    hangs,
    human_duration,
    integer_at,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    time_at,
    unknown,
)

from ._static_pods import static_pods
from ._workloads import CAPI_NAMESPACES, NAMESPACES, WORKLOADS, Workload, available, find_workload, pods_of

DEPLOYMENTS, STATEFULSETS, FLEET = "deployments.apps", "statefulsets.apps", "clusters.fleet.cattle.io"
GRACE = timedelta(minutes=10)
THIN = degrades(Phase.SYSTEM_SERVICES, "With another node down there may be none left, and the upgrade may wait for it")
NOT_IMPORTED = degrades(
    Phase.SYSTEM_SERVICES, "The script waits until Fleet has taken up the cluster again, which may take long"
)


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
            yield from _judge(view, workload)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, str(error))
    yield from _fleet(view)
    yield from static_pods(view)


def _judge(view: View, workload: Workload) -> Iterator[Outcome]:
    found = find_workload(workload, (*view.some(DEPLOYMENTS), *view.read(STATEFULSETS)))
    if found is None:
        yield from _missing(view, workload)
        return
    wanted, there = integer_at(found, "spec.replicas"), available(found)
    wanted = 1 if wanted is None else wanted
    if 0 < wanted <= there:
        return
    short = [pod for pod in pods_of(found, view.read("pods")) if condition_status(pod, "Ready") != "True"]
    turned = time_at(condition(found, "Available") or {}, "lastTransitionTime")
    age = view.now - turned if turned else None
    kind, namespace = str(found.get("kind")), namespace_of(found)
    down = there < 1 or not wanted
    state = f"{there} of {wanted} pods available" if wanted else "no replicas: it is scaled to zero"
    yield Finding(
        severity=FAIL if down else WARN,
        cause="workload-down" if down else "workload-degraded",
        message=f"{kind} {namespace}/{workload.name} has {state}"
        + (f", for {human_duration(age)}" if age is not None and wanted else ""),
        hint="Read why its pods do not run" if wanted else "Scale it up again",
        commands=(
            kubectl("get pods -n {} -o wide", namespace)
            if wanted
            else kubectl("scale {} {} -n {} --replicas=1", kind.lower(), workload.name, namespace),
            kubectl("describe {} {} -n {}", kind.lower(), workload.name, namespace),
        ),
        resource=ref_of(found),
        evidence={"replicas": wanted, "available": there, "pods": sorted(map(name_of, short))},
        transient=bool(wanted) and age is not None and age <= GRACE,
        enforced_by=(Enforcer.SCRIPTS,) if down else (Enforcer.NONE,),
        consequence=workload.consequence if down else THIN,
        touches=_touches(workload, short),
    )


def _touches(workload: Workload, pods: list[JsonObject]) -> dict[str, tuple[str, ...]]:
    places = {text_at(pod, "spec.nodeName") for pod in pods} - {""}
    touched = {
        "pod": tuple(sorted(f"{namespace_of(pod)}/{name_of(pod)}" for pod in pods)),
        "node": tuple(sorted(places)),
        "chart": workload.charts,
    }
    return {tie: names for tie, names in touched.items() if names}


def _missing(view: View, workload: Workload) -> Iterator[Outcome]:
    newer = lies_in(view.upgrade.from_version, ">=1.8.0") is True
    usual = workload.namespace or CAPI_NAMESPACES[0 if newer else 1]
    namespaces = (workload.namespace,) if workload.namespace else CAPI_NAMESPACES
    if any(view.gaps(DEPLOYMENTS, namespace) for namespace in namespaces):
        return  # the gap itself is unknown already
    agent = workload.name == "fleet-agent"
    if agent and (reason := view.missing(STATEFULSETS)):
        yield unknown(reason.code, f"{reason.text} (up to 1.4 fleet-agent is one)")
        return
    where = workload.namespace or "a cattle- namespace"
    yield Finding(
        severity=FAIL,
        cause="workload-missing",
        message=f"There is no Deployment {workload.name} in {where}" + (", and no StatefulSet" if agent else ""),
        hint="Find out who removed it; the chart it belongs to makes it anew",
        commands=(kubectl("get deployments -A --field-selector metadata.name={}", workload.name),),
        resource=ResourceRef("apps/v1", "Deployment", usual, workload.name),
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=workload.consequence,
        touches=_touches(workload, []),
    )


def _fleet(view: View) -> Iterator[Outcome]:
    if view.missing(FLEET):
        return
    cluster = view.find(FLEET, "local", "fleet-local")
    if cluster is None:
        yield _fleet_finding(
            ResourceRef("fleet.cattle.io/v1alpha1", "Cluster", "fleet-local", "local"),
            "fleet-cluster-missing",
            "There is no cluster fleet-local/local of Fleet",
            hangs(Phase.SYSTEM_SERVICES, "The script waits without limit until Fleet has imported the local cluster"),
        )
        return
    states = {kind: condition_status(cluster, kind) or "absent" for kind in ("Imported", "Ready")}
    if states["Imported"] == "absent" or states["Ready"] != "True":
        text = f"Fleet's cluster fleet-local/local: Imported is {states['Imported']}, Ready is {states['Ready']}"
        yield _fleet_finding(ref_of(cluster), "fleet-cluster-not-ready", text, NOT_IMPORTED)


def _fleet_finding(resource: ResourceRef, cause: str, message: str, consequence: Consequence) -> Finding:
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
