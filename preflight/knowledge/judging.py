"""From an advisory to a check: the same as one in Python, so it is listed, explained, waived and reported as any other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from preflight.check import Check, Explains, Tie, need
from preflight.errors import Unreadable
from preflight.fields import labels_of, mapping_at, name_of, namespace_of, ref_of
from preflight.inventory import JsonObject, View
from preflight.knowledge.advisories import NAME, NAMESPACE, OBJECT, OWN_NAMES, Advisory, Fault, filled, placeholders
from preflight.model import (
    Code,
    Command,
    Finding,
    NotApplicable,
    Outcome,
    Reason,
    ResourceRef,
    Severity,
    Unknown,
    Where,
)
from preflight.values.versions import lies_in

if TYPE_CHECKING:
    from preflight.knowledge.expressions import Expression

TAG = "advisory"
CATEGORY = "knowledge"
UNFILLED = "?"
"""Stands in a message for what could not be evaluated: the finding itself stays."""
_WORST = {Severity.FAIL: 0, Severity.WARN: 1, Severity.INFO: 2}
_PLACES = {"node": Where.NODE, "tool": Where.TOOL, "cluster": Where.CLUSTER}


def advisory_check(advisory: Advisory) -> Check:
    """Make the check of an advisory that was compiled or checked before."""
    faults = advisory.faults
    source = advisory.text("source")
    links = tuple(link for link in (source, *advisory.texts("links")) if link.startswith("https://"))
    first = faults[0]
    return Check(
        id=advisory.id,
        title=advisory.text("title"),
        category=advisory.text("category") or CATEGORY,
        needs=tuple(
            need(
                advisory.resource(name),
                *advisory.reads.get(name, ()),
                optional=advisory.resource(name).how == "node",
                namespaces=_namespaces(advisory, name),
                values=(*((advisory.content.get("values") or {}).get(name) or ()), *_settings(advisory, name)),
            )
            for name in advisory.resources
        ),
        run=Judge(advisory),
        worst=min((fault.severity for fault in faults), key=lambda severity: _WORST[severity]),
        from_versions=advisory.text("from"),
        to_versions=advisory.text("to"),
        enforced_by=tuple(dict.fromkeys(who for fault in faults for who in fault.enforced_by)),
        docs=links[0] if links else "",
        why=advisory.text("why") or first.consequence.text,
        how=advisory.text("how") or f"Known from: {source}",
        fix=advisory.text("fix") or first.text("hint"),
        links=links[1:],
        causes={fault.cause: fault.text("about") or _about(fault) for fault in faults},
        tags=(TAG, *advisory.texts("tags")),
        aliases=advisory.texts("aliases"),
        origin=advisory.origin,
        explains=tuple(Explains(one["check"], Tie(one["tie"])) for one in advisory.content.get("explains") or ()),
    )


def _about(fault: Fault) -> str:
    return f"{fault.consequence.text.rstrip('.')}. {filled(fault.text('hint'), lambda _: '…').rstrip('.')}."


def _settings(advisory: Advisory, resource: str) -> tuple[str, ...]:
    """Return the Settings of Harvester that are asked for by name: a snapshot keeps the values of no others."""
    if resource != "settings.harvesterhci.io":
        return ()
    return tuple(sorted({fault.text("named") for fault in advisory.faults if fault.objects == resource} - {""}))


def _namespaces(advisory: Advisory, resource: str) -> tuple[str, ...]:
    """Return the namespaces that objects of a resource are looked for in; none where it is looked at in all."""
    if resource in advisory.lists.values():
        return ()
    named = [fault.text("named").rpartition("/")[0] for fault in advisory.faults if fault.objects == resource]
    return tuple(sorted(set(named))) if named and all(named) else ()


class Judge:
    """Runs an advisory on what was read. Expressions are compiled when the first object is looked at."""

    def __init__(self, advisory: Advisory) -> None:
        self.advisory = advisory
        self._compiled: dict[str, Expression] = {}

    def __call__(self, view: View) -> Iterator[Outcome]:
        """Yield what the advisory says about this cluster."""
        values, untold = self._values(view)
        for name, why in untold.items():
            yield _unknown(Code.ERROR, f"{self.advisory.id}: {name} cannot be told: {why}")
        try:
            for skip in self.advisory.skips:
                if self._expression(skip["when"]).holds(values):
                    yield NotApplicable(skip["because"])
                    return
        except Unreadable as error:
            yield _unknown(Code.ERROR, f"it cannot be told whether {self.advisory.id} applies: {error}")
            return
        for fault in self.advisory.faults:
            if not any(_mentions(text, name) for _, text in fault.expressions() for name in untold):
                yield from self._fault(view, fault, values)

    def _values(self, view: View) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the variables, and why one of them has no value: that holds up only what mentions it."""
        values: dict[str, Any] = {}
        untold: dict[str, str] = {}
        makers: list[tuple[str, Callable[[], Any]]] = [
            (name, partial(self._list, view, name, resource)) for name, resource in self.advisory.lists.items()
        ]
        makers += [(name, partial(self._let, text, values)) for name, text in self.advisory.lets.items()]
        for name, make in makers:
            try:
                values[name] = make()
            except Unreadable as error:
                untold[name] = str(error)
        return values, untold

    def _list(self, view: View, name: str, resource: str) -> list[JsonObject]:
        objects = (view.some if resource == "nodes" else view.objects)(resource)
        condition = self.advisory.filters.get(name)
        if condition is None:
            return [evaluable(obj) for obj in objects]
        expression = self._expression(condition)
        return [found for found in map(evaluable, objects) if expression.holds(_named(found))]

    def _let(self, expression: str, values: Mapping[str, Any]) -> Any:
        return self._expression(expression).value(values)

    def _fault(self, view: View, fault: Fault, values: Mapping[str, Any]) -> Iterator[Outcome]:
        applies = [
            lies_in(version, fault.text(word))
            for word, version in (("from", view.upgrade.from_version), ("to", view.upgrade.to_version))
            if fault.text(word)
        ]
        if False in applies:
            return
        if None in applies:
            yield _unknown(Code.ERROR, f"{fault.cause} depends on the versions, which are not known or no releases")
            return
        if self.advisory.resource(fault.objects).how == "node":
            yield from self._on_nodes(view, fault, values)
            return
        for obj in view.objects(fault.objects):
            if _is_named(obj, fault.text("named")):
                try:
                    yield from self._judge(fault, obj, ref_of(obj), values)
                except Unreadable as error:
                    yield _unknown(Code.ERROR, f"{_name(ref_of(obj))}: {fault.cause} cannot be told: {error}")

    def _on_nodes(self, view: View, fault: Fault, values: Mapping[str, Any]) -> Iterator[Outcome]:
        """Judge what only nodes show: a node that did not give it is unknown by name, with what to type there."""
        given = {name_of(obj): obj for obj in view.read(fault.objects)}
        missing = view.missing(fault.objects)
        reasons = (missing,) if missing else view.gaps(fault.objects)
        for node in view.some("nodes"):
            name = name_of(node)
            told = [
                reason.text
                for reason in reasons
                if reason.code not in (Code.NODE_ONLY, Code.NOT_IN_SOURCE) and reason.node in ("", name)
            ]
            try:
                if name not in given:
                    raise Unreadable("; ".join(told))
                yield from self._judge(fault, given[name], ref_of(node), values)
            except Unreadable as error:
                why = f" ({error})" if str(error) else ""
                command = fault.text("onNode")
                text = f"run `{command}` on the node itself{why}" if command else f"only the node shows it{why}"
                yield _unknown(Code.NODE_ONLY, text, node=name)

    def _judge(self, fault: Fault, obj: JsonObject, ref: ResourceRef, values: Mapping[str, Any]) -> Iterator[Finding]:
        mine = {**values, **_named(evaluable(obj))}
        if not self._expression(fault.text("when")).holds(mine):
            return
        yield Finding(
            severity=fault.severity,
            cause=fault.cause,
            message=self._filled(fault.text("message"), mine),
            hint=self._filled(fault.text("hint"), mine),
            resource=ref,
            evidence={key: found for key, found in self._all(fault.evidence, mine) if found is not None},
            touches={
                tie: (found,) for tie, found in self._all(fault.touches, mine) if isinstance(found, str) and found
            },
            enforced_by=fault.enforced_by,
            consequence=fault.consequence,
            commands=tuple(self._commands(fault, mine)),
        )

    def _all(self, expressions: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Evaluate what accompanies a finding; what cannot be is None."""
        for key, expression in expressions.items():
            try:
                yield key, self._expression(expression).value(values)
            except Unreadable:
                yield key, None

    def _filled(self, text: str, values: Mapping[str, Any]) -> str:
        return filled(text, lambda expression: self._word(expression, values) or UNFILLED)

    def _word(self, expression: str, values: Mapping[str, Any]) -> str:
        """Evaluate a placeholder; empty when it cannot be."""
        ((_, found),) = self._all({"": expression}, values)
        if isinstance(found, bool):
            return str(found).lower()
        if isinstance(found, list):
            return ", ".join(str(item) for item in found)
        return "" if found is None else str(found)

    def _commands(self, fault: Fault, values: Mapping[str, Any]) -> Iterator[Command]:
        """Yield each command, split before it is filled in, so that a name is one word. One with a gap is left out."""
        for run, place, why in fault.commands():
            words = []
            for word in shlex.split(run):
                gaps = [self._word(expression, values) for expression in placeholders(word)]
                if not all(gaps):
                    break
                words.append(self._filled(word, values))
            else:
                first = "tool" if words[0] == "harvester-preflight" else "cluster"
                yield Command(tuple(words), _PLACES[place or first], why)

    def _expression(self, source: str) -> Expression:
        if source not in self._compiled:
            from preflight.knowledge.expressions import Expression

            names = (*self.advisory.lists, *self.advisory.lets, *OWN_NAMES)
            self._compiled[source] = Expression(source, names)
        return self._compiled[source]


def evaluable(obj: JsonObject) -> JsonObject:
    """Return the object without fields that are null, which counts as missing (a support bundle writes empty texts so),
    and with maps for labels and annotations: an API server leaves empty ones out.

    Raises Unreadable where they are something else.
    """
    metadata = mapping_at(obj, "metadata")
    maps = {"labels": labels_of(obj), "annotations": mapping_at(obj, "metadata.annotations")}
    return {**_without_nulls(obj), "metadata": {**_without_nulls(metadata), **maps}}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _named(obj: JsonObject) -> dict[str, Any]:
    return {OBJECT: obj, NAME: name_of(obj), NAMESPACE: namespace_of(obj)}


def _mentions(expression: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", expression) is not None


def _is_named(obj: JsonObject, wanted: str) -> bool:
    if not wanted:
        return True
    namespace, _, name = wanted.rpartition("/")
    ref = ref_of(obj)
    return ref.name == name and ref.namespace == namespace


def _name(ref: ResourceRef) -> str:
    return "/".join(part for part in (ref.kind, ref.namespace, ref.name) if part)


def _unknown(code: Code, text: str, node: str = "") -> Unknown:
    return Unknown(Reason(code, text, node))
