"""The timeline of a finding: the times that were compared, each with the clock that wrote it.

Shape: `evidence.timeline` is a list of `{event, time, clock, note}`; time is RFC 3339 or null. Two clocks that differ
show as an event that happens before the one it follows from, so the rows are in order of time, never of cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from preflight.report_types import FindingDocument
from preflight.values.times import human_duration, parse_time

_ORDER = (
    ("operation",),
    ("helmchart", "created"),
    ("job", "created"),
    ("job", "started"),
    ("pod", "created"),
    ("pod", "started"),
    ("container", "started"),
    ("container", "finished"),
    ("job", "completed"),
)
"""Words of the events in the order in which one follows from the other: on one clock, time follows it too."""
UNRANKED = len(_ORDER)
_MAY_BE_OLDER = 1
"""The place of the HelmChart: an Addon that is only updated has had it for long."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One row."""

    event: str
    time: datetime | None
    text: str
    """The time as it was written, for a row whose time does not parse."""
    clock: str
    note: str


def timeline(finding: FindingDocument) -> list[Moment]:
    """Return the rows in order of time, and of cause where times are equal; those without a time last.

    Empty when the finding has no timeline.
    """
    rows = finding["evidence"].get("timeline")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return []
    moments = [_moment(row) for row in rows]
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(moments, key=lambda moment: (moment.time or latest, rank(moment.event)))


def _moment(row: dict[str, Any]) -> Moment:
    event, text, clock, note = (str(row.get(key) or "") for key in ("event", "time", "clock", "note"))
    return Moment(event, parse_time(text), text, clock, note)


def offsets(moments: list[Moment]) -> list[str]:
    """Say how long after the first moment each one is."""
    start = next((moment.time for moment in moments if moment.time), None)
    return [
        "" if not moment.time or not start or moment.time == start else f"+{human_duration(moment.time - start)}"
        for moment in moments
    ]


def clock_texts(moments: list[Moment]) -> list[str]:
    """Write the times: the time of day alone when all are of one day."""
    days = {moment.time.date() for moment in moments if moment.time}
    shape = "%H:%M:%S" if len(days) < 2 else "%Y-%m-%d %H:%M:%S"
    return [moment.time.strftime(shape) if moment.time else moment.text or "no time" for moment in moments]


def rank(event: str) -> int:
    """Place an event in the order of cause; UNRANKED when it has no place there."""
    low = event.lower()
    return next((place for place, words in enumerate(_ORDER) if all(word in low for word in words)), UNRANKED)


def inversions(moments: list[Moment]) -> list[tuple[int, int]]:
    """Find the pairs (cause, effect) of which the effect carries the earlier time.

    Either the clocks that wrote them differ by at least that much, or the effect is left over from before the cause.
    """
    first: dict[int, int] = {}
    for index, moment in enumerate(moments):
        if moment.time and (place := rank(moment.event)) not in (UNRANKED, _MAY_BE_OLDER):
            first.setdefault(place, index)
    order = [first[place] for place in sorted(first)]
    return [(cause, effect) for cause, effect in pairwise(order) if gap(moments, cause, effect) > 0]


def gap(moments: list[Moment], cause: int, effect: int) -> float:
    """Return the seconds by which the effect comes before its cause; 0 when a time is missing."""
    one, other = moments[cause].time, moments[effect].time
    return (one - other).total_seconds() if one and other else 0.0


def remarks(moments: list[Moment]) -> list[str]:
    """Say of each moment that comes before its cause by how much; empty for the others."""
    texts = [""] * len(moments)
    for cause, effect in inversions(moments):
        texts[effect] = f"{human_duration(gap(moments, cause, effect))} before: {moments[cause].event}"
    return texts
