"""What was read, by resource: objects, or the reason there are none; and the view of it that one check gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from preflight.errors import NotCollected, Unreadable
from preflight.model import Code, Outcome, Reason, SourceInfo, Unknown, UpgradePair
from preflight.releases import NOTHING, Knowledge, Release
from preflight.values.foreign_text import one_line
from preflight.values.times import format_time, parse_time
from preflight.values.versions import HarvesterVersion

JsonObject = dict[str, Any]


CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clocks of the API servers of one cluster may be apart."""
CURRENT_WITHIN = timedelta(days=1)
"""A running cluster writes something every few seconds; of what was read, something within a day."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much of each object a snapshot holds."""

    fields: tuple[str, ...]
    values: tuple[str, ...]
    """Of the texts in `reduced`, what was kept of them."""
    reduced: tuple[str, ...] = ()
    """Fields whose text was cut down to `values`: Helm values, CloudInit contents."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The answer to one need: objects (perhaps none), or the reason why nothing was read."""

    objects: tuple[JsonObject, ...] = ()
    missing: Reason | None = None
    """None when it was read; else why nothing was."""
    gaps: tuple[Reason, ...] = ()
    """What of it was not read: namespaces outside a bundle, nodes that did not answer. One that names a namespace is
    about the objects of that namespace only."""
    held: Held | None = field(default=None, compare=False)
    """What the source holds of each object; None: every field that anybody asked for."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything one run read."""

    source: SourceInfo
    entries: Mapping[str, Collected]
    """By the resource's name (preflight.resources)."""
    clock_doubt: Reason | None = None
    """Why the decision clock cannot be right; then whoever asks for it gets no answer."""

    def get(self, resource: str) -> Collected:
        """Return the answer for a resource; one that nobody asked for is not collected."""
        return self.entries.get(resource) or Collected(
            missing=Reason(Code.NOT_IN_SOURCE, f"{resource} was not asked for")
        )


def clock_doubt(inventory: Inventory, *, says_current: bool) -> Reason | None:
    """Say why the decision clock cannot be right, None when it can: it lies before what was already done by then.

    With `says_current` (a running cluster, judged by another clock than its own) also: long after the last thing done.
    Only times that API servers stamp count: those of nodes may be off, and a check says so.
    """
    newest, whose = _newest_stamp(inventory)
    if newest is None:
        return None
    now, clock = inventory.source.collected_at, inventory.source.clock or inventory.source.type
    about = f"the time to decide by, {format_time(now)} ({clock}),"
    if newest > now + CLOCK_TOLERANCE:
        what = f"{about} lies before {format_time(newest)}, when {whose} was written"
    elif says_current and now > newest + CURRENT_WITHIN:
        what = f"{about} lies more than a day after {format_time(newest)}, the newest thing in the cluster"
    else:
        return None
    return Reason(Code.CONFLICTING, f"{what}; leave out --now, or give the time at which this was read")


def _newest_stamp(inventory: Inventory) -> tuple[datetime | None, str]:
    newest, whose = "", ""
    for resource, entry in inventory.entries.items():
        for obj in entry.objects:
            for text in _stamps(obj.get("metadata")):
                if text > newest and parse_time(text):
                    newest, whose = text, f"{resource} {obj['metadata'].get('name')}"
    return parse_time(newest), one_line(whose, 200)


def _stamps(metadata: Any) -> Iterator[str]:
    """Yield the times that an API server wrote into an object's metadata, those in UTC as they always are."""
    if not isinstance(metadata, dict):
        return
    managed = metadata.get("managedFields")
    times = [entry.get("time") for entry in managed if isinstance(entry, dict)] if isinstance(managed, list) else []
    yield from (
        text for text in (metadata.get("creationTimestamp"), *times) if isinstance(text, str) and text[-1:] == "Z"
    )


def namespace_gap(namespace: str) -> Reason:
    """Say that a namespace was not read."""
    return Reason(Code.NOT_IN_SOURCE, f"namespace {namespace} is not in the bundle", namespace=namespace)


def matters_to(gap: Reason, namespaces: Iterable[str]) -> bool:
    """Say whether a gap matters to a check that looks only at these namespaces; empty means at all."""
    names = tuple(namespaces)
    return not gap.namespace or not names or gap.namespace in names


def sorted_objects(objects: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """Put objects in a fixed order, so that the order a server gives them in never changes a report."""
    return tuple(sorted(objects, key=_order))


def _order(obj: JsonObject) -> tuple[str, str, str, str]:
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return (
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or ""),
        str(metadata.get("uid") or ""),
        repr(obj) if "name" not in metadata else "",
    )


@dataclass(frozen=True, slots=True)
class View:
    """What one check may look at: its own needs, the upgrade, the decision clock and its options."""

    inventory: Inventory
    needs: frozenset[str]
    upgrade: UpgradePair
    options: Mapping[str, Any] = field(default_factory=dict)
    """The check's thresholds, defaults filled in."""
    knowledge: Knowledge = NOTHING
    """What is known of releases."""

    @property
    def now(self) -> datetime:
        """The decision clock: the API server's, or the source's time of collection.

        Raises NotCollected, which makes the check `unknown`, when that clock cannot be right.
        """
        if self.inventory.clock_doubt:
            raise NotCollected(self.inventory.clock_doubt)
        return self.inventory.source.collected_at

    def release(self, version: HarvesterVersion | None) -> Release | None:
        """Return what is known of a version; None for one of a series that nothing is known of."""
        return self.knowledge.release(version)

    def objects(self, resource: str) -> tuple[JsonObject, ...]:
        """Return the objects of a need. Raises NotCollected, which makes the check `unknown`, when it was not read."""
        entry = self._entry(resource)
        if entry.missing:
            raise NotCollected(entry.missing)
        return entry.objects

    def read(self, resource: str) -> tuple[JsonObject, ...]:
        """Return the objects of an optional need, none when it was not read: ask `missing` where that differs."""
        return self._entry(resource).objects

    def some(self, resource: str) -> tuple[JsonObject, ...]:
        """Return the objects of a kind of which every cluster has at least one, such as nodes.

        Raises NotCollected when it was not read, and when there is none: then the input is not the whole.
        """
        objects = self.objects(resource)
        if not objects:
            raise NotCollected(Reason(Code.INCOMPLETE, f"there is not one of {resource}, and every cluster has some"))
        return objects

    def missing(self, resource: str) -> Reason | None:
        """Say why an (optional) need was not read; None when it was."""
        return self._entry(resource).missing

    def gaps(self, resource: str, namespace: str = "") -> tuple[Reason, ...]:
        """Say what of a need was not read. With a namespace: only what its objects may be among."""
        gaps = self._entry(resource).gaps
        return tuple(gap for gap in gaps if not namespace or not gap.namespace or gap.namespace == namespace)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """Return the object of that name, None when there is none. Raises NotCollected as `objects` does."""
        for obj in self.objects(resource):
            metadata = obj.get("metadata")
            if (
                isinstance(metadata, dict)
                and metadata.get("name") == name
                and (metadata.get("namespace") or "") == namespace
            ):
                return obj
        return None

    def each(self, resource: str, judge: Callable[[JsonObject], Iterable[Outcome]]) -> Iterator[Outcome]:
        """Judge every object of a need by itself: one unreadable object becomes one `unknown`, and the findings about
        all the others are kept."""
        yield from judged(self.objects(resource), judge)

    def _entry(self, resource: str) -> Collected:
        if resource not in self.needs:
            raise AssertionError(f"the check reads {resource} without declaring it in its needs")
        return self.inventory.get(resource)


def judged(objects: Iterable[JsonObject], judge: Callable[[JsonObject], Iterable[Outcome]]) -> Iterator[Outcome]:
    """Judge each object by itself, as `View.each` does, for a list the check has chosen."""
    for obj in objects:
        try:
            yield from judge(obj)
        except Unreadable as error:
            yield Unknown(Reason(Code.UNPARSABLE, str(error)))
