"""A known issue as plain values: from the content of a file that fits schemas/advisory.schema.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.knowledge.reads import Chain, field_path, reads_of
from preflight.model import Certainty, Consequence, Effect, Enforcer, Phase, Severity
from preflight.resources import RESOURCES, Resource

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
OBJECT, NAME, NAMESPACE = "object", "name", "ns"
OWN_NAMES = (OBJECT, NAME, NAMESPACE)


def placeholders(text: str) -> list[str]:
    """Return the expressions that stand in braces in a message or command. Doubled braces stand for themselves."""
    return [found for found in _PLACEHOLDER.findall(text) if found]


def filled(text: str, word: Callable[[str], str]) -> str:
    """Put in place of each expression what `word` makes of it."""
    return _PLACEHOLDER.sub(lambda found: word(found[1]) if found[1] else found[0][0], text)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing an advisory finds, on objects of one kind."""

    content: Mapping[str, Any]
    place: int
    """Its place in `findings`, for error messages."""

    @property
    def cause(self) -> str:
        """Its stable identifier."""
        return str(self.content["cause"])

    @property
    def objects(self) -> str:
        """The resource whose objects are looked at."""
        return str(self.content["objects"])

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return Severity(self.content["severity"])

    @property
    def consequence(self) -> Consequence:
        """What happens if one goes on."""
        told = self.content["consequence"]
        return Consequence(
            Effect(told["effect"]), Phase(told["phase"]), Certainty(told["certainty"]), str(told["text"])
        )

    @property
    def enforced_by(self) -> tuple[Enforcer, ...]:
        """Who stops for it."""
        return tuple(map(Enforcer, self.content.get("enforcedBy") or ("none",)))

    @property
    def evidence(self) -> Mapping[str, str]:
        """Key → expression."""
        return self.content.get("evidence") or {}

    @property
    def touches(self) -> Mapping[str, str]:
        """Kind of tie → expression."""
        return self.content.get("touches") or {}

    def text(self, key: str) -> str:
        """Return one of its texts, empty when it says nothing."""
        return str(self.content.get(key) or "")

    def expressions(self) -> Iterator[tuple[tuple[Any, ...], str]]:
        """Yield each expression with its path below the finding: the condition, evidence, ties and placeholders."""
        yield ("when",), self.text("when")
        for key in ("evidence", "touches"):
            for name, text in (self.content.get(key) or {}).items():
                yield (key, name), str(text)
        texts: list[tuple[tuple[Any, ...], str]] = [((key,), self.text(key)) for key in ("message", "hint")]
        texts += [(("commands", at), run) for at, (run, _, _) in enumerate(self.commands())]
        for path, text in texts:
            for placed in placeholders(text):
                yield path, placed

    def commands(self) -> Iterator[tuple[str, str, str]]:
        """Yield each command: what to type, where, why."""
        for given in self.content.get("commands") or ():
            if isinstance(given, str):
                yield given, "", ""
            else:
                yield str(given["run"]), str(given.get("on") or ""), str(given.get("why") or "")


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known issue."""

    content: Mapping[str, Any]
    reads: Mapping[str, tuple[str, ...]]
    """Resource → the fields its expressions read; computed once, when it is compiled or given."""
    origin: str
    """The distribution that brought it, or the file."""

    @property
    def id(self) -> str:
        """Its stable identifier, which is that of the check."""
        return str(self.content["id"])

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return what it finds."""
        return tuple(Fault(content, place) for place, content in enumerate(self.content["findings"]))

    @property
    def lists(self) -> Mapping[str, str]:
        """Name of a variable → the resource whose objects it holds."""
        return lists_of(self.content)

    @property
    def filters(self) -> Mapping[str, str]:
        """Name of a list → the condition that an object must meet to be in it; only for those that have one."""
        return filters_of(self.content)

    @property
    def lets(self) -> Mapping[str, str]:
        """Name of a variable → the expression it stands for, computed once."""
        return self.content.get("let") or {}

    @property
    def skips(self) -> tuple[Mapping[str, str], ...]:
        """When it does not apply (`when`), and why (`because`)."""
        return tuple(self.content.get("skip") or ())

    def text(self, key: str) -> str:
        """Return one of its texts, empty when it says nothing."""
        return str(self.content.get(key) or "")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one of its lists of texts."""
        return tuple(self.content.get(key) or ())

    def resource(self, name: str) -> Resource:
        """Return a resource by name: of the table, else one that the advisory describes. Raises KeyError."""
        if name in RESOURCES:
            return RESOURCES[name]
        told = self.content["resources"][name]
        plural, _, group = name.partition(".")
        return Resource(
            name,
            group,
            str(told["version"]),
            plural,
            str(told["kind"]),
            namespaced=told.get("namespaced", True),
            namespaces=tuple(told.get("namespaces") or ()),
        )

    @property
    def resources(self) -> tuple[str, ...]:
        """Name every resource it reads."""
        names = [*(fault.objects for fault in self.faults), *self.lists.values()]
        if any(name in RESOURCES and RESOURCES[name].how == "node" for name in names):
            names.append("nodes")
        return tuple(dict.fromkeys(names))


def lists_of(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the lists of an advisory: the name of the variable → the resource."""
    lists = content.get("lists") or {}
    return {name: told if isinstance(told, str) else str(told["objects"]) for name, told in lists.items()}


def filters_of(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the conditions of the lists that have one."""
    lists = content.get("lists") or {}
    return {name: str(told["when"]) for name, told in lists.items() if not isinstance(told, str)}


def scopes_of(content: Mapping[str, Any]) -> dict[str, Chain]:
    """Return what the names of an advisory stand for: its lists, and what `let` makes of them."""
    scope: dict[str, Chain] = {name: (name, ()) for name in content.get("lists") or {}}
    for name, expression in (content.get("let") or {}).items():
        chain = reads_of(str(expression), scope).chain
        if chain is not None:
            scope[name] = chain
    return scope


def fields_read(content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Compute which fields of which resource the expressions of an advisory read.

    Raises ValueError, naming the expression, for one that reads an object as a whole.
    """
    lists = lists_of(content)
    found: dict[str, set[tuple[str, ...]]] = {resource: set() for resource in lists.values()}
    asked: set[tuple[str, tuple[str, ...]]] = set()
    scope = scopes_of(content)

    def add(expression: str, names: Mapping[str, Chain], resources: Mapping[str, str]) -> None:
        reads = reads_of(expression, names)
        for variable, path in reads.paths:
            if not path and variable == OBJECT:
                raise ValueError(f"{expression!r} reads the object as a whole: name the fields it needs")
            found[resources[variable]].add(path)
        asked.update((resources[variable], path) for variable, path in reads.asked)

    for expression in [*(content.get("let") or {}).values(), *(skip["when"] for skip in content.get("skip") or ())]:
        add(str(expression), scope, lists)
    for name, expression in filters_of(content).items():
        add(expression, {OBJECT: (OBJECT, ())}, {OBJECT: lists[name]})
    for place, told in enumerate(content["findings"]):
        fault = Fault(told, place)
        found.setdefault(fault.objects, set())
        for _, expression in fault.expressions():
            add(expression, {**scope, OBJECT: (OBJECT, ())}, {**lists, OBJECT: fault.objects})
    for resource, path in sorted(asked, key=lambda one: (-len(one[1]), one)):  # what is read below it tells of it, too
        if not any(longer[: len(path)] == path for longer in found[resource]):
            found[resource].add(path)
    return {resource: tuple(sorted({*map(field_path, found[resource])} - {""})) for resource in sorted(found)}
