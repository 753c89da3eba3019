"""Wait for the state a step is meant to bring about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import Writer
from preflight.errors import Unreadable
from preflight.fields import condition, condition_status, text_at
from preflight.inventory import JsonObject
from preflight.remediation.answers import explain, unreachable
from preflight.remediation.case import DEPLOYED
from preflight.remediation.plan import Goal, Target, Until
from preflight.values.times import human_duration

POLL_SECONDS = 2.0
MAX_FAILED_READS = 5
"""A server that did not answer so many times in a row is gone."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How time passes; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Seen:
    """How near a goal is."""

    reached: bool
    words: str
    hopeless: bool = False
    """Waiting longer cannot help."""
    unreachable: bool = False
    """The server did not answer."""


def look(goal: Goal, writer: Writer) -> Seen:
    """Read what the goal is about, once. Raises ApiError."""
    try:
        if goal.until is Until.GONE:
            return _gone(goal, writer)
        if goal.until in (Until.ADDON_STATUS, Until.TAKEN_UP):
            return _addon(goal, _get(writer, goal.objects[0]))
        if goal.until is Until.JOB_RECREATED:
            return _recreated(goal, writer)
    except Unreadable as error:
        return Seen(False, str(error), hopeless=True)
    return Seen(True, "")


def wait_for(
    goal: Goal,
    writer: Writer,
    clock: Clock,
    *,
    timeout: float,
    progress: Callable[[str], None],
    told: Callable[[str], None] = lambda _text: None,
    between: Callable[[], None] = lambda: None,
) -> Seen:
    """Look again and again until the goal is reached, cannot be reached, or the time is up; never raises ApiError.

    `progress` hears of every look, `told` only of what is new; `between` runs after every look, to keep the lease alive.
    """
    began, failures, before = clock.monotonic(), 0, ""
    while True:
        try:
            seen = look(goal, writer)
            failures = 0
        except ApiError as error:
            failures += 1
            seen = Seen(False, explain(error), failures >= MAX_FAILED_READS, unreachable(error))
        if seen.reached or seen.hopeless:
            return seen
        elapsed = clock.monotonic() - began
        if elapsed >= timeout:
            return Seen(False, f"not within {human_duration(timeout)}: {seen.words}")
        if seen.words != before:
            told(f"waiting: {seen.words}")
            before = seen.words
        progress(f"waiting until {goal.words}: {seen.words} ({human_duration(round(elapsed))})")
        between()
        clock.sleep(min(POLL_SECONDS, max(0.1, timeout - elapsed)))


def _get(writer: Writer, target: Target) -> JsonObject | None:
    return writer.get(target.api_version, target.kind, target.namespace, target.name)


def _gone(goal: Goal, writer: Writer) -> Seen:
    for target in goal.objects:
        found = _get(writer, target)
        if found is not None and target.uid in ("", text_at(found, "metadata.uid")):
            finalizers = (found.get("metadata") or {}).get("finalizers") or []
            held = f", held by {', '.join(map(str, finalizers))}" if finalizers else ""
            return Seen(False, f"{target.words} is still there{held}")
    return Seen(True, "")


def _addon(goal: Goal, addon: JsonObject | None) -> Seen:
    name = goal.objects[0].words
    if addon is None:
        return Seen(False, f"{name} is gone", hopeless=True)
    status = text_at(addon, "status.status")
    settled = goal.until is Until.TAKEN_UP or condition_status(addon, "InProgress") != "True"
    if status in goal.statuses and settled:
        return Seen(True, f"{name} is {status or 'disabled'}")
    if told := _new_failure(goal, addon, status):
        return Seen(False, f"{name} failed: {told}", hopeless=True)
    return Seen(False, f"{name} is {status or 'without status'}")


def _new_failure(goal: Goal, addon: JsonObject, status: str) -> str:
    """Return what the controller says of a failure it recorded after our write; empty when there is none.

    The one the repair starts from is still there while its controller has not looked. Enabling begins by clearing it,
    so it is new then; disabling that fails for good stays AddonDisabling and differs from the old one by its time.
    """
    failed = condition(addon, "OperationFailed")
    if condition_status(addon, "InProgress") != "False" or not failed or text_at(failed, "status") != "True":
        return ""
    since = text_at(failed, "lastUpdateTime")
    new = status == "AddonEnabling" if DEPLOYED in goal.statuses else status == "AddonDisabling"
    return (text_at(failed, "message") or "no message") if new and (not goal.stale or since != goal.stale) else ""


def _recreated(goal: Goal, writer: Writer) -> Seen:
    addon, old = goal.objects
    job = _get(writer, old)
    if job is None:
        return _job_absent(goal, writer)
    if old.uid and text_at(job, "metadata.uid") == old.uid:
        return Seen(False, f"{old.words} is still the old one")
    seen = _addon(goal, _get(writer, addon))
    if seen.reached or seen.hopeless:
        return seen
    if condition_status(job, "Failed") == "True" and DEPLOYED not in goal.statuses:
        # the Addon's controller has recorded a failure already and does not say so a second time
        return Seen(False, f"the new {old.words} failed as well: {_why_failed(job)}", hopeless=True)
    status = job.get("status")
    status = status if isinstance(status, dict) else {}
    counts = ", ".join(f"{word} {status.get(word) or 0}" for word in ("active", "succeeded", "failed"))
    return Seen(False, f"new {old.words} ({counts}), {seen.words}")


def _job_absent(goal: Goal, writer: Writer) -> Seen:
    """A delete Job is removed once it has succeeded, with its HelmChart: then the Addon alone can tell."""
    old = goal.objects[1]
    if DEPLOYED not in goal.statuses:
        seen = _addon(goal, _get(writer, goal.objects[0]))
        if seen.reached or seen.hopeless:
            return seen
    return Seen(False, f"helm-controller has not made {old.words} again yet (it may take a minute)")


def _why_failed(job: JsonObject) -> str:
    failed = condition(job, "Failed") or {}
    return text_at(failed, "message") or text_at(failed, "reason") or "no reason given"
