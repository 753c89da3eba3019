"""Times as Kubernetes writes them: RFC 3339, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def parse_time(text: str) -> datetime | None:
    """Parse an RFC 3339 time; None when it is not one.

    A date without a zone is refused: guessing a zone would invent a clock skew of hours.
    """
    if not _SHAPE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_time(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC; microseconds only where there are any."""
    moment = moment.astimezone(UTC)
    spec = "microseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def parse_duration(text: str) -> timedelta | None:
    """Parse a Go-style duration such as `90s`, `10m`, `1h30m` or `250ms`; a bare number means seconds."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        text += "s"
    if not text or _DURATION.sub("", text):
        return None
    total = 0.0
    for amount, unit in _DURATION.findall(text):
        total += float(amount) * (0.001 if unit == "ms" else _UNIT_SECONDS[unit])
    try:
        return timedelta(seconds=total)
    except OverflowError:
        return None


def human_duration(span: timedelta | float) -> str:
    """Say a duration as a person would: `14 s`, `3 h 12 min`, `2 d 4 h`. A negative one keeps its sign."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 60:
        return f"{sign}{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else f"{sign}{seconds:.1f} s"
    minutes, secs = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (secs, "s")]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return sign + " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
