"""What was measured about a stuck Addon, for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from preflight.api import JsonObject, Unreadable, format_time, name_of, namespace_of, text_at

from .._skew import Skew
from ._causes import Cause, last_terminated, pull_problem
from ._enforcement import Ends
from ._facts import Facts
from ._timeline import compared, release_status, timeline


def evidence(facts: Facts, skews: Mapping[str, Skew], ends: Ends, cause: Cause) -> dict[str, Any]:
    """Return the measured values, without what is empty. One broken field of a pod or Job must not cost the finding the
    rest: what needs it is read again without the pods, then without the Job and HelmChart too."""
    broken: list[str] = []
    poorer = (facts, replace(facts, pods=()), replace(facts, pods=(), job=None, chart=None))

    def read(value: Callable[[Facts], Any]) -> Any:
        for known in poorer:
            try:
                return value(known)
            except Unreadable as error:
                broken.append(str(error))
        return None

    pull = read(pull_problem)
    found: dict[str, Any] = {  # the telling ones first: a table has room for a few
        "compared": read(compared) if cause.id == "job-predates-operation" else None,
        "clockSkewSeconds": {node: skew.seconds for node, skew in skews.items() if abs(skew.seconds) >= 2} or None,
        "image": pull[0] if pull else None,
        "imagePull": pull[1] if pull else None,
        "lastTerminated": read(last_terminated) or None,
        "release": read(release_status) or None,
        "job": name_of(facts.job) if facts.job else facts.job_name or None,
        "pod": name_of(facts.pods[-1]) if facts.pods else None,
        "status": facts.status or None,
        "enabled": facts.enabled,
        "inProgress": facts.in_progress,
        "operationFailed": facts.operation_failed,
        "since": format_time(facts.began) if facts.began else facts.stamped_text or None if facts.in_progress else None,
        "endedAt": format_time(facts.ended) if facts.ended else None,
        "ageSeconds": round(facts.age.total_seconds()) if facts.age is not None else None,
        "graceSeconds": round(facts.grace.total_seconds()),
        "inferred": True if cause.id == "job-predates-operation" else None,
        "consequence": ends.sentences,
        "unread": dict(facts.unread) or None,
        "timeline": read(lambda known: timeline(known, skews)),
        "unreadable": "; ".join(dict.fromkeys(broken)) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def touches(facts: Facts) -> dict[str, tuple[str, ...]]:
    """Name what other findings may be about: the Job's pods, the nodes they run on."""
    pods = tuple(f"{namespace_of(pod)}/{name_of(pod)}" for pod in facts.pods)
    nodes = tuple(dict.fromkeys(node for pod in facts.pods if (node := _node(pod))))
    return {key: names for key, names in (("pod", pods), ("node", nodes)) if names}


def _node(pod: JsonObject) -> str:
    try:
        return text_at(pod, "spec.nodeName")
    except Unreadable:
        return ""
