"""How far each node's clock is from the API server's, read from the API alone.

Rule: kube-node-lease Leases carry two clocks for one write: `spec.renewTime` is the node's (microseconds), the `time`
of the managedFields entry that owns it is the API server's, cut to whole seconds. So the true API time lies within one
second after `time`: we estimate with its middle, which is right to half a second plus the latency of the request.
Second witness: a pod whose `status.startTime` (kubelet) lies before its creationTimestamp (API server) proves that its
node's clock was behind by at least that much. Mirror pods (owned by a Node) prove nothing: the kubelet starts static
pods first and tells the API server afterwards, after a boot minutes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from preflight.api import (
    JsonObject,
    Unreadable,
    format_time,
    list_at,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_time,
    text_at,
    time_at,
)

CUT_SECONDS = 0.5
"""Half of the second that the API server cuts off."""
RECENT = timedelta(days=1)
"""How long a pod's word counts against that of a Lease."""


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
    namespace: str = ""
    """The pod's."""

    def facts(self) -> dict[str, Any]:
        """Return it for the evidence."""
        return {
            "skewSeconds": self.seconds,
            "lowerBound": self.at_least,
            "witness": f"{self.witness} {self.name}",
            "nodeTime": format_time(self.node_time),
            "apiServerTime": format_time(self.api_time),
        }

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
    """Read off one pod by how much it started after it was created (negative: before); None for mirror pods and those
    that have not started."""
    created, started = time_at(pod, "metadata.creationTimestamp"), time_at(pod, "status.startTime")
    if created is None or started is None:
        return None
    if any(owner.get("kind") == "Node" for owner in maps_at(pod, "metadata.ownerReferences")):
        return None
    seconds = (started - created).total_seconds()
    return Skew(text_at(pod, "spec.nodeName"), seconds, "pod", True, started, created, name_of(pod), namespace_of(pod))


def bounds_of(pods: Iterable[Skew]) -> dict[str, Skew]:
    """Keep the largest proof per node that its clock is behind. A later pod of the node that started after it was
    created shows that the clock has been set since."""
    by_node: dict[str, list[Skew]] = {}
    for skew in pods:
        by_node.setdefault(skew.node, []).append(skew)
    found = {}
    for node, skews in sorted(by_node.items()):
        mended = max((skew.api_time for skew in skews if node and skew.seconds >= 0), default=None)
        behind = [skew for skew in skews if skew.seconds < 0 and (mended is None or skew.api_time > mended)]
        if behind:
            found[node] = min(behind, key=lambda skew: (skew.seconds, skew.name))
    return found


def combined(leases: Mapping[str, Skew], pods: Mapping[str, Skew], now: datetime, limit: float) -> dict[str, Skew]:
    """Choose one witness per node: its Lease, but a pod where there is none, or where the Lease shows less than the
    limit and a pod of the last day more: the kubelet of a control-plane node writes its Lease through the API server of
    the same node, so that Lease compares a clock with itself."""
    found = dict(leases)
    for node, skew in pods.items():
        lease = leases.get(node)
        recent = abs(lease.seconds) < limit <= abs(skew.seconds) and now - skew.api_time <= RECENT if lease else True
        if recent:
            found[node] = skew
    return dict(sorted(found.items()))


def skews_of(leases: Iterable[JsonObject]) -> dict[str, Skew]:
    """Read what Leases show; an unreadable one is no witness (the check of clocks itself reports it)."""
    found = {}
    for lease in leases:
        try:
            skew = lease_skew(lease)
        except Unreadable:
            continue
        if skew:
            found[skew.node] = skew
    return found


def annotation(node: JsonObject, key: str) -> str:
    """Return a node's annotation, empty when it has none."""
    value = mapping_at(node, "metadata.annotations").get(key)
    return value if isinstance(value, str) else ""
