"""How long a machine has been in its phase."""

from __future__ import annotations

from datetime import datetime, timedelta

from preflight.api import JsonObject, maps_at, text_at, time_at

PHASE_TIMES = "status.phaseTransitionTimestamps"


def time_in_phase(obj: JsonObject, phase: str, now: datetime) -> timedelta:
    """Return how long ago an instance or migration came to `phase`; when it does not say, how old it is.

    One that does not even say that is taken for old: nothing is excused as just begun without a reason.
    """
    for entry in maps_at(obj, PHASE_TIMES):
        if text_at(entry, "phase") == phase:
            since = time_at(entry, "phaseTransitionTimestamp")
            if since:
                return now - since
    created = time_at(obj, "metadata.creationTimestamp")
    return now - created if created else timedelta.max
