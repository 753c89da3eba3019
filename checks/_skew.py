"""How far each node's clock is from the API server's, read from the API alone.

Rule: kube-node-lease Leases carry two clocks for one write: `spec.renewTime` is the node's (microseconds), the `time`
of the managedFields entry that owns it is the API server's, cut to whole seconds. So the true API time lies within one
second after `time`: we estimate with its middle, which is right to half a second plus the latency of the request.
Second witness: a pod whose `status.startTime` (kubelet) lies before its creationTimestamp (API server) proves that its
node's clock was behind by at least that much. Mirror pods (owned by a Node) prove nothing: the kubelet starts static
pods first and tells the API server afterwards, after a boot minutes later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from preflight.api import JsonObject, Unreadable, list_at, mapping_at, maps_at, name_of, parse_time, text_at, time_at

CUT_SECONDS = 0.5
"""Half of the second that the API server cuts off."""


@dataclass(frozen=True, slots=True)
class Skew:
    """One node's clock minus the API server's."""

    node: str
    """Empty when a pod proves it and does not say on which node it ran."""
    seconds: float
    """Negative: the node's clock is behind."""
    witness: str
    """lease or pod."""
    at_least: bool
    """Whether it is only a bound: the clock is off by this much or more."""
    node_time: datetime
    api_time: datetime
    name: str
    """The Lease or the pod that shows it."""

    def words(self) -> str:
        """Say it as in `about −15 s`."""
        return f"{'at least' if self.at_least else 'about'} {signed(self.seconds)}"


def signed(seconds: float) -> str:
    """Write seconds with a sign; whole seconds from two seconds on, since no more is known."""
    number = f"{abs(seconds):.0f}" if abs(seconds) >= 2 else f"{abs(seconds):.1f}"
    return f"{'−' if seconds < 0 else '+'}{number} s"


def lease_skew(lease: JsonObject) -> Skew | None:
    """Read the skew off one Lease; None when it does not carry both times. Raises Unreadable for broken fields."""
    renewed = time_at(lease, "spec.renewTime")
    written = max(filter(None, map(_owner_time, list_at(lease, "metadata.managedFields"))), default=None)
    if renewed is None or written is None:
        return None
    seconds = (renewed - written).total_seconds() - CUT_SECONDS
    return Skew(name_of(lease), round(seconds, 1), "lease", False, renewed, written, name_of(lease))


def _owner_time(entry: object) -> datetime | None:
    """Return the time of a managedFields entry when it owns spec.renewTime."""
    if not isinstance(entry, dict):
        return None
    fields = entry.get("fieldsV1")
    spec = fields.get("f:spec") if isinstance(fields, dict) else None
    if not isinstance(spec, dict) or "f:renewTime" not in spec:
        return None
    time = entry.get("time")
    return parse_time(time) if isinstance(time, str) else None


def pod_skew(pod: JsonObject) -> Skew | None:
    """Read a lower bound off one pod; None when it started after it was created, as pods do, or is a mirror pod."""
    created, started = time_at(pod, "metadata.creationTimestamp"), time_at(pod, "status.startTime")
    if created is None or started is None or started >= created:
        return None
    if any(owner.get("kind") == "Node" for owner in maps_at(pod, "metadata.ownerReferences")):
        return None
    seconds = (started - created).total_seconds()
    return Skew(text_at(pod, "spec.nodeName"), seconds, "pod", True, started, created, name_of(pod))


def worst_by_node(skews: Iterable[Skew]) -> dict[str, Skew]:
    """Keep one skew per node: what its lease says, else the largest bound of its pods."""
    found: dict[str, Skew] = {}
    for skew in skews:
        known = found.get(skew.node)
        if known is None or _weight(known) < _weight(skew):
            found[skew.node] = skew
    return dict(sorted(found.items()))


def _weight(skew: Skew) -> tuple[bool, float]:
    return skew.witness == "lease", abs(skew.seconds)


def skews_of(leases: Iterable[JsonObject], pods: Iterable[JsonObject]) -> dict[str, Skew]:
    """Gather what can be read; an unreadable object is no witness (the check of clocks itself reports it)."""
    found: list[Skew] = []
    for read, objects in ((lease_skew, leases), (pod_skew, pods)):
        for obj in objects:
            try:
                skew = read(obj)
            except Unreadable:
                continue
            if skew:
                found.append(skew)
    return worst_by_node(found)


def annotation(node: JsonObject, key: str) -> str:
    """Return a node's annotation, empty when it has none."""
    value = mapping_at(node, "metadata.annotations").get(key)
    return value if isinstance(value, str) else ""
