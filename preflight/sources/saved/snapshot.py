"""Snapshots: what one run read, scrubbed, in one JSON file for another run, machine or day.

Shape: schemas/snapshot.schema.json. Each entry names the fields that were kept, so that a check that asks for more than
the snapshot holds is told so, and does not take the missing field for an empty one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import preflight
from preflight.check import Need
from preflight.documents import API_VERSION, worst_problem
from preflight.errors import NoSource
from preflight.files import replace_file
from preflight.inventory import Collected, Held, Inventory, sorted_objects
from preflight.model import Code, Reason, SourceInfo
from preflight.report import reason_dict
from preflight.resources import Resource
from preflight.serving import AGAIN
from preflight.sources.needs import MergedNeed, merge_needs
from preflight.sources.saved.scrub import HELD_WHOLE_BEFORE, reduced_fields, scrub_object
from preflight.values.secrets import cleaned_value, without_secrets
from preflight.values.times import format_time, parse_time

KIND = "PreflightSnapshot"
_VALUES_BEFORE = (
    "eventTailer.workloadOverrides.containers.image",
    "rancherMonitoring.enabled",
    "kube-state-metrics.metricLabelsAllowlist",
    "controller.admissionWebhooks.enabled",
    "ifcfg-",
)
"""What a snapshot holds that does not say so: one of version 0.9 and before."""


def dump(inventory: Inventory, needs: Sequence[Need]) -> str:
    """Return the text of a snapshot of what was read for `needs`, scrubbed."""
    return "".join(pieces(inventory, needs))


def pieces(inventory: Inventory, needs: Sequence[Need]) -> Iterator[str]:
    """Yield that text piece by piece, one object a line: a large cluster's need not be in memory twice."""
    source = inventory.source
    head = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "tool": {"name": "harvester-preflight", "version": preflight.__version__},
        "source": {
            "type": source.type,
            "name": source.name,
            "clock": source.clock,
            "notes": cleaned_value(list(source.notes)),
        },
        "collectedAt": format_time(source.collected_at),
    }
    yield _json(head)[:-1] + ',\n"entries": {'
    fields: dict[str, set[str]] = {}
    values: dict[str, set[str]] = {}
    resources = {need.resource.name: need.resource for need in needs}
    for need in needs:
        fields.setdefault(need.resource.name, set()).update(need.fields)
        values.setdefault(need.resource.name, set()).update(need.values)
    for number, (name, entry) in enumerate(sorted(inventory.entries.items())):
        resource = resources.get(name)
        about = {
            "fields": sorted(fields.get(name, ())),
            "values": (kept := sorted(values.get(name, ()))),
            "reduced": list(reduced_fields(resource)) if resource else [],
            "missing": without_secrets(str(entry.missing or "")),
            "gaps": [without_secrets(str(gap)) for gap in entry.gaps],
            "why": cleaned_value(reason_dict(entry.missing)) if entry.missing else None,
            "gapReasons": [cleaned_value(reason_dict(gap)) for gap in entry.gaps],
        }
        yield f'{"," if number else ""}\n{_json(name)}: {_json(about)[:-1]}, "objects": ['
        for place, obj in enumerate(entry.objects):
            yield f"{',' if place else ''}\n  {_json(scrub_object(obj, kept))}"
        yield "]}"
    yield "\n}}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write(inventory: Inventory, needs: Sequence[Need], path: Path) -> None:
    """Write a snapshot, readable by its owner only, in one step: a reader never sees half of it.

    Raises OSError when the file cannot be written.
    """
    replace_file(path, pieces(inventory, needs), errors="replace")


def read_snapshot(needs: Sequence[Need], data: bytes, name: str, now: datetime | None) -> Inventory | None:
    """Read a snapshot from its text, None when the document is something else. Raises NoSource when it is broken."""
    document = _load(data, name)
    if not isinstance(document, dict) or document.get("kind") != KIND:
        return None
    _validate(document, name)
    source = document["source"]
    notes = (f"taken from {source['type']} {source['name']}", *source.get("notes", ()))
    return build(document, needs, SourceInfo("snapshot", name, _clock(document, name), notes=notes), now)


def build(document: Mapping[str, Any], needs: Sequence[Need], info: SourceInfo, now: datetime | None) -> Inventory:
    """Make the inventory of a snapshot that is known to be well-formed."""
    words = "the time given with --now" if now else f"the time the {info.type} was taken"
    source = SourceInfo(info.type, info.name, now or info.collected_at, words, info.notes)
    merged = merge_needs(needs)
    return Inventory(source, {key: _entry(need, document["entries"].get(key), info) for key, need in merged.items()})


def _entry(need: MergedNeed, entry: Mapping[str, Any] | None, info: SourceInfo) -> Collected:
    name = need.resource.name
    if entry is None:
        return Collected(missing=Reason(Code.NOT_IN_SOURCE, f"{info.name} was taken without {name}; {AGAIN}"))
    if entry["missing"]:
        return Collected(missing=_reason(entry.get("why"), entry["missing"]))
    objects = sorted_objects(need.project(obj) for obj in entry["objects"])
    texts: list[str] = entry.get("gaps", [])
    values: list[Mapping[str, Any] | None] = entry.get("gapReasons") or [None] * len(texts)
    gaps = tuple(_reason(value, text) for value, text in zip(values, texts, strict=False))
    return Collected(objects, gaps=gaps, held=_held(need.resource, entry))


def _held(resource: Resource, entry: Mapping[str, Any]) -> Held | None:
    """Return what a snapshot says it holds of each object; None for a scenario of ours, which is not scrubbed."""
    if entry.get("fields") is None:
        return None
    before = () if resource.kind in HELD_WHOLE_BEFORE else reduced_fields(resource)
    return Held(tuple(entry["fields"]), tuple(entry.get("values", _VALUES_BEFORE)), tuple(entry.get("reduced", before)))


def _reason(value: Mapping[str, Any] | None, text: str) -> Reason:
    """Return a reason as it was saved; a snapshot of before there were values has only its text."""
    if value is None:
        return Reason(Code.NOT_IN_SOURCE, text)
    node, namespace, cure = (value.get(key) or "" for key in ("node", "namespace", "cure"))
    return Reason(Code(value["code"]), value["text"], node, namespace, cure)


def _clock(document: Mapping[str, Any], name: str) -> datetime:
    moment = parse_time(document["collectedAt"])
    if moment is None:
        raise NoSource(f"{name}: collectedAt is {document['collectedAt']!r}, not an RFC 3339 time")
    return moment


def _load(data: bytes, name: str) -> Any:
    from preflight.sources.text.json_reading import JsonProblem, load_json

    if data.lstrip()[:1] == b"{":
        try:
            return load_json(data.decode())
        except JsonProblem as problem:
            raise problem.located(name) from None
    from preflight.sources.text.yaml_reading import YamlProblem, load_documents

    try:
        documents = list(load_documents(data))
    except YamlProblem as problem:
        raise problem.located(name) from None
    return documents[0] if len(documents) == 1 else None


def _validate(document: Mapping[str, Any], name: str) -> None:
    if document.get("apiVersion") != API_VERSION:
        raise NoSource(
            f"{name} is a snapshot of apiVersion {document.get('apiVersion')!r}; this version reads {API_VERSION}: "
            "update harvester-preflight, or take the snapshot again"
        )
    try:
        problem = worst_problem(document, "snapshot")
    except RecursionError:
        raise NoSource(f"{name} nests too deeply for a snapshot") from None
    if problem:
        raise NoSource(f"{name} is not a valid snapshot: {problem}")
