"""A file or stream of Kubernetes objects, as `kubectl get ... -o yaml` or `-o json` writes them.

What a file does not hold was perhaps not asked for: an absent kind is never taken for an empty one, unless the file
has a typed and empty List of it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, pairwise

from preflight.check import Need
from preflight.errors import NoSource
from preflight.inventory import Collected, Inventory, sorted_objects
from preflight.model import Code, Reason, SourceInfo
from preflight.resources import How, Resource
from preflight.sources.needs import MergedNeed, merge_needs, never_saved
from preflight.sources.saved.incomplete import NO_OBJECTS, one_namespace_only
from preflight.sources.saved.streams import Gathered
from preflight.sources.text.encoding import newest_time
from preflight.sources.text.json_reading import JsonProblem, json_stream
from preflight.sources.text.yaml_list import MAX_WHOLE_BYTES, ListText, OtherLayout, identity, thin_out
from preflight.sources.text.yaml_reading import YamlProblem, load_documents

_ITEMS = re.compile(rb"(?m)^items:[ \t]*\r?$")
_MARK = re.compile(rb"(?m)^---(?=\s|\Z)")


def read_objects(needs: Sequence[Need], data: bytes, name: str, now: datetime | None) -> Inventory:
    """Read the objects in a text (UTF-8). Raises NoSource when it holds none, or no time and none was given."""
    merged = merge_needs(needs)
    gathered = Gathered(merged)
    first = data[:4096].lstrip()[:1]
    try:
        if first in (b"{", b"["):
            _read_json(data.decode(), gathered)
        else:
            _read_yaml(data, gathered)
    except JsonProblem as problem:
        raise problem.located(name) from None
    except YamlProblem as problem:
        raise problem.located(name) from None
    if not gathered.found:
        hint = "pass the output of `kubectl get ... -o yaml`, a snapshot or a support bundle"
        raise NoSource(f"{name} holds no Kubernetes objects{gathered.first_problem()}: {hint}")
    source = SourceInfo("objects", name, *_clock(data, name, now), notes=tuple(gathered.notes()))
    return Inventory(source, {need.resource.name: _collected(need, gathered, name) for need in merged.values()})


def _clock(data: bytes, name: str, now: datetime | None) -> tuple[datetime, str]:
    if now is not None:
        return now, "the time given with --now"
    newest = newest_time(data)
    if newest is None:
        raise NoSource(f"no object in {name} carries a time to take for now: give the time of the reading with --now")
    return newest, f"the newest time in {name} (--now sets another)"


def _read_json(text: str, gathered: Gathered) -> None:
    for number, (part, value) in enumerate(json_stream(text), 1):
        if part == "item":
            gathered.item(value, f"item {number}")
        elif part == "list":
            gathered.end_list(value, f"the list of {number - 1} items")
        else:
            gathered.document(value, f"value {number}")


def _read_yaml(data: bytes, gathered: Gathered) -> None:
    for first_line, text in _documents(data):
        if not (_ITEMS.search(text) and _read_list_text(text, first_line, gathered)):
            _read_any(text, first_line, gathered)


def _read_any(text: bytes, first_line: int, gathered: Gathered) -> None:
    if len(text) > MAX_WHOLE_BYTES:
        size = MAX_WHOLE_BYTES // 1024**2
        raise YamlProblem(f"a document of more than {size} MiB that is no List as kubectl writes it", first_line)
    try:
        for value in load_documents(text):
            if value is not None:
                gathered.document(value, f"the document at line {first_line + 1}")
    except YamlProblem as problem:
        raise YamlProblem(problem.text, problem.line + first_line) from None


def _read_list_text(text: bytes, first_line: int, gathered: Gathered) -> bool:
    """Read a List as kubectl lays it out. False, and nothing gathered, when it is laid out otherwise or is broken: then
    the parser for everything decides, and names the right line."""
    part = Gathered(gathered.needs)
    try:
        _read_list(text, first_line, part)
    except (OtherLayout, YamlProblem):
        return False
    gathered.add(part)
    return True


def _read_list(text: bytes, first_line: int, gathered: Gathered) -> None:
    lines = ListText(io.BytesIO(text))
    for number, item in lines:
        where = f"the item at line {first_line + number + 1}"
        named = identity(item)
        if named is None:
            values = list(load_documents(b"  " + item[0][2:] + b"".join(item[1:])))
        else:
            tree = {"*": {}} if named[1] in NO_OBJECTS else gathered.tree(*named)
            if tree is None:
                gathered.found += 1
                continue
            values = list(load_documents(thin_out(item, tree)))
        for value in values:
            gathered.item(value, where)
    heads = [head for head in load_documents(lines.head) if isinstance(head, dict)]
    if len(heads) != 1:
        raise OtherLayout("no head")
    gathered.end_list(heads[0], f"the list at line {first_line + 1}")


def _documents(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a stream at its `---` lines; yields the line each document begins at, counted from 0."""
    marks = iter(()) if data.startswith(b"%") or b"\n%" in data else (mark.start() for mark in _MARK.finditer(data))
    line = 0
    for start, end in pairwise(chain((0,), marks, (len(data),))):
        if data[start:end].removeprefix(b"---").strip():
            yield line, data[start:end]
        line += data.count(b"\n", start, end)


def _collected(need: MergedNeed, gathered: Gathered, name: str) -> Collected:
    row = need.resource
    if row.how is How.NODE:
        return Collected(missing=Reason(Code.NODE_ONLY, f"{row.name} is only visible on the node, not in {name}"))
    if row.how is not How.LIST:
        return Collected(
            missing=Reason(Code.NOT_IN_SOURCE, f"{name} cannot hold {never_saved(row)}; check the live cluster for it")
        )
    held = gathered.of(row)
    gaps = tuple(gathered.gaps(row))
    if held is None:
        return Collected(missing=_absent(row, f"{name} holds no {_base(row)}"))
    if row.namespaces and held and not any(_in_namespaces(obj, row) for obj in held):
        places = " or ".join(row.namespaces)
        return Collected(missing=_absent(row, f"{name} holds no {_base(row)} of {places}"))
    conflict = gathered.conflict(row, name)
    if conflict:
        return Collected(missing=conflict)
    narrow = one_namespace_only(row, held, add_command(row))
    if narrow:
        gaps = (*gaps, narrow)
    return Collected(sorted_objects(need.project(obj) for obj in held if row.accepts(obj)), gaps=gaps)


def _in_namespaces(obj: dict[str, object], row: Resource) -> bool:
    metadata = obj.get("metadata")
    return isinstance(metadata, dict) and metadata.get("namespace") in row.namespaces


def _base(row: Resource) -> str:
    return row.name.partition("/")[0]


def _absent(row: Resource, what: str) -> Reason:
    """Say that a file lacks a resource, and how to have it in the next one."""
    if row.kind == "Secret":
        advice = "a file of Secrets should not lie around: check the live cluster, or take a snapshot of it"
        return Reason(Code.NOT_IN_SOURCE, f"{what}; {advice}")
    command = add_command(row)
    return Reason(Code.NOT_IN_SOURCE, f"{what}; add it with: {command}", cure=command)


def add_command(row: Resource) -> str:
    """Return the command whose output, added to the file, brings this resource."""
    scope = ""
    if row.namespaced:
        scope = f" -n {row.namespaces[0]}" if len(row.namespaces) == 1 else " -A"
    return f"kubectl get {_base(row)}{scope} -o yaml --show-managed-fields"
