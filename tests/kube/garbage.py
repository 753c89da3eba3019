"""Deletion and what follows from it: finalizers, propagation policies, ownerReferences.

A real garbage collector works a moment later; this one works at once, so that a test sees one definite state. It
never collects an object whose owner was never in the store: fixtures are often parts of a cluster.
"""

from __future__ import annotations

from .resources import Kind
from .store import Obj, Store, stamp

FOREGROUND = "foregroundDeletion"


class Collector:
    """Deletes objects and, as the policy says, their dependents."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def delete(self, kind: Kind, obj: Obj, policy: str) -> Obj | None:
        """Delete an object. Return None when it is gone, or the object while finalizers keep it."""
        metadata = obj["metadata"]
        if policy == "Orphan":
            self._disown(metadata["uid"])
        finalizers = list(metadata.get("finalizers") or [])
        if policy == "Foreground" and self._dependents(metadata["uid"]) and FOREGROUND not in finalizers:
            finalizers.append(FOREGROUND)
        if not finalizers:
            self.remove(kind, obj)
            return None
        if not metadata.get("deletionTimestamp"):
            marked = {
                **metadata,
                "finalizers": finalizers,
                "deletionTimestamp": stamp(self.store.clock.now),
                "deletionGracePeriodSeconds": 0,
                "generation": metadata.get("generation", 1) + 1,
            }
            obj = self.store.save(kind, {**obj, "metadata": marked})
        if FOREGROUND in finalizers:
            return self._foreground(kind, obj)
        return obj

    def remove(self, kind: Kind, obj: Obj) -> None:
        """Take an object away for good and collect those that nobody owns any more."""
        uid = obj["metadata"]["uid"]
        self.store.drop(kind, obj)
        living = {other["metadata"]["uid"] for _, other in self.store.everything()}
        for child_kind, child in self._dependents(uid):
            current = self.store.peek(child_kind, child["metadata"].get("namespace"), child["metadata"]["name"])
            if current is not None and not any(ref["uid"] in living for ref in _owners(current)):
                self.delete(child_kind, current, "Background")
        self._release_parents(obj)

    def _foreground(self, kind: Kind, obj: Obj) -> Obj | None:
        for child_kind, child in self._dependents(obj["metadata"]["uid"]):
            self.delete(child_kind, child, "Background")
        current = self.store.peek(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        return self._release(kind, current) if current else None

    def _release(self, kind: Kind, obj: Obj) -> Obj | None:
        if self._dependents(obj["metadata"]["uid"]):
            return obj
        rest = [entry for entry in obj["metadata"].get("finalizers") or [] if entry != FOREGROUND]
        obj = {**obj, "metadata": {**obj["metadata"], "finalizers": rest}}
        if rest:
            return self.store.save(kind, obj)
        self.remove(kind, obj)
        return None

    def _release_parents(self, child: Obj) -> None:
        uids = {ref["uid"] for ref in _owners(child)}
        for kind, obj in self.store.everything():
            metadata = obj["metadata"]
            if metadata["uid"] in uids and FOREGROUND in (metadata.get("finalizers") or []):
                self._release(kind, obj)

    def _dependents(self, uid: str) -> list[tuple[Kind, Obj]]:
        return [(kind, obj) for kind, obj in self.store.everything() if any(ref["uid"] == uid for ref in _owners(obj))]

    def _disown(self, uid: str) -> None:
        for kind, obj in self._dependents(uid):
            rest = [ref for ref in _owners(obj) if ref["uid"] != uid]
            metadata = {key: value for key, value in obj["metadata"].items() if key != "ownerReferences"}
            self.store.save(kind, {**obj, "metadata": {**metadata, **({"ownerReferences": rest} if rest else {})}})


def _owners(obj: Obj) -> list[dict[str, str]]:
    return obj["metadata"].get("ownerReferences") or []
