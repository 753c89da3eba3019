"""What to say about each cause: one sentence with what was measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from preflight.api import JsonObject, format_time, human_duration, name_of, namespace_of, text_at, value_at

from ._causes import Cause, last_terminated, predates, pull_problem, restarts, unschedulable
from ._facts import CHARTS, DISABLED, JOBS, PODS, Facts, container_states, failed_since
from ._timeline import release_status

LIKELY_SKEW = timedelta(minutes=5)
"""Clocks that differ by more are noticed otherwise, so a larger gap has likely another reason."""


def sentence(facts: Facts, cause: Cause) -> str:
    """Say in one sentence what holds the Addon up."""
    job = name_of(facts.job) if facts.job else facts.job_name or f"helm-install-{name_of(facts.addon)}"
    in_vain = _IN_VAIN if facts.latched and cause.id in _STILL_AT_WORK else ""
    return _SENTENCES[cause.id](facts, job) + in_vain


_STILL_AT_WORK = ("job-missing", "job-image-pull", "job-accounting-stale", "job-retrying", "job-running")
_IN_VAIN = ", and whatever comes of it goes unnoticed, since an earlier failure is recorded until the Addon is disabled"


def _finalizers(facts: Facts) -> str:
    held = (facts.chart or {}).get("metadata", {}).get("finalizers") or []
    return f", held by {', '.join(map(str, held))}" if isinstance(held, list) and held else ""


def _predating(facts: Facts, job: str) -> str:
    assert facts.stamped is not None
    assert facts.created is not None
    gap = human_duration(facts.stamped - facts.created)
    done = "succeeded" if facts.completed else "failed"
    return (
        f"its Job {job} {done}, but was created {gap} before the operation is said to have begun, so the controller "
        f"ignores it for ever ({_why_older(facts.stamped - facts.created)})"
    )


def _why_older(gap: timedelta) -> str:
    clock = "the clock of the harvester pod's node was ahead of the API server's"
    if gap <= LIKELY_SKEW:
        return f"most likely {clock}"
    return f"probably the operation began anew and helm-controller saw no reason for a new Job, or {clock}"


def _running(facts: Facts, job: str) -> str:
    why = unschedulable(facts)
    text = f"its Job {job} is still running" + (f"; its pod finds no node: {why}" if why else "")
    return text + (
        ", and will be ignored when it ends, since it is older than the operation" if predates(facts) else ""
    )


def _image(facts: Facts, job: str) -> str:
    image, reason = pull_problem(facts) or ("?", "?")
    return f"the pod of its Job {job} cannot pull the image {image} ({reason})"


def _retrying(facts: Facts, job: str) -> str:
    said = last_terminated(facts)
    failures = facts.count("failed")
    tries = f"{failures} failed pods" if failures else f"{restarts(facts)} container restarts"
    return f"its Job {job} keeps failing ({tries})" + (f"; the container said last: {said}" if said else "")


def _disabling(facts: Facts, job: str) -> str:
    unread = [facts.unread[name] for name in (CHARTS, JOBS, PODS) if name in facts.unread]
    if unread:
        return f"it is to be disabled, and how far that got could not be read ({'; '.join(unread)})"
    if facts.in_progress and facts.status != "AddonDisabling":
        older = ", which is older than that operation and so is ignored" if facts.finished and predates(facts) else ""
        return f"it is to be disabled, and its controller first waits for the operation before that to end: Job {job}{older}"
    if facts.not_begun:
        return "it is to be disabled, and its controller has not begun to"
    if facts.chart is None:
        return f"it is to be disabled, its HelmChart is gone, and the status does not follow{_seen(facts, job)}"
    return f"it is to be disabled and the HelmChart is still there{_finalizers(facts)}; {_uninstalling(facts, job)}"


def _seen(facts: Facts, job: str) -> str:
    return f"; Job {job} is still there" if facts.job else ""


def _uninstalling(facts: Facts, job: str) -> str:
    """Say how the Job that uninstalls the chart is doing; the install Job is named only while there is no other."""
    delete = f"helm-delete-{name_of(facts.addon)}"
    if facts.job is None or name_of(facts.job) != delete:
        return f"helm-controller has not made the Job {delete}"
    return f"the Job {delete}, which uninstalls the chart, {_ended(facts)}"


def _ended(facts: Facts) -> str:
    if facts.failed_reason is not None:
        since = failed_since(facts.job)
        at = f" at {format_time(since)}" if since else ""
        return f"failed for good{at} ({facts.failed_reason or 'no reason given'}), and nobody tries it again"
    if facts.completed is not None:
        return "is done"
    pods = ", ".join(f"its pod {name_of(pod)} is {pod_state(pod)}" for pod in facts.pods)
    return f"is not done: {pods or 'it has no pod'}"


def pod_state(pod: JsonObject) -> str:
    """Say what a pod is doing: what keeps its containers waiting, else its phase."""
    waits = (text_at(state, "waiting.reason") for _, state, _ in container_states(pod))
    return next(filter(None, waits), "") or text_at(pod, "status.phase") or "without a phase"


def _undecided(facts: Facts, job: str) -> str:
    if facts.enabled and facts.status in DISABLED and facts.not_begun and not facts.unread:
        return "its controller has not begun to enable it"
    return "why cannot be told from what was read"


_SENTENCES: dict[str, Callable[[Facts, str], str]] = {
    "operation-time-missing": lambda f, j: (
        f"an operation is in progress whose time is {f.stamped_text!r}, which the controller cannot read, so it never ends"
        if f.stamped_text
        else "an operation is in progress without the time it began, which the controller needs to end it"
    ),
    "enabled-while-disabling": lambda f, j: (
        "it was enabled again while it was being disabled, a state for which its controller has no branch"
        + (f"; the HelmChart is still there, and {_uninstalling(f, j)}" if f.chart else "")
    ),
    "helm-chart-missing": lambda f, j: "its HelmChart does not exist; the controller starts over when it notices",
    "helm-chart-terminating": lambda f, j: (
        f"its HelmChart is being deleted{_finalizers(f)}, and everything waits for it"
    ),
    "helm-chart-foreign": lambda f, j: (
        "a HelmChart of its name exists that this Addon does not own, and the controller waits for it to go, for ever"
    ),
    "job-not-created": lambda f, j: "helm-controller has not created a Job for its HelmChart",
    "job-missing": lambda f, j: f"its HelmChart names the Job {j}, which does not exist",
    "job-predates-operation": _predating,
    "job-image-pull": _image,
    "job-accounting-stale": lambda f, j: (
        f"the pod of its Job {j} succeeded, and the Job never noticed: it counts {f.count('active')} active, "
        f"{f.count('succeeded')} succeeded"
    ),
    "job-retrying": _retrying,
    "job-running": _running,
    "job-failed": lambda f, j: f"its Job {j} failed for good; the controller waits until somebody disables the Addon",
    "failure-latched": lambda f, j: (
        f"an earlier failure is latched (OperationFailed) although its Job {j} has succeeded since; the controller looks "
        "no further until the Addon is disabled"
    ),
    "job-failed-unrecognised": lambda f, j: (
        f"its Job {j} failed with reason {f.failed_reason or 'none'}, which the controller does not take for a failure"
    ),
    "status-not-updated": lambda f, j: (
        f"its Job {j} is done, and the status did not follow: the addon controller is not working"
    ),
    "disabling-stalled": _disabling,
    "idle-operation": lambda f, j: (
        "no operation is going on, yet InProgress is still True, so every change to it is denied"
    ),
    "helm-release-pending": lambda f, j: (
        f"its Helm release is {release_status(f)} and no Job is working on it: Helm refuses the next one"
    ),
    "progressing": lambda f, j: "an operation has begun and is not overdue",
    "unknown": _undecided,
}


STATES = {
    "AddonEnabling": "Enabling",
    "AddonUpdating": "Updating",
    "AddonDisabling": "Disabling",
    "AddonDisabled": "Disabled",
    "AddonDeploySuccessful": "DeploySuccessful",
    "": "without a status",
}


def message(facts: Facts, cause: Cause, why: str, broken: str, opening: str = "") -> str:
    """Say in one sentence what state the Addon is in, since when, and why; `opening` says who waits for it."""
    age = facts.age
    state = STATES.get(facts.status, facts.status)
    if facts.enabled and facts.status in DISABLED:
        state += " although enabled"
    is_so = f"is {state}"
    if age is not None and age < timedelta():
        is_so += f" since a time that lies {human_duration(-age)} in the future (clocks differ)"
    elif age is not None:
        is_so = f"has been {state} for {human_duration(age)}"
    if deleted := value_at(facts.addon, "metadata.deletionTimestamp"):
        is_so += f", and has itself been waiting to be deleted since {deleted}"
    name = f"Addon {namespace_of(facts.addon)}/{name_of(facts.addon)}"
    if cause.id == "unknown":
        unread = broken or "; ".join(dict.fromkeys(facts.unread.values()))
        why += f": {unread}" if unread else ""
    return f"{opening}{name}{', which' if opening else ''} {is_so}: {why}"
