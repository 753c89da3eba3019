"""A pod that does not get ready is often the first sign of what later stops the upgrade.

Rule: check.sh check_error_pods: condition Ready is False for another reason than PodCompleted. It misses pods that
cannot be scheduled and those without conditions (no Ready condition), and counts failed pods of jobs (evicted ones) that
do no harm. Here: Ready False, Pending, or a container that cannot start; for the first five minutes of the first two it
is expected to pass (transient); failed pods of jobs are left out; pods outside the system's namespaces are notes only.
Units: minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    JsonObject,
    Option,
    Outcome,
    View,
    check,
    condition,
    list_at,
    maps_at,
    name_of,
    namespace_of,
    need,
    text_at,
    time_at,
    unknown,
)

from ._pods import STUCK, finding

PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


@check(
    id="pod-health",
    title="Every pod of the system is ready",
    category="network",
    needs=(
        need(
            "pods",
            "spec.nodeName",
            "status.phase",
            "status.reason",
            "status.conditions.type",
            "status.conditions.status",
            "status.conditions.reason",
            "status.conditions.message",
            "status.conditions.lastTransitionTime",
            "status.containerStatuses.name",
            "status.containerStatuses.state.waiting",
            "status.initContainerStatuses.name",
            "status.initContainerStatuses.state.waiting",
        ),
    ),
    worst=WARN,
    enforced_by=(Enforcer.CHECK_SH, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="What does not run now will not run during the upgrade, and some of it the upgrade waits for.",
    how="An image that cannot be pulled, no room, a crash, a volume that does not attach.",
    fix="Read the events of the pod and repair what they name; delete pods that are only remains.",
    causes={
        "not-ready": "The pod runs but is not ready: read its events and log.",
        "pending": "The pod has not been placed or started: read its events; in its first minutes it may be on its way.",
        "container-waiting": "A container cannot start (image, crash): read its log and events.",
        "failed": "The pod has failed and belongs to no job: delete it when it is only a remainder.",
    },
    options={"pendingMinutes": Option(5, "minutes a pod may be pending or not ready", minimum=0)},
)
def pod_health(view: View) -> Iterator[Outcome]:
    """Yield a warning for every pod of the system, a note for every other, that does not run as it should."""
    patience = timedelta(minutes=float(view.options["pendingMinutes"]))

    def judge(pod: JsonObject) -> Iterator[Outcome]:
        phase = text_at(pod, "status.phase")
        if phase == "Succeeded":
            return
        if phase not in PHASES:
            yield unknown(Code.UNPARSABLE, f"pod {namespace_of(pod)}/{name_of(pod)} is in phase {phase or 'none'}")
        elif phase == "Failed":
            yield from _failed(pod)
        else:
            yield from _alive(pod, phase, view, patience)

    yield from view.each("pods", judge)


def _failed(pod: JsonObject) -> Iterator[Outcome]:
    owners = list_at(pod, "metadata.ownerReferences")
    if any(isinstance(owner, dict) and owner.get("kind") == "Job" for owner in owners):
        return
    ready = condition(pod, "Ready")
    by_script = ready is not None and ready.get("status") == "False" and ready.get("reason") != "PodCompleted"
    yield finding(pod, "failed", f"has failed ({text_at(pod, 'status.reason') or 'no reason given'})", by_script)


def _alive(pod: JsonObject, phase: str, view: View, patience: timedelta) -> Iterator[Outcome]:
    ready = condition(pod, "Ready")
    status = text_at(ready, "status") if ready else ""
    if status == "True" or (ready and text_at(ready, "reason") == "PodCompleted"):
        return
    by_script = status == "False"
    waiting = _waiting(pod)
    if waiting:
        yield finding(pod, "container-waiting", f"cannot start: {waiting}", by_script)
        return
    since = (time_at(ready, "lastTransitionTime") if ready else None) or time_at(pod, "metadata.creationTimestamp")
    lasting = view.now - since if since else None
    fresh = lasting is not None and lasting <= patience
    where = f"{namespace_of(pod)}/{name_of(pod)}"
    if phase == "Pending":
        if lasting is None:
            yield unknown(Code.UNPARSABLE, f"pod {where} is Pending and says nowhere since when")
        else:
            yield finding(pod, "pending", f"is Pending: {_scheduling(pod)}", by_script, lasting, transient=fresh)
    elif not ready:
        yield unknown(Code.UNPARSABLE, f"pod {where} is {phase} and has no Ready condition")
    else:
        why = text_at(ready, "message") or text_at(ready, "reason") or "no reason given"
        yield finding(pod, "not-ready", f"is not ready: {why}", by_script, lasting, transient=fresh)


def _waiting(pod: JsonObject) -> str:
    for path in ("status.initContainerStatuses", "status.containerStatuses"):
        for container in maps_at(pod, path):
            reason = text_at(container, "state.waiting.reason")
            if reason in STUCK:
                return f"container {text_at(container, 'name') or '?'} is in {reason}"
    return ""


def _scheduling(pod: JsonObject) -> str:
    found = condition(pod, "PodScheduled")
    return (text_at(found, "message") or text_at(found, "reason") if found else "") or "no reason given"
