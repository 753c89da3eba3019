"""What a schema cannot say about an advisory: each rule that it breaks is one line with file, place and what to do.

The rule that matters most: a finding whose consequence stops the upgrade is a fail, so that READY never stands above it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any, TypeAlias

from preflight.knowledge.advisories import OWN_NAMES, Advisory, Fault, fields_read
from preflight.knowledge.documents import Document, check_ranges
from preflight.knowledge.expressions import Expression, ExpressionError
from preflight.model import Severity
from preflight.resources import RESOURCES

Problem: TypeAlias = tuple[tuple[Any, ...], str]
_PROMISES = re.compile(r"\bhangs?\b|without (end|limit)|for ever\b")
_SECRETS = ("secrets",)


def checked_advisory(document: Document, origin: str) -> Advisory:
    """Check what the schema leaves open. Raises ConfigError for the first thing wrong."""
    content = document.content
    for path, problem in _problems(document):
        raise document.wrong(path, problem)
    try:
        reads = fields_read(content)
    except ValueError as error:
        raise document.wrong(("findings",), str(error)) from None
    return Advisory(content, reads, origin)


def _problems(document: Document) -> Iterator[Problem]:
    advisory = Advisory(document.content, {}, document.path)
    check_ranges(document, ("from",), advisory.text("from"))
    check_ranges(document, ("to",), advisory.text("to"))
    yield from _variables(advisory)
    for name, resource in advisory.lists.items():
        yield from _resource(advisory, resource, ("lists", name))
    for resource in document.content.get("values") or {}:
        if resource not in advisory.resources:
            yield ("values", resource), f"no condition reads {resource}"
    for fault in advisory.faults:
        place: tuple[Any, ...] = ("findings", fault.place)
        check_ranges(document, (*place, "from"), fault.text("from"))
        check_ranges(document, (*place, "to"), fault.text("to"))
        yield from _resource(advisory, fault.objects, (*place, "objects"))
        yield from (((*place, *path), problem) for path, problem in _fault(advisory, fault))


def _variables(advisory: Advisory) -> Iterator[Problem]:
    for name, expression in advisory.filters.items():
        yield from _expression(expression, [*OWN_NAMES], ("lists", name, "when"), condition=True)
    known = [*advisory.lists]
    for name, expression in advisory.lets.items():
        if name in known:
            yield ("let", name), f"{name} is a variable already: give it another name"
        yield from _expression(expression, known, ("let", name))
        known.append(name)
    for at, skip in enumerate(advisory.skips):
        yield from _expression(skip["when"], known, ("skip", at, "when"), condition=True)


def _resource(advisory: Advisory, name: str, path: tuple[Any, ...]) -> Iterator[Problem]:
    described = advisory.content.get("resources") or {}
    if name not in RESOURCES and name not in described:
        yield path, f"{name} is no resource this tool knows: describe it under resources, as plural.group"
        return
    row = advisory.resource(name)
    if row.how == "ask":
        yield path, f"{name} is a question to the server, and no advisory may ask it"
    if name not in RESOURCES and row.plural in _SECRETS:
        yield path, "the data of Secrets are never read"


def _fault(advisory: Advisory, fault: Fault) -> Iterator[Problem]:
    names = [*advisory.lists, *advisory.lets, *OWN_NAMES]
    for path, expression in fault.expressions():
        yield from _expression(expression, names, path, condition=path == ("when",))
    yield from _severity(fault)
    for at, (run, _, _) in enumerate(fault.commands()):
        try:
            words = shlex.split(run)
        except ValueError as error:
            yield ("commands", at), f"{error}: quote it as for a shell"
        else:
            if not words:
                yield ("commands", at), "it is empty"
    node_only = fault.objects in RESOURCES and RESOURCES[fault.objects].how == "node"
    if node_only and not fault.text("onNode"):
        yield ("onNode",), f"{fault.objects} is shown by nodes only: say what to type on a node that was not asked"


def _severity(fault: Fault) -> Iterator[Problem]:
    if fault.severity is Severity.FAIL:
        return
    consequence = fault.consequence
    if consequence.stops:
        yield (
            ("severity",),
            f"{fault.severity} is too low for effect {consequence.effect} that is {consequence.certainty}: "
            "write fail, or certainty: possible where that is the truth",
        )
    told = f"{fault.text('message')} {fault.text('hint')} {consequence.text}"
    if promise := _PROMISES.search(told):
        yield ("severity",), f"a {fault.severity} may not say {promise[0]!r}: write fail, or what may happen"


def _expression(text: str, names: list[str], path: tuple[Any, ...], *, condition: bool = False) -> Iterator[Problem]:
    try:
        compiled = Expression(text, names)
    except ExpressionError as error:
        yield path, f"{text!r} is no expression: {error}"
    else:
        if condition and not compiled.may_be_condition:
            yield path, f"{text!r} is neither true nor false: compare it with something"
