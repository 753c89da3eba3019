"""How a pod or a Job is doing, in words: what keeps it from running, how it ended last, what an event says of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    condition,
    format_time,
    integer_at,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    text_at,
    time_at,
)

CANNOT_RUN = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
)
"""Reasons for which a container waits that do not pass while nothing is done about them."""
STARTS_WITHIN = timedelta(minutes=10)
"""How long a pod may be Pending before it counts as one that does not start."""
LONGEST = 300
"""Characters of what somebody else says that are quoted."""


@dataclass(frozen=True, slots=True)
class Doing:
    """How one object is doing."""

    words: str
    stuck: bool = False
    """Whether it will not come right by itself."""


def quoted(text: str) -> str:
    """Return somebody else's text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def full_name(obj: JsonObject) -> str:
    """Return NAMESPACE/NAME, or the name alone."""
    return "/".join(filter(None, (namespace_of(obj), name_of(obj))))


def pod_doing(pod: JsonObject, now: datetime, event: str = "") -> Doing:
    """Say how a pod is doing; `event` is the newest warning about it."""
    phase = text_at(pod, "status.phase") or "without a phase"
    for state, last in _containers(pod):
        reason = text_at(state, "waiting.reason")
        if reason in CANNOT_RUN:
            said = ended(last) or quoted(text_at(state, "waiting.message"))
            return Doing(f"cannot run: {reason}{f' ({said})' if said else ''}", stuck=True)
    if phase == "Pending":
        scheduled = condition(pod, "PodScheduled") or {}
        if text_at(scheduled, "status") == "False":
            return Doing(f"finds no node: {quoted(text_at(scheduled, 'message')) or 'no reason given'}", stuck=True)
        created = time_at(pod, "metadata.creationTimestamp")
        late = created is not None and now - created > STARTS_WITHIN
        return Doing(f"is Pending{f': {event}' if event else ''}", stuck=late)
    if phase == "Failed":
        said = next(filter(None, (ended(state) for state, _ in _containers(pod))), "")
        return Doing(f"failed{f' with {said}' if said else ''}", stuck=True)
    again = restarts(pod)
    said = next(filter(None, (ended(last) for _, last in _containers(pod))), "")
    return Doing(f"is {phase}" + (f", after {again} restarts ({said})" if again else ""), stuck=again > 0)


def ended(state: JsonObject) -> str:
    """Say how a container ended: its exit code and last words; empty for one that ended well or not at all."""
    code = integer_at(state, "terminated.exitCode")
    if not code:
        return ""
    said = quoted(text_at(state, "terminated.message") or text_at(state, "terminated.reason"))
    return f"exit code {code}" + (f": {said}" if said else "")


def restarts(pod: JsonObject) -> int:
    """Count the restarts of a pod's containers."""
    return sum(integer_at(one, "restartCount") or 0 for one in _statuses(pod))


def _statuses(pod: JsonObject) -> list[JsonObject]:
    return [*maps_at(pod, "status.initContainerStatuses"), *maps_at(pod, "status.containerStatuses")]


def _containers(pod: JsonObject) -> list[tuple[JsonObject, JsonObject]]:
    return [(mapping_at(one, "state"), mapping_at(one, "lastState")) for one in _statuses(pod)]


def job_ended(job: JsonObject) -> str:
    """Say how a Job ended: `Complete`, or `Failed: why`; empty for one that has not."""
    for kind in ("Failed", "Complete"):
        found = condition(job, kind)
        if found and text_at(found, "status") == "True":
            why = quoted(text_at(found, "message") or text_at(found, "reason"))
            return f"Failed: {why or 'no reason given'}" if kind == "Failed" else kind
    return "Complete" if text_at(job, "status.completionTime") else ""


def newest(objects: Iterable[JsonObject]) -> JsonObject | None:
    """Return the object that was created last."""
    return max(objects, key=_age, default=None)


def _age(obj: JsonObject) -> tuple[str, str]:
    created = time_at(obj, "metadata.creationTimestamp")
    return format_time(created) if created else "", name_of(obj)


def event_words(event: JsonObject) -> str:
    """Quote an event."""
    reason, said = text_at(event, "reason"), quoted(text_at(event, "message"))
    return f"{reason}: {said}" if said else reason


def event_time(event: JsonObject) -> str:
    """Return when an event was last seen, to compare."""
    moment = time_at(event, "lastTimestamp") or time_at(event, "eventTime")
    return format_time(moment) if moment else ""
