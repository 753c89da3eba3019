"""How much room the nodes have, as the scheduler counts it, and which nodes a machine keeps off.

Units: cpu in thousandths of a core, memory in bytes, pods in pods. What is in use is what pods request that have not
ended: the sum of a pod's containers or its largest init container, whichever is more, and its overhead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from preflight.api import (
    JsonObject,
    Unreadable,
    boolean_at,
    labels_of,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_quantity,
    text_at,
    texts_at,
    value_at,
)

from .._affinity import selects
from ._vms import FINAL, has_witness_label, home_of

HOSTNAME = "kubernetes.io/hostname"
ANTI_AFFINITY = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"
POD_FIELDS = (
    "spec.nodeName",
    "status.phase",
    "spec.containers.resources.requests",
    "spec.initContainers.resources.requests",
    "spec.overhead",
)


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of cpu, memory and places for pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)

    def __sub__(self, other: Size) -> Size:
        return Size(self.cpu - other.cpu, self.memory - other.memory, self.pods - other.pods)

    def or_more(self, other: Size) -> Size:
        """Return the larger of each."""
        return Size(max(self.cpu, other.cpu), max(self.memory, other.memory), max(self.pods, other.pods))

    def within(self, room: Size) -> bool:
        """Say whether it fits into `room`."""
        return self.cpu <= room.cpu and self.memory <= room.memory and self.pods <= room.pods


@lru_cache(maxsize=4096)
def number(text: str, factor: int = 1) -> int:
    """Read a quantity. Raises Unreadable for what is none."""
    found = parse_quantity(text)
    if found is None or found < 0:
        raise Unreadable(f"{text!r} is no quantity of anything")
    return int(found * factor)


def size_of(amounts: Mapping[str, Any]) -> Size:
    """Read cpu and memory of a map of requests. Raises Unreadable for what is no quantity."""
    return Size(number(str(amounts.get("cpu", 0)), 1000), number(str(amounts.get("memory", 0))))


def request_of(pod: JsonObject) -> Size:
    """Return what a pod takes of a node, its place included."""
    total, largest = Size(), Size()
    for container in maps_at(pod, "spec.containers"):
        total += size_of(mapping_at(container, "resources.requests"))
    for container in maps_at(pod, "spec.initContainers"):
        largest = largest.or_more(size_of(mapping_at(container, "resources.requests")))
    return total.or_more(largest) + size_of(mapping_at(pod, "spec.overhead")) + Size(pods=1)


def rooms(nodes: Iterable[JsonObject], pods: Iterable[JsonObject]) -> dict[str, Size]:
    """Return the free room of every node that may take machines. Raises Unreadable for what cannot be counted."""
    free = {}
    for node in nodes:
        allocatable = mapping_at(node, "status.allocatable")
        if not {"cpu", "memory", "pods"} <= set(allocatable):
            raise Unreadable(f"node {name_of(node)} does not say what it can hold (status.allocatable)")
        if not boolean_at(node, "spec.unschedulable") and not has_witness_label(node):
            free[name_of(node)] = size_of(allocatable) + Size(pods=number(str(allocatable["pods"])))
    for pod in pods:
        home = text_at(pod, "spec.nodeName")
        if home in free and text_at(pod, "status.phase") not in FINAL:
            free[home] -= request_of(pod)
    return free


class Repulsion:
    """Where machines stand that another machine must not share a node with; each selector is evaluated once.

    To be made of the machines that stand on a node.
    """

    def __init__(self, vmis: Iterable[JsonObject]) -> None:
        self._by_namespace: dict[str, list[tuple[dict[str, Any], str]]] = {}
        for vmi in vmis:
            self._by_namespace.setdefault(namespace_of(vmi), []).append((labels_of(vmi), home_of(vmi)))
        self._known: dict[str, frozenset[str]] = {}

    def nodes(self, vmi: JsonObject) -> frozenset[str]:
        """Return the nodes a machine's required anti-affinity per host keeps it off."""
        found: frozenset[str] = frozenset()
        for term in maps_at(vmi, ANTI_AFFINITY):
            if text_at(term, "topologyKey") == HOSTNAME and value_at(term, "namespaceSelector") is None:
                found |= self._nodes_of(term, namespace_of(vmi))
        return found

    def _nodes_of(self, term: JsonObject, own: str) -> frozenset[str]:
        namespaces = texts_at(term, "namespaces") or [own]
        key = repr((namespaces, term.get("labelSelector")))
        if key not in self._known:
            self._known[key] = frozenset(
                node
                for namespace in namespaces
                for labels, node in self._by_namespace.get(namespace, ())
                if selects(term, "labelSelector", labels)
            )
        return self._known[key]
