"""The objects of a stream, sorted by group and kind while they pass; what is no object is remembered, not dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from preflight.documents import API_VERSION
from preflight.inventory import JsonObject
from preflight.model import Code, Reason
from preflight.resources import Resource
from preflight.sources.needs import MergedNeed, merge_trees
from preflight.sources.saved.doubles import LIVE_AS_LONG_AS_THE_CLUSTER, conflicting, newest_of_each
from preflight.sources.saved.incomplete import cut_off, no_objects
from preflight.values.paths import FieldTree, keep_fields

MAX_DEPTH = 100
MAX_NOTES = 5
MAX_PROBLEMS = 1000
"""How many problems are kept one by one; after that one about the whole input stands for all others."""
MAX_NAMELESS = 200_000
"""How many items of one List may leave their kind to the List."""

GroupKind: TypeAlias = tuple[str, str]


@dataclass
class Gathered:
    """What a stream of objects came to so far."""

    needs: Mapping[str, MergedNeed]
    found: int = 0
    """How many Kubernetes objects there were, wanted or not, and typed Lists without any."""
    kinds: dict[GroupKind, list[JsonObject]] = field(default_factory=dict)
    broken: list[tuple[GroupKind | None, str]] = field(default_factory=list)
    """What was no object: the kind it should have been, None when nobody can tell, and where and what it was."""
    lacking: list[tuple[GroupKind | None, Reason]] = field(default_factory=list)
    """What said of itself that it is not the whole: of which kind, None when of any."""
    nameless: list[tuple[Any, str]] = field(default_factory=list)
    """Items without kind of the List being read: its end tells their kind."""

    def __post_init__(self) -> None:
        self.trees: dict[GroupKind, FieldTree] = {}
        for need in self.needs.values():
            row = need.resource
            key = (row.group, row.kind)
            self.trees[key] = merge_trees(self.trees[key], need.tree) if key in self.trees else need.tree

    def tree(self, api_version: str, kind: str) -> FieldTree | None:
        """Return what is to be kept of an object, None when nobody needs it."""
        return self.trees.get((group_of(api_version), kind))

    def document(self, value: Any, where: str, depth: int = 0) -> None:
        """Take a document: an object, a List, or a list of both."""
        if isinstance(value, list) and depth == 0:
            for number, item in enumerate(value, 1):
                self.document(item, f"{where}, item {number}", 1)
        elif isinstance(value, dict) and isinstance(value.get("items"), list) and _is_list(value):
            for number, item in enumerate(value["items"], 1):
                self.item(item, f"{where}, item {number}")
            self.end_list({key: below for key, below in value.items() if key != "items"}, where)
        else:
            self.item(value, where)
            self._settle(None)

    def item(self, value: Any, where: str) -> None:
        """Take one object."""
        if not isinstance(value, dict) or not value.get("kind"):
            if len(self.nameless) < MAX_NAMELESS:
                self.nameless.append((value, where))
            else:
                self._note(None, f"{where}: more than {MAX_NAMELESS} items have no kind of their own")
            return
        kind, api_version = value["kind"], value.get("apiVersion")
        if not isinstance(kind, str) or not isinstance(api_version, str):
            self._note(None, f"{where} has an apiVersion or kind that is no text")
        elif api_version == API_VERSION:
            self._note(None, f"{where} is a {kind} of this tool, not an object of a cluster")
        elif lacking := no_objects(value, where):
            self.found += 1
            if len(self.lacking) < MAX_PROBLEMS:  # each of them is about every kind
                self.lacking.append((None, lacking))
        elif _is_list(value) and isinstance(value.get("items"), list):
            outer, self.nameless = self.nameless, []
            self.document(value, where)
            self.nameless = outer
        else:
            self._take((group_of(api_version), kind), value, where)

    def end_list(self, head: Mapping[str, Any], where: str) -> None:
        """End a List: its kind, as in PodList, is that of the items that name none, or of none at all."""
        kind, api_version = head.get("kind"), head.get("apiVersion")
        if not isinstance(kind, str) or not isinstance(api_version, str) or not kind.endswith("List"):
            self._note(None, f"{where} has items but no apiVersion and kind of a List")
            self._settle(None)
            return
        key = (group_of(api_version), kind.removesuffix("List"))
        page = cut_off(head, where)
        if page:
            self.lacking.append((None if kind == "List" else key, page))
        self.found += 1
        if kind == "List":
            self._settle(None)
            return
        if key in self.trees:
            self.kinds.setdefault(key, [])
        self._settle((api_version, key[1]))

    def _settle(self, typed: tuple[str, str] | None) -> None:
        waiting, self.nameless = self.nameless, []
        for value, where in waiting:
            if not isinstance(value, dict):
                key = (group_of(typed[0]), typed[1]) if typed else None
                self._note(key, f"{where} is {_shown(value)}, not an object")
            elif typed is None:
                self._note(None, f"{where} has no kind")
            else:
                whole = {**value, "apiVersion": typed[0], "kind": typed[1]}
                self._take((group_of(typed[0]), typed[1]), whole, where)

    def _take(self, key: GroupKind, value: JsonObject, where: str) -> None:
        self.found += 1
        tree = self.trees.get(key)
        if tree is None:
            return
        kept = keep_fields(value, tree)
        if too_deep(kept):
            self._note(key, f"{where} nests deeper than {MAX_DEPTH} levels")
        elif not isinstance(kept.get("metadata"), dict):
            self._note(key, f"{where}, a {key[1]}, has no metadata")
        else:
            self.kinds.setdefault(key, []).append(kept)

    def _note(self, key: GroupKind | None, problem: str) -> None:
        """Remember what was no object. Whatever comes after too many is of no kind that anybody could tell."""
        if len(self.broken) < MAX_PROBLEMS:
            self.broken.append((key, problem))
        elif len(self.broken) == MAX_PROBLEMS:
            self.broken.append((None, f"more than {MAX_PROBLEMS} things in it are no objects"))

    def add(self, other: Gathered) -> None:
        """Take over what another one gathered."""
        self.found += other.found
        for key, problem in other.broken:
            self._note(key, problem)
        self.lacking += other.lacking
        for key, objects in other.kinds.items():
            self.kinds.setdefault(key, []).extend(objects)

    def of(self, row: Resource) -> list[JsonObject] | None:
        """Return the objects of a kind, each once; None when the stream had neither object nor empty List of it."""
        objects = self.kinds.get((row.group, row.kind))
        return None if objects is None else newest_of_each(objects)[0]

    def conflict(self, row: Resource, name: str) -> Reason | None:
        """Say that two objects of this kind claim one name, or that two clusters stand in the input."""
        for key in (LIVE_AS_LONG_AS_THE_CLUSTER, (row.group, row.kind)):
            conflict = newest_of_each(self.kinds.get(key, []))[1]
            if conflict:
                return conflicting(key[1], conflict, name)
        return None

    def gaps(self, row: Resource) -> Iterator[Reason]:
        """Say what could not be told apart from an object of this kind."""
        for key, problem in self.broken:
            if key is None or key == (row.group, row.kind):
                yield Reason(Code.UNPARSABLE, problem)
        for key, lacking in self.lacking:
            if key is None or key == (row.group, row.kind):
                yield lacking

    def notes(self) -> Iterator[str]:
        """Say what the reader of the report should know about the stream."""
        for _, problem in self.broken[:MAX_NOTES]:
            yield problem
        if len(self.broken) > MAX_NOTES:
            yield f"and {len(self.broken) - MAX_NOTES} more of that sort"
        for _, lacking in self.lacking[:MAX_NOTES]:
            yield lacking.text
        twice = sum(len(objects) - len(newest_of_each(objects)[0]) for objects in self.kinds.values())
        if twice:
            yield f"{twice} objects stand in it more than once: the newest of each was used"

    def first_problem(self) -> str:
        """Return the first thing that was no object, for an error message."""
        return f" ({self.broken[0][1]})" if self.broken else ""


def group_of(api_version: str) -> str:
    """Return the API group, empty for the core group."""
    return api_version.rpartition("/")[0]


def _is_list(value: JsonObject) -> bool:
    return (isinstance(value.get("kind"), str) and value["kind"].endswith("List")) or "kind" not in value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def too_deep(value: Any) -> bool:
    """Say whether maps and lists nest deeper than MAX_DEPTH."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            below
            for item in level
            for below in (item.values() if type(item) is dict else item)
            if type(below) is dict or type(below) is list
        ]
        if not level:
            return False
    return True
