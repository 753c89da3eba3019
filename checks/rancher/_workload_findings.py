"""What is said of a workload that the upgrade waits for: that it is missing, down, or short of pods.

Rule: see _workloads.py for who waits for which. Units: ten minutes are allowed for a rollout or a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    View,
    condition,
    condition_status,
    degrades,
    human_duration,
    integer_at,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    ref_of,
    text_at,
    time_at,
    unknown,
)

from ._workloads import CAPI_NAMESPACES, Workload, available, find_workload, pods_of

DEPLOYMENTS, STATEFULSETS = "deployments.apps", "statefulsets.apps"
GRACE = timedelta(minutes=10)
THIN = degrades(Phase.SYSTEM_SERVICES, "With another node down there may be none left, and the upgrade may wait for it")


def judge_workload(view: View, workload: Workload) -> Iterator[Outcome]:
    """Yield a finding when a workload is not there, does not run, or is short of pods. Raises Unreadable."""
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
