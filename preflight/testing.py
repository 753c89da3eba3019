"""Run one check over objects written down in a test, as a run of the tool would: for the authors of checks.

    from preflight.testing import run_check

    def test_a_marked_node_is_found():
        node = {"metadata": {"name": "n1", "labels": {"storage.example/maintenance": "true"}}}
        result = run_check(storage_team_maintenance, {"nodes": [node]})
        assert [finding.cause for finding in result.findings] == ["in-maintenance"]

The check sees of each object what it declared in its needs. A field that it did not declare is not read as absent, which
a check may take for healthy: it raises `Undeclared`, with the field's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, NoReturn

from preflight.check import Check
from preflight.inventory import Collected, Inventory, JsonObject, sorted_objects
from preflight.knowledge.judging import Judge
from preflight.knowledge.packaged import shipped
from preflight.model import CheckResult, Code, Reason, SourceInfo, UpgradePair, Via
from preflight.registry import check_options, find_plugins, packages_of
from preflight.releases import Knowledge
from preflight.runner import run_checks
from preflight.values.paths import FieldTree, field_tree, keep_fields, stands_for
from preflight.values.versions import parse_version

NOW = datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)
"""The decision clock of a test that gives none."""


class Undeclared(AssertionError):
    """A check reads what it does not declare in its needs."""


def run_check(
    check: Check,
    cluster: Mapping[str, Iterable[JsonObject]],
    *,
    from_version: str = "",
    to_version: str = "",
    via: Via = Via.UPGRADE,
    version_expected: bool = False,
    options: Mapping[str, Any] | None = None,
    not_collected: Mapping[str, Reason | str] | None = None,
    gaps: Mapping[str, Sequence[Reason | str]] | None = None,
    now: datetime = NOW,
    source: str = "live",
) -> CheckResult:
    """Run a check over the objects of each need by its name; a need that is not named was read and is empty.

    `not_collected` and `gaps` say why a need, or a part of it, was not read: a Reason, or `code: text`. Raises
    Undeclared when the check reads a field, or the case speaks of a resource, that is not among its needs.
    """
    inventory = inventory_of(check, cluster, not_collected=not_collected, gaps=gaps, now=now, source=source)
    reads: list[str] = []
    entries = inventory.entries
    if not isinstance(check.run, Judge):  # the needs of an advisory are read off its own expressions, which are strict
        entries = {name: _watched(entry, name, check, reads) for name, entry in entries.items()}
    running, target = (parse_version(text) if text else None for text in (from_version, to_version))
    pair = UpgradePair(running, target, via, version_expected)
    (result,) = run_checks(
        [check],
        replace(inventory, entries=entries),
        pair,
        left_out={},
        options=check_options([check], {check.id: options or {}}),
        knowledge=_knowledge(),
    )
    if reads:
        raise Undeclared(f"{check.id} {reads[0]}")
    return result


def inventory_of(
    check: Check,
    cluster: Mapping[str, Iterable[JsonObject]],
    *,
    not_collected: Mapping[str, Reason | str] | None = None,
    gaps: Mapping[str, Sequence[Reason | str]] | None = None,
    now: datetime = NOW,
    source: str = "live",
) -> Inventory:
    """Return what a run would have read for the check: its needs, each object cut to its fields."""
    not_collected, gaps = not_collected or {}, gaps or {}
    needs = {need.resource.name: need.resource for need in check.needs}
    stray = sorted({*cluster, *not_collected, *gaps} - needs.keys())
    if stray:
        raise Undeclared(f"the case speaks of {', '.join(stray)}, which {check.id} does not declare in its needs")
    entries = {}
    for name, resource in needs.items():
        identity = {"apiVersion": resource.api_version, "kind": resource.kind}
        objects = [keep_fields({**identity, **obj}, _tree(check, name)) for obj in cluster.get(name) or ()]
        missing = _reason(not_collected[name]) if name in not_collected else None
        kept = () if missing else sorted_objects(objects)
        entries[name] = Collected(kept, missing, tuple(_reason(gap) for gap in gaps.get(name, ())))
    return Inventory(SourceInfo(source, "test", now), entries)


def _reason(told: Reason | str) -> Reason:
    if isinstance(told, Reason):
        return told
    code, _, text = told.partition(": ")
    return Reason(Code(code), text)


def _tree(check: Check, resource: str) -> FieldTree:
    return field_tree(path for need in check.needs if need.resource.name == resource for path in need.fields)


@cache
def _knowledge() -> Knowledge:
    return shipped(packages_of(find_plugins(only_ours=True)))


def _watched(entry: Collected, resource: str, check: Check, reads: list[str]) -> Collected:
    tree = _tree(check, resource)
    return replace(entry, objects=tuple(_watch(obj, tree, resource, reads) for obj in entry.objects))


def _watch(value: Any, tree: FieldTree, path: str, reads: list[str]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_watch(item, tree, path, reads) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" not in tree:
        return _Watched(value, tree, path, reads)
    return {key: _watch(item, _below(tree, key), f"{path}.{key}", reads) for key, item in value.items()}


def _below(tree: FieldTree, key: str) -> FieldTree:
    trees = [below for segment, below in tree.items() if stands_for(segment, key)]
    return {name: below for found in trees for name, below in found.items()} if all(trees) else {}


class _Watched(dict[str, Any]):
    """A map of which only some keys were declared: to read another one, or all of them, is an error."""

    def __init__(self, value: Mapping[str, Any], tree: FieldTree, path: str, reads: list[str]) -> None:
        super().__init__({key: _watch(item, _below(tree, key), f"{path}.{key}", reads) for key, item in value.items()})
        self._tree, self._path, self._reads = tree, path, reads

    def _undeclared(self, key: object) -> NoReturn:
        told = f"reads {self._path}.{key} without declaring it"
        self._reads.append(told)
        raise Undeclared(told)

    def _declared(self, key: object) -> None:
        if not any(stands_for(segment, str(key)) for segment in self._tree):
            self._undeclared(key)

    def _all(self) -> None:
        """Let a check look through keys of which it declared a beginning."""
        if not any(segment.endswith("*") for segment in self._tree):
            self._undeclared("*")

    def __getitem__(self, key: str) -> Any:
        self._declared(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._declared(key)
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a declared field."""
        self._declared(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()

    def __len__(self) -> int:
        self._all()
        return super().__len__()

    def __bool__(self) -> bool:
        """Say whether it is there and not empty: how a check asks whether it found something."""
        return super().__len__() > 0

    def keys(self) -> Any:
        """Refuse unless a beginning was declared: others than the declared ones may be there."""
        self._all()
        return super().keys()

    def values(self) -> Any:
        """Refuse as keys does."""
        self._all()
        return super().values()

    def items(self) -> Any:
        """Refuse as keys does."""
        self._all()
        return super().items()
