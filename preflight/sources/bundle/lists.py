"""The Lists of a support bundle: which file holds which resource, and its objects one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preflight.inventory import JsonObject
from preflight.model import Code, Reason
from preflight.resources import Resource
from preflight.sources.bundle.encoding import restore
from preflight.sources.bundle.layout import FileProblem, Layout
from preflight.sources.bundle.log import Place
from preflight.sources.needs import MergedNeed
from preflight.sources.saved.incomplete import cut_off
from preflight.sources.text.yaml_list import MAX_WHOLE_BYTES, ListText, OtherLayout, thin_out
from preflight.sources.text.yaml_reading import YamlProblem, load_documents

MAX_BROKEN = 1000
"""After so many items of one file that are no objects, the rest is not looked at."""
_PATH = re.compile(
    r"yamls/(?:cluster|namespaced/(?P<namespace>[^/]+))/(?:(?P<group>[^/]+)/)?(?P<version>v[^/]*)/(?P<plural>[^/]+)\.yaml"
)


def index(layout: Layout) -> dict[Place, dict[str, str]]:
    """Return for each resource and namespace the files that hold it, by version."""
    found: dict[Place, dict[str, str]] = {}
    for path in layout.files:
        match = _PATH.fullmatch(path)
        if match:
            found.setdefault(_place(match), {})[match["version"]] = path
    return found


def place_of(path: str) -> Place | None:
    """Return what a file holds, None when it is no List of objects."""
    match = _PATH.fullmatch(path)
    return _place(match) if match else None


def _place(match: re.Match[str]) -> Place:
    return match["namespace"] or "", match["group"] or "", match["plural"]


def best(versions: dict[str, str], row: Resource) -> str:
    """Return the path of the version to read. The kit writes one; a bundle put together by hand may have more."""
    return versions.get(row.version) or versions[max(versions)]


@dataclass
class ListFile:
    """Iterates over the objects of one file; afterwards `problems` says what of it could not be read."""

    layout: Layout
    path: str
    need: MergedNeed

    def __post_init__(self) -> None:
        self.problems: list[Reason] = []
        self.broken = 0

    def __iter__(self) -> Iterator[JsonObject]:
        """Yield each object with the fields that are needed, as the API server sent it."""
        try:
            yield from self._items()
        except FileProblem as problem:
            self.problems.append(Reason(Code.ERROR, str(problem)))

    def _items(self) -> Iterator[JsonObject]:
        yielded = 0
        try:
            lines = ListText(self.layout.lines(self.path))
            for number, item in lines:
                yielded += 1
                yield from self._objects(self._parse(number, item), f"line {number + 1}")
        except OtherLayout:
            yield from self._whole(yielded)
        else:
            self._judge_head(lines.head)

    def _judge_head(self, text: bytes) -> None:
        """Note a List that says there was more of it."""
        try:
            heads = list(load_documents(text))
        except YamlProblem as problem:
            self._note(f"the text around the items: {problem.text}")
            return
        for head in heads:
            page = cut_off(restore(head), self.path) if isinstance(head, dict) else None
            if page:
                self.problems.append(page)

    def _parse(self, number: int, item: list[bytes]) -> list[Any]:
        whole = b"  " + item[0][2:] + b"".join(item[1:])
        try:
            return list(load_documents(thin_out(item, self.need.tree)))
        except (OtherLayout, YamlProblem):
            pass
        try:
            return list(load_documents(whole))
        except YamlProblem as problem:
            self._note(f"line {number + problem.line + 1}: {problem.text}")
            return []

    def _whole(self, skip: int) -> Iterator[JsonObject]:
        """Read a file that is laid out in another way, or is cut off; the first objects were yielded already."""
        try:
            documents = list(load_documents(self.layout.text(self.path, MAX_WHOLE_BYTES)))
        except YamlProblem as problem:
            self._note(f"line {problem.line + 1}: {problem.text}")
            return
        if len(documents) != 1 or not isinstance(documents[0], dict) or not isinstance(documents[0].get("items"), list):
            self._note("not a List, or cut off")
            return
        if "kind" not in documents[0]:
            self._note("the end is missing")
        page = cut_off(restore({key: item for key, item in documents[0].items() if key != "items"}), self.path)
        if page:
            self.problems.append(page)
        yield from self._objects(documents[0]["items"][skip:], "an item")

    def _objects(self, values: list[Any], where: str) -> Iterator[JsonObject]:
        for value in values:
            if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
                self._note(f"{where}: not an object with metadata")
                continue
            kept: JsonObject = restore(self.need.project(value))
            if not isinstance(kept.get("kind"), str):
                kept |= {"apiVersion": self.need.resource.api_version, "kind": self.need.resource.kind}
            yield kept

    def _note(self, problem: str) -> None:
        self.broken += 1
        if self.broken > MAX_BROKEN:
            raise FileProblem(
                f"{self.path} has more than {MAX_BROKEN} items that are no objects; the rest was not read"
            )
        if len(self.problems) < 5:
            self.problems.append(Reason(Code.UNPARSABLE, f"{self.path}: {problem}"))
