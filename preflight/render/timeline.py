"""The timeline of a finding: the times that were compared, each with the clock that wrote it.

Shape: `evidence.timeline` is a list of `{event, time, clock, note}`; time is RFC 3339 or null. Two clocks that differ
show as an event that happens before the one it follows from, so the rows are in order of time, never of cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.times import human_duration, parse_time


@dataclass(frozen=True, slots=True)
class Moment:
    """One row."""

    event: str
    time: datetime | None
    text: str
    """The time as it was written, for a row whose time does not parse."""
    clock: str
    note: str


def timeline(finding: dict[str, Any]) -> list[Moment]:
    """Return the rows in order of time, those without a time last; empty when the finding has no timeline."""
    rows = finding["evidence"].get("timeline")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return []
    moments = [_moment(row) for row in rows]
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(moments, key=lambda moment: moment.time or latest)


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
