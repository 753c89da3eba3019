"""List requests: selectors, paging over a consistent snapshot, metadata only."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from . import errors
from .resources import Kind
from .store import Obj, Store

Test = Callable[[Obj], bool]
Keyed = list[tuple[str, Obj]]


class Lister:
    """Answers list requests. A first page remembers the list as it was, so later pages belong to the same moment."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.page_size: int | None = None
        """At most so many objects in a page, whatever limit a client names; without a limit there are no pages."""
        self._snapshots: dict[tuple[str, str, int], Keyed] = {}

    def expire(self) -> None:
        """Forget all snapshots, as etcd does by compaction: continue tokens given out so far get 410 Expired."""
        self._snapshots.clear()

    def answer(self, kind: Kind, namespace: str | None, query: dict[str, str]) -> Obj:
        """Return the list object for a request."""
        rows, start, revision = self._rows(kind, query)
        test = selection(kind, namespace, query)
        matching = [(key, obj) for key, obj in rows if key > start and test(obj)]
        limit = int(query.get("limit") or 0)
        if limit and self.page_size:
            limit = min(limit, self.page_size)
        page = matching[:limit] if limit else matching
        metadata: Obj = {"resourceVersion": str(revision)}
        if len(page) < len(matching):
            self._snapshots[kind.group, kind.plural, revision] = rows
            metadata["continue"] = _token(revision, page[-1][0])
            if not (query.get("labelSelector") or query.get("fieldSelector")):
                metadata["remainingItemCount"] = len(matching) - len(page)
        items = [item(kind, obj, inside_list=True) for _, obj in page]
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": items,
        }

    def _rows(self, kind: Kind, query: dict[str, str]) -> tuple[Keyed, str, int]:
        token = query.get("continue")
        if not token:
            return self._now(kind), "", self.store.revision
        try:
            parts = json.loads(base64.urlsafe_b64decode(token + "=="))
            revision, start = int(parts["rv"]), str(parts["start"])
        except (ValueError, KeyError, TypeError):
            raise errors.bad_request("continue key is not valid: illegal base64 data") from None
        if revision < 0:
            return self._now(kind), start, self.store.revision
        rows = self._snapshots.get((kind.group, kind.plural, revision))
        if rows is None:
            raise errors.expired(_token(-1, start))
        return rows, start, revision

    def _now(self, kind: Kind) -> Keyed:
        table = self.store.table(kind)
        return [("/".join(key), table[key]) for key in sorted(table)]


def _token(revision: int, start: str) -> str:
    data = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def item(kind: Kind, obj: Obj, *, inside_list: bool = False) -> Obj:
    """Shape an object for the version asked for; inside a list, built-in kinds come without apiVersion and kind."""
    if inside_list and not kind.custom:
        return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    return obj if obj["apiVersion"] == kind.api_version else {**obj, "apiVersion": kind.api_version}


# -- metadata only -----------------------------------------------------------------------------------------------


def wants_metadata(accept: str) -> bool:
    """Whether the first thing the client accepts that we know is PartialObjectMetadata."""
    for choice in accept.split(","):
        if "as=PartialObjectMetadata" in choice.replace(" ", ""):
            return True
        if "as=" not in choice and ("json" in choice or "*/*" in choice):
            return False
    return False


def metadata_only(body: Obj) -> Obj:
    """Reduce an object or a list to PartialObjectMetadata."""
    if "items" not in body:
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": body["metadata"],
        "items": [metadata_only(entry) for entry in body["items"]],
    }


# -- selectors ---------------------------------------------------------------------------------------------------


def selection(kind: Kind, namespace: str | None, query: dict[str, str]) -> Test:
    """Compile namespace, labelSelector and fieldSelector of a request."""
    labels = label_selector(query.get("labelSelector") or "")
    fields = field_selector(kind, query.get("fieldSelector") or "")

    def test(obj: Obj) -> bool:
        metadata = obj["metadata"]
        if namespace and metadata.get("namespace") != namespace:
            return False
        return labels(metadata.get("labels") or {}) and fields(obj)

    return test


def label_selector(text: str) -> Callable[[dict[str, str]], bool]:
    """Compile a label selector: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, joined by commas."""
    terms = [_label_term(part.strip()) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda labels: all(term(labels) for term in terms)


def _label_term(term: str) -> Callable[[dict[str, str]], bool]:
    if match := re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", term):
        key, how, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        if how == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := re.fullmatch(r"([^=!\s]+)\s*(!=|==|=)\s*(\S*)", term):
        key, how, value = match[1], match[2], match[3]
        if how == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if re.fullmatch(r"!\s*[^=!\s]+", term):
        return lambda labels: term[1:].strip() not in labels
    if re.fullmatch(r"[^=!\s]+", term):
        return lambda labels: term in labels
    raise errors.bad_request(f'unable to parse requirement: found "{term}"')


def field_selector(kind: Kind, text: str) -> Test:
    """Compile a field selector. Custom kinds know only metadata.name and metadata.namespace."""
    terms: list[tuple[list[str], bool, str]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([\w.]+)(!=|==|=)(.*)", part)
        if match is None:
            raise errors.bad_request(f'invalid selector: "{part}"; can\'t understand "{part}"')
        if kind.custom and match[1] not in ("metadata.name", "metadata.namespace"):
            raise errors.bad_request(f"field label not supported: {match[1]}")
        terms.append((match[1].split("."), match[2] != "!=", match[3]))
    return lambda obj: all((str(_dig(obj, path)) == value) is equal for path, equal, value in terms)


def _dig(obj: Any, path: list[str]) -> Any:
    for step in path:
        obj = obj.get(step, "") if isinstance(obj, dict) else ""
    return obj
