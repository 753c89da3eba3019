"""What a check is: a declaration and a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from preflight.inventory import View
from preflight.model import Consequence, Enforcer, Outcome, Severity
from preflight.resources import RESOURCES, Resource

OURS = "harvester-preflight"
"""The distribution that brings the built-in checks."""


@dataclass(frozen=True, slots=True)
class Need:
    """One resource a check reads, and the fields of it."""

    resource: Resource
    fields: tuple[str, ...]
    """Field paths (preflight.values.paths); besides these every object keeps its identity, labels and owners."""
    optional: bool = False
    """An optional need that was not read does not by itself make the check unknown: the check decides."""
    unserved_is_empty: bool = False
    """For kinds of an optional add-on: when the API group is not served at all, there can be no such objects."""
    namespaces: tuple[str, ...] = ()
    """The check looks only at these: that other namespaces were not read does not matter to it. Empty: at all."""
    values: tuple[str, ...] = ()
    """What is kept when a snapshot is taken of a text that holds more than a check reads: paths in the Helm values that
    stand in one of the fields (a `*` that ends a path keeps the names of a map and nothing below them), words of the
    lines of a CloudInit, beginnings of the words of a command line, names of the Settings of Harvester."""


def need(
    resource: str | Resource,
    *fields: str,
    optional: bool = False,
    unserved_is_empty: bool = False,
    namespaces: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
) -> Need:
    """Declare a need by its name in preflight.resources, or by a Resource of your own.

    Raises KeyError for a name that is not in the table.
    """
    row = RESOURCES[resource] if isinstance(resource, str) else resource
    return Need(row, fields, optional, unserved_is_empty, namespaces, values)


class Tie(StrEnum):
    """What two findings share when the one is the root of the other."""

    NODE = "node"
    POD = "pod"
    PVC = "pvc"
    CHART = "chart"
    VOLUME = "volume"
    VM = "vm"
    OBJECT = "object"
    """The same object."""
    CLUSTER = "cluster"
    """Nothing: a fault of the whole cluster."""


@dataclass(frozen=True, slots=True)
class Explains:
    """A check's word that its findings can be the root of another check's."""

    check: str
    """The id of the other check; in `explained_by`, that of the root."""
    tie: Tie
    folds: bool = False
    """Whether the other's finding is the same fault of the same object, and so is shown under the root only."""
    causes: tuple[str, ...] = ()
    """Only the root's findings of these causes; empty: all."""
    symptoms: tuple[str, ...] = ()
    """Only the other's findings of these causes; empty: all."""


@dataclass(frozen=True, slots=True)
class Option:
    """A threshold of a check that the configuration file may set."""

    default: Any
    """int, float, bool, text or a list of texts; the server's own value where the server has one."""
    description: str
    """What it limits, with its unit."""
    minimum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check."""

    id: str
    title: str
    """The healthy condition, so that one line reads right with a tick or a cross."""
    category: str
    needs: tuple[Need, ...]
    run: Callable[[View], Iterable[Outcome]]
    worst: Severity
    from_versions: str
    """Range of running versions it applies to (preflight.values.versions)."""
    to_versions: str
    """Range of target versions it applies to."""
    enforced_by: tuple[Enforcer, ...]
    """Everybody who may stop the upgrade for it, on some version; each finding says who does on this one."""
    docs: str
    why: str
    """Why it blocks or hurts an upgrade."""
    how: str
    """How the state comes about."""
    fix: str
    """How to repair it by hand."""
    links: tuple[str, ...] = ()
    causes: Mapping[str, str] = field(default_factory=dict)
    """Cause identifier → what it means and what to do, for `explain`."""
    options: Mapping[str, Option] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other ids of the same gate, listed and selectable."""
    waived_by: str = ""
    """The server's own annotation that would waive the same thing; named, never set."""
    explains: tuple[Explains, ...] = ()
    """Whose findings can follow from this check's."""
    explained_by: tuple[Explains, ...] = ()
    """From whose findings this check's can follow: for a check that comes last and knows its reasons better than they it."""
    consequence: Consequence | None = None
    """What happens if one goes on, for findings that do not say it themselves."""
    origin: str = OURS
    """The distribution that brought it; filled in by the registry."""
    broken: str = ""
    """Why it could not be loaded; filled in by the registry for a plugin that failed."""

    @property
    def foreign(self) -> bool:
        """Say whether somebody else wrote it: then it is given copies, and what it prints is not the report."""
        return self.origin != OURS


def check(
    *,
    title: str,
    id: str = "",
    category: str = "",
    needs: tuple[Need, ...],
    docs: str,
    why: str,
    how: str,
    fix: str,
    worst: Severity = Severity.FAIL,
    from_versions: str = "",
    to_versions: str = "",
    enforced_by: tuple[Enforcer, ...] = (Enforcer.NONE,),
    links: tuple[str, ...] = (),
    causes: Mapping[str, str] | None = None,
    options: Mapping[str, Option] | None = None,
    tags: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    waived_by: str = "",
    explains: tuple[Explains, ...] = (),
    explained_by: tuple[Explains, ...] = (),
    consequence: Consequence | None = None,
) -> Callable[[Callable[[View], Iterable[Outcome]]], Check]:
    """Declare a check; the decorated function becomes the Check that the entry point names.

    Without `id` and `category` they follow from the file and its folder: checks/nodes/node_ready.py is node-ready.
    """

    def declare(function: Callable[[View], Iterable[Outcome]]) -> Check:
        folder, _, name = function.__module__.rpartition(".")
        return Check(
            id=id or name.replace("_", "-"),
            title=title,
            category=category or folder.rpartition(".")[2],
            needs=needs,
            run=function,
            worst=worst,
            from_versions=from_versions,
            to_versions=to_versions,
            enforced_by=enforced_by,
            docs=docs,
            why=why,
            how=how,
            fix=fix,
            links=links,
            causes=causes or {},
            options=options or {},
            tags=tags,
            aliases=aliases,
            waived_by=waived_by,
            explains=explains,
            explained_by=explained_by,
            consequence=consequence,
        )

    return declare
