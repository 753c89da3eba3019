"""How much room the nodes have, and which machines want to move.

Units: cpu in thousandths of a core, memory in bytes. What is in use is what pods request; init containers and overhead
are left out, so the room is rather too large than too small: what does not fit here does not fit.
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
    list_at,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_quantity,
    text_at,
    texts_at,
    value_at,
)

from ._affinity import matches
from ._vms import FINAL, has_witness_label, host_devices

HOSTNAME = "kubernetes.io/hostname"
ANTI_AFFINITY = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of cpu and memory."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Size) -> Size:
        return Size(self.cpu - other.cpu, self.memory - other.memory)

    def within(self, room: Size) -> bool:
        """Say whether it fits into `room`."""
        return self.cpu <= room.cpu and self.memory <= room.memory


@lru_cache(maxsize=4096)
def _number(text: str, factor: int) -> int:
    found = parse_quantity(text)
    if found is None:
        raise Unreadable(f"{text!r} is no quantity")
    return int(found * factor)


def size_of(amounts: Mapping[str, Any]) -> Size:
    """Read cpu and memory of a map of requests. Raises Unreadable for what is no quantity."""
    return Size(_number(str(amounts.get("cpu", 0)), 1000), _number(str(amounts.get("memory", 0)), 1))


def rooms(nodes: Iterable[JsonObject], pods: Iterable[JsonObject]) -> dict[str, Size]:
    """Return the free room of every node that may take machines. Raises Unreadable for what cannot be counted."""
    free = {}
    for node in nodes:
        allocatable = mapping_at(node, "status.allocatable")
        if "cpu" not in allocatable or "memory" not in allocatable:
            raise Unreadable(f"node {name_of(node)} says nothing of what it can hold (status.allocatable)")
        if not boolean_at(node, "spec.unschedulable") and not has_witness_label(node):
            free[name_of(node)] = size_of(allocatable)
    for pod in pods:
        home = text_at(pod, "spec.nodeName")
        if home in free and text_at(pod, "status.phase") not in FINAL:
            for container in maps_at(pod, "spec.containers"):
                free[home] -= size_of(mapping_at(container, "resources.requests"))
    return free


def moves(vmi: JsonObject) -> bool:
    """Say whether the drain would migrate this machine: it runs on a node, and nothing makes the drain stop it."""
    if text_at(vmi, "status.phase") in FINAL or not text_at(vmi, "status.nodeName"):
        return False
    return not host_devices(vmi) and value_at(vmi, "spec.nodeSelector") is None


def wants(vmi: JsonObject) -> Size:
    """Return what a machine requests."""
    return size_of(mapping_at(vmi, "spec.domain.resources.requests"))


class Repulsion:
    """Where machines stand that another machine must not share a node with; each selector is evaluated once."""

    def __init__(self, vmis: Iterable[JsonObject]) -> None:
        self._by_namespace: dict[str, list[tuple[dict[str, Any], str]]] = {}
        for vmi in vmis:
            if text_at(vmi, "status.phase") not in FINAL and text_at(vmi, "status.nodeName"):
                place = (labels_of(vmi), text_at(vmi, "status.nodeName"))
                self._by_namespace.setdefault(namespace_of(vmi), []).append(place)
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
                if _selects(term, labels)
            )
        return self._known[key]


def _selects(term: JsonObject, labels: Mapping[str, Any]) -> bool:
    if value_at(term, "labelSelector") is None:
        return False
    wanted = mapping_at(term, "labelSelector.matchLabels")
    rules = list_at(term, "labelSelector.matchExpressions") and maps_at(term, "labelSelector.matchExpressions")
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        matches(rule, labels) for rule in rules
    )
