"""The times that were compared, in order of time, each with the clock that wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from preflight.api import JsonObject, format_time, labels_of, name_of, text_at, time_at

from .._skew import Skew
from ._facts import Facts, container_states, failed_since

API = "API server"
HARVESTER = "node of the harvester pod"
Row = dict[str, Any]


def timeline(facts: Facts, skews: Mapping[str, Skew]) -> list[Row]:
    """Return rows {event, time, clock, note}, sorted by the time as written, whoever's clock it was."""
    rows = [row for row in _rows(facts, skews) if row["time"]]
    return sorted(rows, key=lambda row: (row["time"], row["event"]))


def compared(facts: Facts) -> Row | None:
    """Return the comparison that decides whether the controller counts the Job; None when a time is missing."""
    if facts.created is None or facts.stamped is None:
        return None
    return {
        "jobCreated": format_time(facts.created),
        "operationBegan": format_time(facts.stamped),
        "differenceSeconds": round((facts.created - facts.stamped).total_seconds(), 3),
        "rule": "the Job counts only when it was created at or after the operation began",
    }


def _rows(facts: Facts, skews: Mapping[str, Skew]) -> Iterator[Row]:
    name = name_of(facts.addon)
    yield _row("Operation began (InProgress)", facts.began, HARVESTER, f"Addon {name}")
    # the time is restamped whenever the status changes: once it is False it tells the end, and nobody tells the beginning
    yield _row("Operation ended (InProgress)", facts.ended, HARVESTER, f"Addon {name}")
    if facts.chart:
        yield _row("HelmChart created", time_at(facts.chart, "metadata.creationTimestamp"), API)
        yield _row("HelmChart being deleted", time_at(facts.chart, "metadata.deletionTimestamp"), API)
    if facts.job:
        job = f"Job {name_of(facts.job)}"
        yield _row("Job created", facts.created, API, job)
        yield _row("Job started", time_at(facts.job, "status.startTime"), "kube-controller-manager")
        yield _row("Job completed", facts.completed, "kube-controller-manager")
        yield _row("Job failed", failed_since(facts.job), "kube-controller-manager", facts.failed_reason or "")
    for pod in facts.pods[-1:]:
        yield from _pod_rows(pod, skews)


def _pod_rows(pod: JsonObject, skews: Mapping[str, Skew]) -> Iterator[Row]:
    node = text_at(pod, "spec.nodeName")
    kubelet = f"kubelet of {node}" if node else "kubelet"
    created, started = time_at(pod, "metadata.creationTimestamp"), time_at(pod, "status.startTime")
    yield _row("Pod created", created, API, f"Pod {name_of(pod)}")
    note = ""
    if created and started and started < created:
        note = "earlier than the pod existed: this node's clock is behind the API server's"
    elif node in skews and abs(skews[node].seconds) >= 2:
        note = f"this node's clock is {skews[node].words()} from the API server's"
    yield _row("Pod started", started, kubelet, note)
    for _, state, last in container_states(pod):
        for one in (last, state):
            code = one.get("terminated")
            if isinstance(code, dict):
                exit_code = code.get("exitCode")
                yield _row("Container finished", time_at(one, "terminated.finishedAt"), kubelet, f"exit {exit_code}")


def _row(event: str, time: datetime | None, clock: str, note: str = "") -> Row:
    return {"event": event, "time": format_time(time) if time else None, "clock": clock, "note": note}


def release_status(facts: Facts) -> str:
    """Return the status of the newest Helm release, empty when it is not known."""
    return str(labels_of(facts.release).get("status") or "") if facts.release else ""
