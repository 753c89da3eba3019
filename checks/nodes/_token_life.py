"""How long the API servers let a token of a service account live, by the flags they run with.

Rule: kube-apiserver's --service-account-max-token-expiration caps it (the CIS profile of RKE2 sets 3600s); with
--service-account-extend-token-expiration=false a token lives for the 3607 s it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    JsonObject,
    Outcome,
    Unreadable,
    labels_of,
    maps_at,
    name_of,
    namespace_of,
    parse_duration,
    texts_at,
)

MAXIMUM, EXTEND = "--service-account-max-token-expiration=", "--service-account-extend-token-expiration="
UNEXTENDED = timedelta(seconds=3607)


def is_api_server(pod: JsonObject) -> bool:
    """Say whether a pod is one of kube-apiserver."""
    return namespace_of(pod) == "kube-system" and labels_of(pod).get("component") == "kube-apiserver"


def note_limit(server: JsonObject, limits: list[timedelta]) -> Iterator[Outcome]:
    """Add the limits that the flags of one API server set; yields nothing. Raises Unreadable where there are no flags."""
    words = [
        word
        for container in maps_at(server, "spec.containers")
        for word in (*texts_at(container, "command"), *texts_at(container, "args"))
    ]
    if not words:
        raise Unreadable(f"pod {name_of(server)} does not say with which flags its API server runs")
    for word in words:
        if word == EXTEND + "false":
            limits.append(UNEXTENDED)
        elif word.startswith(MAXIMUM):
            maximum = parse_duration(word.removeprefix(MAXIMUM))
            if maximum is None:
                raise Unreadable(f"pod {name_of(server)}: {word} is no duration")
            if maximum:
                limits.append(maximum)
    yield from ()
