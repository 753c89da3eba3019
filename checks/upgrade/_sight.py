"""What an upgrade is diagnosed from, and what a look at it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from preflight.api import (
    Command,
    JsonObject,
    ResourceRef,
    View,
    labels_of,
    maps_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

from .._budgets import MIRROR
from ._phases import Run
from ._workloads import event_time, event_words, full_name

SYSTEM, PLAN_NAMESPACE = "harvester-system", "cattle-system"
OWN_NAMESPACES = (SYSTEM, PLAN_NAMESPACE, "fleet-local", "longhorn-system", "cattle-logging-system")
"""Where an upgrade's own objects are, and what it waits for in every cluster."""
JOBS, PODS, PLANS, EVENTS = "jobs.batch", "pods", "plans.upgrade.cattle.io", "events/upgrade"
IMAGES, LOGS = "virtualmachineimages.harvesterhci.io", "upgradelogs.harvesterhci.io"
NODES, BUDGETS = "nodes", "poddisruptionbudgets.policy"
MACHINES = "virtualmachineinstances.kubevirt.io"
ADDONS, CHARTS = "addons.harvesterhci.io", "managedcharts.management.cattle.io"
PENDING_OS = "harvesterhci.io/pendingOSImage"

NEEDS = (
    need(JOBS, "status", optional=True),
    need(PODS, "spec.nodeName", "status", f"metadata.annotations[{MIRROR}]", optional=True),
    need(PLANS, optional=True, unserved_is_empty=True),
    need(EVENTS, "involvedObject", "type", "reason", "message", "lastTimestamp", "eventTime", optional=True),
    need(IMAGES, "status.conditions", "status.progress", "status.failed", optional=True),
    need(LOGS, "status.conditions", optional=True),
    need(
        NODES,
        "status.conditions",
        "status.nodeInfo.osImage",
        f"metadata.annotations[{PENDING_OS}]",
        optional=True,
    ),
    need(
        BUDGETS,
        "spec.selector",
        "spec.unhealthyPodEvictionPolicy",
        "status.disruptionsAllowed",
        "status.expectedPods",
        "status.currentHealthy",
        "status.desiredHealthy",
        optional=True,
    ),
    need(MACHINES, "status.phase", optional=True),
    need(ADDONS, "spec.enabled", "spec.version", "status.status", "status.conditions", optional=True),
    need(CHARTS, "status.conditions", optional=True),
)
"""All optional: whether an upgrade runs is known without them, only what it waits for is not."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that an upgrade waits for."""

    cause: str
    words: str
    """What it is and how it is doing: continues "it waits for"."""
    ref: ResourceRef
    stuck: bool
    """Whether it does not come right by itself."""
    hint: str = ""
    commands: tuple[Command, ...] = ()
    touches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None
    """Since when, where that is known better than by the step."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one thing."""

    words: str
    wait: Wait | None = None


Looks = Iterator[Seen]


@dataclass(slots=True)
class Sight:
    """The objects that one upgrade is diagnosed from; notes what could not be read."""

    view: View
    run: Run
    unread: dict[str, str] = field(default_factory=dict)
    """Kind → why it was not read, of the kinds that were asked for."""
    _sorted: dict[str, tuple[JsonObject, ...]] = field(default_factory=dict)

    def read(self, resource: str) -> tuple[JsonObject, ...]:
        """Return the objects of a kind by namespace and name, none when it was not read."""
        gaps = [gap for gap in self.view.gaps(resource) if gap.namespace in ("", *OWN_NAMESPACES)]
        if why := self.view.missing(resource) or next(iter(gaps), None):
            self.unread[resource] = str(why)
        if resource not in self._sorted:
            self._sorted[resource] = tuple(sorted(self.view.read(resource), key=_place))
        return self._sorted[resource]

    @property
    def now(self) -> datetime:
        """The decision clock. Raises NotCollected when it cannot be right."""
        return self.view.now

    def own(self, resource: str, *words: str) -> list[JsonObject]:
        """Return the objects of a kind that the upgrade has made and that carry these words as values of labels: the
        component, the type of a Job, the node. The two kinds of upgrade name the labels differently."""
        return [
            obj
            for obj in self.read(resource)
            if labels_of(obj).get(self.run.label) == self.run.name and set(words) <= set(_values(obj))
        ]

    def pods_of(self, job: JsonObject) -> list[JsonObject]:
        """Return the pods of a Job."""
        uid = text_at(job, "metadata.uid")
        return [
            pod
            for pod in self.read(PODS)
            if namespace_of(pod) == namespace_of(job)
            and (
                name_of(job) in (labels_of(pod).get("job-name"), labels_of(pod).get("batch.kubernetes.io/job-name"))
                or (uid and any(owner.get("uid") == uid for owner in maps_at(pod, "metadata.ownerReferences")))
            )
        ]

    def warning(self, obj: JsonObject) -> str:
        """Quote the newest warning about an object; empty when there is none."""
        kind, place = ref_of(obj).kind, full_name(obj)
        found = [
            event for event in self.read(EVENTS) if text_at(event, "type") == "Warning" and _about(event, kind, place)
        ]
        return event_words(max(found, key=event_time)) if found else ""


def _place(obj: JsonObject) -> tuple[str, str]:
    """Return what an object is sorted by; one that cannot be read has its place too."""
    metadata = obj.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    return str(found.get("namespace") or ""), str(found.get("name") or "")


def _values(obj: JsonObject) -> list[str]:
    return [value for value in labels_of(obj).values() if isinstance(value, str)]


def _about(event: JsonObject, kind: str, place: str) -> bool:
    about = "/".join(filter(None, (text_at(event, "involvedObject.namespace"), text_at(event, "involvedObject.name"))))
    return text_at(event, "involvedObject.kind") == kind and about == place
