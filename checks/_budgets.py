"""Which disruption budgets select which pods that a drain has to evict."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    JsonObject,
    Outcome,
    annotations_of,
    condition_status,
    integer_at,
    labels_of,
    maps_at,
    name_of,
    namespace_of,
    text_at,
)

from ._affinity import selects

MIRROR = "kubernetes.io/config.mirror"
NOT_GUARDED = ("Pending", "Succeeded", "Failed")
"""Phases in which the eviction API looks at no budget."""
OF_MACHINES = ("virt-launcher", "hotplug-disk")
"""Labels `kubevirt.io` of pods that are gone before the drain: their machines are migrated or stopped first."""
OF_KUBEVIRT = ("kubevirt-disruption-budget-", "kubevirt-migration-pdb-")


def is_judged_elsewhere(budget: JsonObject) -> bool:
    """Say whether a budget that allows nothing is normal, or a matter of another check."""
    name = name_of(budget)
    if name.startswith(OF_KUBEVIRT):
        return True
    return namespace_of(budget) == "longhorn-system" and name.startswith("instance-manager-")


def is_evicted(pod: JsonObject) -> bool:
    """Say whether the drain evicts a pod, and the eviction API asks the budgets."""
    if not text_at(pod, "spec.nodeName") or text_at(pod, "metadata.deletionTimestamp"):
        return False
    if text_at(pod, "status.phase") in NOT_GUARDED or labels_of(pod).get("kubevirt.io") in OF_MACHINES:
        return False
    stays = any(owner.get("kind") in ("DaemonSet", "Node") for owner in maps_at(pod, "metadata.ownerReferences"))
    return not stays and MIRROR not in annotations_of(pod)


class Budgets:
    """The budgets and, by and by, the pods each of them selects."""

    def __init__(self) -> None:
        self._by_namespace: dict[str, list[tuple[JsonObject, list[JsonObject]]]] = {}
        self.crowded: list[tuple[JsonObject, list[str]]] = []
        """Pods that several budgets select, and the names of these."""

    def add(self, budget: JsonObject) -> None:
        """Take note of a budget."""
        self._by_namespace.setdefault(namespace_of(budget), []).append((budget, []))

    def place(self, pod: JsonObject) -> Iterator[Outcome]:
        """Find the budgets of a pod; yields nothing. Raises Unreadable for one that cannot be compared."""
        if is_evicted(pod):
            labels = labels_of(pod)
            found = [
                (budget, pods)
                for budget, pods in self._by_namespace.get(namespace_of(pod), ())
                if selects(budget, "spec.selector", labels)
            ]
            for _, pods in found:
                pods.append(pod)
            if len(found) > 1:
                self.crowded.append((pod, [name_of(budget) for budget, _ in found]))
        yield from ()

    def selected(self) -> Iterator[tuple[JsonObject, list[JsonObject]]]:
        """Yield every budget with the pods it selects."""
        for budgets in self._by_namespace.values():
            yield from budgets


def refused(budget: JsonObject, pods: list[JsonObject]) -> list[JsonObject]:
    """Return those of its pods whose eviction a budget refuses as things stand."""
    if (integer_at(budget, "status.disruptionsAllowed") or 0) > 0:
        return []
    healthy, desired = (integer_at(budget, f"status.{part}Healthy") or 0 for part in ("current", "desired"))
    spares = text_at(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy >= desired > 0
    return [pod for pod in pods if not spares or condition_status(pod, "Ready") == "True"]


def gives_way(budget: JsonObject) -> bool:
    """Say whether a budget that allows nothing is expected to allow something by and by.

    That is so when its controller has not looked at it since it was changed, and when it would allow a disruption if
    all its pods were healthy.
    """
    stale = (integer_at(budget, "status.observedGeneration") or 0) < (integer_at(budget, "metadata.generation") or 0)
    expected, desired = (integer_at(budget, f"status.{part}") or 0 for part in ("expectedPods", "desiredHealthy"))
    return stale or expected > desired
