"""Watch requests, as far as `kubectl delete`, `kubectl wait` and a simple watch loop need them.

A watch is one request: controllers that are driven by requests stand still while nothing but a watch is open.
"""

from __future__ import annotations

import json

from . import errors, listing
from .resources import Kind
from .store import Obj, Store


class Watch:
    """One open watch: what it has still to tell its client."""

    def __init__(self, store: Store, kind: Kind, namespace: str | None, query: dict[str, str], accept: str) -> None:
        self._store, self._kind = store, kind
        self._test = listing.selection(kind, namespace, query)
        self._metadata_only = listing.wants_metadata(accept)
        self.timeout = float(query.get("timeoutSeconds") or 0) or None
        start = query.get("resourceVersion") or "0"
        if not start.isdigit():
            raise errors.bad_request(f'invalid resource version "{start}"')
        self._initial = start == "0"
        later = (index for index, (revision, *_) in enumerate(store.events) if revision > int(start))
        self._next = next(later, len(store.events))

    def lines(self) -> bytes:
        """Return what has happened since the last call, one JSON document a line."""
        told = b""
        if self._initial:
            self._initial, self._next = False, len(self._store.events)
            told = b"".join(self._line("ADDED", obj) for obj in self._present())
        news, self._next = self._store.events[self._next :], len(self._store.events)
        for _, event, kind, obj in news:
            if (kind.group, kind.plural) == (self._kind.group, self._kind.plural) and self._test(obj):
                told += self._line(event, obj)
        return told

    def _present(self) -> list[Obj]:
        table = self._store.table(self._kind)
        return [table[key] for key in sorted(table) if self._test(table[key])]

    def _line(self, event: str, obj: Obj) -> bytes:
        shown = listing.item(self._kind, obj)
        if self._metadata_only:
            shown = listing.metadata_only(shown)
        return json.dumps({"type": event, "object": shown}, separators=(",", ":")).encode() + b"\n"
