"""The objects, kept as a real API server keeps them: one counter of resourceVersions, one uid per life of an object.

Stored objects are never changed in place: a write stores a new dict. A list taken earlier therefore stays as it was,
which is what consistent paging needs.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from .resources import Kind, Kinds

Obj = dict[str, Any]
"""A Kubernetes object, as decoded from JSON."""

START = datetime(2026, 11, 23, 18, 45, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """Write a time as the API server writes it: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """The API server's clock. It stands still except that each request moves it by `step`."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.step = timedelta(seconds=1)
        self.frozen = False

    def advance(self) -> None:
        """Move on by one step, unless frozen."""
        if not self.frozen:
            self.now += self.step


class Cluster(Protocol):
    """All that the controllers need of a cluster; the in-memory store and a real API server both offer it."""

    def now(self) -> datetime:
        """Return the API server's time."""

    def list(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return copies of all objects of a kind."""

    def get(self, plural: str, group: str, namespace: str | None, name: str) -> Obj | None:
        """Return a copy of one object, or None."""

    def create(self, obj: Obj) -> Obj:
        """Create an object; its status is kept only where the kind has no status subresource."""

    def update(self, obj: Obj) -> Obj:
        """Replace an object except its status."""

    def update_status(self, obj: Obj) -> Obj:
        """Replace the status of an object and nothing else."""

    def delete(self, plural: str, group: str, namespace: str | None, name: str) -> None:
        """Delete an object and what it owns, in the background; one that is gone is no error."""


class Store:
    """All objects of the cluster, by group and plural, then namespace and name."""

    def __init__(self, kinds: Kinds, clock: Clock) -> None:
        self.kinds, self.clock = kinds, clock
        self.revision = 1000
        self._objects: dict[tuple[str, str], dict[tuple[str, str], Obj]] = {}
        self.events: list[tuple[int, str, Kind, Obj]] = []
        """All that has happened: resourceVersion, ADDED, MODIFIED or DELETED, kind, object."""
        self.listeners: list[Callable[[], object]] = []
        """Called after each change."""

    # -- reading -------------------------------------------------------------------------------------------------

    def table(self, kind: Kind) -> dict[tuple[str, str], Obj]:
        """Return the objects of a kind as stored: do not change them."""
        return self._objects.setdefault((kind.group, kind.plural), {})

    def peek(self, kind: Kind, namespace: str | None, name: str) -> Obj | None:
        """Return one object as stored: do not change it."""
        return self.table(kind).get((namespace or "", name))

    def everything(self) -> Iterator[tuple[Kind, Obj]]:
        """Yield all objects with their kind."""
        for (group, plural), table in list(self._objects.items()):
            kind = self.kinds.find(group, plural)
            if kind is not None:
                for obj in list(table.values()):
                    yield kind, obj

    def objects(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return copies of all objects of a kind, in the order a list request gives them."""
        table = self._objects.get((group, plural), {})
        return [copy.deepcopy(table[key]) for key in sorted(table) if namespace in (None, key[0])]

    # -- writing -------------------------------------------------------------------------------------------------

    def save(self, kind: Kind, obj: Obj, event: str = "MODIFIED") -> Obj:
        """Store an object under the next resourceVersion."""
        self.revision += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        self.table(kind)[key_of(obj)] = obj
        self._tell(event, kind, obj)
        return obj

    def drop(self, kind: Kind, obj: Obj) -> None:
        """Remove an object at once, whatever its finalizers say."""
        if self.table(kind).pop(key_of(obj), None) is not None:
            self.revision += 1
            last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
            self._tell("DELETED", kind, last)

    def _tell(self, event: str, kind: Kind, obj: Obj) -> None:
        self.events.append((self.revision, event, kind, obj))
        for listener in list(self.listeners):
            listener()

    def put(self, *objects: Obj) -> list[Obj]:
        """Store objects as they are, status included; a List is unpacked. Missing uids and times are filled in.

        An object that exists keeps its uid and creationTimestamp unless the new one brings its own.
        """
        return [self._put(obj) for obj in flatten(objects)]

    def _put(self, obj: Obj) -> Obj:
        kind = self.kinds.of(obj)
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        if kind.namespaced:
            metadata.setdefault("namespace", "default")
        old = self.peek(kind, metadata.get("namespace"), metadata["name"])
        earlier = old["metadata"] if old else {}
        metadata.setdefault("uid", earlier.get("uid") or str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", earlier.get("creationTimestamp") or stamp(self.clock.now))
        return copy.deepcopy(self.save(kind, obj, "MODIFIED" if old else "ADDED"))


def key_of(obj: Obj) -> tuple[str, str]:
    """Return namespace and name; the namespace is empty for cluster-scoped objects."""
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def flatten(objects: Iterable[Obj]) -> Iterator[Obj]:
    """Unpack Lists."""
    for obj in objects:
        if "items" in obj and str(obj.get("kind", "")).endswith("List"):
            yield from flatten(obj["items"])
        else:
            yield obj
