"""The controllers' way into the in-memory store: no HTTP, no RBAC, no webhooks."""

from __future__ import annotations

import copy
from datetime import datetime

from .resources import Kind
from .store import Obj
from .writes import Where, Writer


class LocalCluster:
    """A `store.Cluster` over the server's own store."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._store = writer, writer.store

    def now(self) -> datetime:
        """Return the API server's time."""
        return self._store.clock.now

    def list(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return copies of all objects of a kind."""
        return self._store.objects(plural, group, namespace)

    def get(self, plural: str, group: str, namespace: str | None, name: str) -> Obj | None:
        """Return a copy of one object, or None."""
        kind = self._store.kinds.find(group, plural)
        return copy.deepcopy(self._store.peek(kind, namespace, name)) if kind else None

    def create(self, obj: Obj) -> Obj:
        """Create an object; its status is kept only where the kind has no status subresource."""
        return copy.deepcopy(self._writer.create(self._where(obj), obj, admitted=True))

    def update(self, obj: Obj) -> Obj:
        """Replace an object except its status."""
        return copy.deepcopy(self._writer.update(self._where(obj), obj, admitted=True))

    def update_status(self, obj: Obj) -> Obj:
        """Replace the status of an object and nothing else."""
        return copy.deepcopy(self._writer.update(self._where(obj, "status"), obj, admitted=True))

    def delete(self, plural: str, group: str, namespace: str | None, name: str) -> None:
        """Delete an object and what it owns, in the background; one that is gone is no error."""
        kind: Kind | None = self._store.kinds.find(group, plural)
        if kind is not None and self._store.peek(kind, namespace, name) is not None:
            where = Where(kind, namespace or "", name)
            self._writer.delete(where, {"propagationPolicy": "Background"}, {}, admitted=True)

    def _where(self, obj: Obj, subresource: str = "") -> Where:
        kind = self._store.kinds.of(obj)
        metadata = obj["metadata"]
        return Where(kind, metadata.get("namespace", ""), metadata.get("name", ""), subresource)
