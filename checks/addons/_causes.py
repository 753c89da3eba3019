"""Why an Addon is stuck: the causes in the order in which they are decided, each a question to the same facts.

Rule: the addon controller (pkg/controller/master/addon, v1.4.0 to v1.9.0-rc6 alike in what matters here) and
helm-controller v0.16: the Job of the operation counts only if it was created at or after InProgress.lastUpdateTime; it
is finished only with a completionTime or with the Failed reason BackoffLimitExceeded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from preflight.api import JsonObject, condition, format_time, integer_at, labels_of, maps_at, text_at, time_at

from ._facts import (
    CHARTS,
    CONDITIONS,
    JOBS,
    PODS,
    PULL_REASONS,
    UNDER_WAY,
    Facts,
    container_states,
    failed_since,
    finish_time,
    owned_by,
)

SETTLING = timedelta(minutes=1)
"""How long the controller may take to notice what has happened."""
REPLACING = timedelta(seconds=30)
"""How long helm-controller may take to replace the Job of the operation before."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that applies."""

    id: str
    transient: bool = False
    """Whether it may go away by itself: some controller can leave it, and it is not overdue."""


def decide(facts: Facts) -> Cause | None:
    """Return the first cause that holds, None for an Addon with which nothing is wrong.

    What was not read cannot rule a cause in or out: then the answer is `unknown`, unless a cause that needs only what
    was read comes first.
    """
    if facts.settled and not facts.in_progress:
        return None
    for needs, holds, cause, moves in _TABLE:
        if CONDITIONS in facts.unread or (facts.enabled and any(need in facts.unread for need in needs(facts))):
            return Cause("unknown")
        if holds(facts):
            return Cause(cause, _passing(facts, cause, moves))
    return Cause("unknown", facts.not_begun and facts.young and not facts.latched and not facts.unread)


def _passing(facts: Facts, cause: str, moves: bool) -> bool:
    if cause == "idle-operation":  # for a moment an operation that begins looks so
        return facts.age is not None and abs(facts.age) < REPLACING
    if cause == "helm-chart-terminating" and facts.chart is not None:
        since = time_at(facts.chart, "metadata.deletionTimestamp")
        return since is not None and facts.now - since < facts.grace
    return moves and facts.young and not facts.latched and not removal_failed(facts)


def _operation_time_missing(facts: Facts) -> bool:
    return facts.in_progress and facts.began is None


def _enabled_while_disabling(facts: Facts) -> bool:
    return facts.enabled and facts.status == "AddonDisabling"


def _deploying(facts: Facts) -> bool:
    """Whether the controller is (or should be) waiting for an install Job."""
    return facts.enabled and not facts.settled


def _chart_missing(facts: Facts) -> bool:
    return _deploying(facts) and facts.status in UNDER_WAY and facts.chart is None


def _chart_terminating(facts: Facts) -> bool:
    return _deploying(facts) and facts.chart is not None and _deleted(facts.chart)


def _chart_foreign(facts: Facts) -> bool:
    return _deploying(facts) and facts.chart is not None and not owned_by(facts.chart, facts.addon)


def _job_not_created(facts: Facts) -> bool:
    return _deploying(facts) and facts.chart is not None and not facts.job_name


def _job_missing(facts: Facts) -> bool:
    return _deploying(facts) and facts.chart is not None and facts.job is None


def predates(facts: Facts) -> bool:
    """Say whether the Job is older than the operation, so that the controller ignores it.

    Once a failure is recorded the time in InProgress is that of the failure, and is compared with nothing any more.
    """
    waits = facts.in_progress or not facts.operation_failed
    return bool(waits and facts.created and facts.stamped and facts.created < facts.stamped)


def _about_to_be_replaced(facts: Facts) -> bool:
    """Say whether the Job is that of an operation before, and helm-controller may still put another in its place.

    A HelmChart that is new gets one Job and no other, so what counts is how long that one has been over. One that an
    update has changed keeps the old Job until helm-controller looks: then it counts from the operation's beginning. A
    time that far in the future is no sign of youth: then clocks differ by more than that.
    """
    if not predates(facts) or facts.stamped is None:
        return False
    chart = time_at(facts.chart, "metadata.creationTimestamp") if facts.chart else None
    older = facts.status == "AddonUpdating" or (
        chart is not None and facts.created is not None and facts.created < chart
    )
    ended = facts.completed or failed_since(facts.job)
    since = facts.stamped if older or ended is None else ended
    return abs(facts.now - since) < REPLACING


def _job_predates(facts: Facts) -> bool:
    return _deploying(facts) and facts.finished and predates(facts) and not _about_to_be_replaced(facts)


def _image_pull(facts: Facts) -> bool:
    return _deploying(facts) and facts.unfinished and pull_problem(facts) is not None


def pull_problem(facts: Facts) -> tuple[str, str] | None:
    """Return (image, reason and message) of the newest container that cannot get its image."""
    for pod in reversed(facts.pods):
        for image, state, _ in container_states(pod):
            reason = text_at(state, "waiting.reason")
            if reason in PULL_REASONS:
                return image or "?", f"{reason}: {text_at(state, 'waiting.message')}".removesuffix(": ")
    return None


def _accounting_stale(facts: Facts) -> bool:
    if not (_deploying(facts) and facts.unfinished) or facts.pods_in("Pending", "Running", "Unknown", ""):
        return False
    if _about_to_be_replaced(facts):
        return False
    times = [finish_time(pod) for pod in facts.pods_in("Succeeded")]
    return any(moment is not None and facts.now - moment > SETTLING for moment in times)


def _retrying(facts: Facts) -> bool:
    return _deploying(facts) and facts.unfinished and (facts.count("failed") > 0 or restarts(facts) > 0)


def restarts(facts: Facts) -> int:
    """Count the container restarts of the Job's pods."""
    return sum(
        integer_at(one, "restartCount") or 0
        for pod in facts.pods
        for field in ("initContainerStatuses", "containerStatuses")
        for one in maps_at(pod, f"status.{field}")
    )


def last_terminated(facts: Facts) -> str:
    """Return what the container that ended last had to say, with its exit code."""
    ended: list[tuple[bool, str, str]] = []
    for pod in facts.pods:
        for _, state, last in container_states(pod):
            for one in (last, state):
                code = integer_at(one, "terminated.exitCode")
                if code is not None and code != 0:
                    said = text_at(one, "terminated.message") or text_at(one, "terminated.reason")
                    moment = time_at(one, "terminated.finishedAt")
                    text = f"exit code {code}: {' '.join(said.split())}".strip().removesuffix(":")
                    ended.append((moment is not None, format_time(moment) if moment else "", text))
    return max(ended, default=(False, "", ""))[2]


def _running(facts: Facts) -> bool:
    return _deploying(facts) and facts.unfinished and bool(facts.count("active") or facts.pods_in("Pending", "Running"))


def unschedulable(facts: Facts) -> str:
    """Return the scheduler's message for a pod of the Job that finds no node."""
    for pod in reversed(facts.pods):
        scheduled = condition(pod, "PodScheduled")
        if scheduled and text_at(scheduled, "status") == "False":
            return text_at(scheduled, "message") or text_at(scheduled, "reason")
    return ""


def _job_failed(facts: Facts) -> bool:
    return _deploying(facts) and facts.failed_reason == "BackoffLimitExceeded" and facts.operation_failed


def _failure_latched(facts: Facts) -> bool:
    # Only a Job that succeeded has a completionTime
    return _deploying(facts) and facts.operation_failed and facts.completed is not None


def _failed_unrecognised(facts: Facts) -> bool:
    failed = facts.failed_reason is not None and facts.failed_reason != "BackoffLimitExceeded"
    return _deploying(facts) and failed and not _about_to_be_replaced(facts)


def _status_not_updated(facts: Facts) -> bool:
    if not (_deploying(facts) and facts.finished) or facts.operation_failed or predates(facts):
        return False
    moment = facts.completed or failed_since(facts.job)
    return moment is not None and facts.now - moment > SETTLING


def _disabling_stalled(facts: Facts) -> bool:
    return not facts.enabled and not facts.settled


def _idle_operation(facts: Facts) -> bool:
    return facts.settled and facts.in_progress


def removal_failed(facts: Facts) -> bool:
    """Say whether the Job that uninstalls the chart failed, which nobody tries again."""
    return facts.status == "AddonDisabling" and facts.failed_reason is not None


def _release_pending(facts: Facts) -> bool:
    status = str(labels_of(facts.release).get("status") or "") if facts.release else ""
    return status.startswith("pending-") and not (facts.unfinished and facts.pods_in("Pending", "Running"))


def _progressing(facts: Facts) -> bool:
    return facts.young and not facts.latched and not facts.not_begun


def _deleted(obj: JsonObject) -> bool:
    return bool(text_at(obj, "metadata.deletionTimestamp"))


def _addon(_facts: Facts) -> tuple[str, ...]:
    return ()


def _chart(_facts: Facts) -> tuple[str, ...]:
    return (CHARTS,)


def _job(_facts: Facts) -> tuple[str, ...]:
    return (CHARTS, JOBS)


def _pod(facts: Facts) -> tuple[str, ...]:
    """Pods decide about a Job that may still do something; one that is over speaks for itself."""
    return (CHARTS, JOBS, PODS) if facts.unfinished else (CHARTS, JOBS)


_TABLE: tuple[tuple[Callable[[Facts], tuple[str, ...]], Callable[[Facts], bool], str, bool], ...] = (
    (_addon, _operation_time_missing, "operation-time-missing", False),
    (_addon, _idle_operation, "idle-operation", False),
    (_addon, _enabled_while_disabling, "enabled-while-disabling", False),
    (_chart, _chart_missing, "helm-chart-missing", True),
    (_chart, _chart_terminating, "helm-chart-terminating", True),
    (_chart, _chart_foreign, "helm-chart-foreign", False),
    (_chart, _job_not_created, "job-not-created", True),
    (_job, _job_missing, "job-missing", True),
    (_job, _job_predates, "job-predates-operation", False),
    (_pod, _image_pull, "job-image-pull", False),
    (_pod, _accounting_stale, "job-accounting-stale", False),
    (_pod, _retrying, "job-retrying", True),
    (_pod, _running, "job-running", True),
    (_job, _job_failed, "job-failed", False),
    (_job, _failure_latched, "failure-latched", False),
    (_job, _failed_unrecognised, "job-failed-unrecognised", False),
    (_job, _status_not_updated, "status-not-updated", True),
    (_addon, _disabling_stalled, "disabling-stalled", True),
    (_addon, _release_pending, "helm-release-pending", False),
    (_pod, _progressing, "progressing", True),
)
"""(what must have been read, the question, the cause, whether some controller can leave it, so that it is transient
within grace). The documented order; only idle-operation stands earlier, since it excludes all that follow and needs no
other object."""
