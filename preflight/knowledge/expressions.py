"""Conditions in CEL, the expression language of Kubernetes: compiled, and evaluated strictly.

Strict means: what cannot be evaluated (a field that is missing, a number compared with a text) raises Unreadable, so that
the object is unknown; it is never taken for false. Authors guard a field that may be missing with `has(object.a.b)`.

Besides the language itself: `quantity("4Gi")` is a number, `parse_json(text)` and `parse_yaml(text)` what stands in a
text, `version_in("v1.8.2", ">=1.8.0 <1.9.0")` whether a version lies in a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from preflight.errors import Unreadable
from preflight.sources.text.json_reading import JsonProblem, load_json
from preflight.values.foreign_text import one_line
from preflight.values.quantity import parse_quantity
from preflight.values.versions import parse_version

MAX_LENGTH = 2000
"""Characters of an expression; longer ones say that the rule belongs into a program."""


class ExpressionError(Exception):
    """An expression that is none, or that names what is not there."""


class Expression:
    """A compiled expression."""

    def __init__(self, source: str, variables: Iterable[str]) -> None:
        """Raise ExpressionError when it does not compile."""
        if len(source) > MAX_LENGTH:
            raise ExpressionError(f"longer than {MAX_LENGTH} characters")
        self.source = source
        try:
            self._compiled = _environment(tuple(sorted(set(variables)))).compile(source)
        except RuntimeError as error:
            raise ExpressionError(_first_line(error)) from None

    @property
    def may_be_condition(self) -> bool:
        """Say whether its type is true or false, or is only known when it is evaluated."""
        return self._compiled.return_type().name() in ("BOOL", "DYN")

    def value(self, values: Mapping[str, Any]) -> Any:
        """Evaluate it to a plain value. Raises Unreadable when that is not possible."""
        try:
            result = self._compiled.eval(data=values)
            plain = result.value() if result.type().name() == "ERROR" else result.plain_value()
        except (RuntimeError, ValueError, TypeError) as error:
            raise Unreadable(_first_line(error)) from None
        if result.type().name() == "ERROR":
            raise Unreadable(_first_line(plain))
        return plain

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Evaluate a condition. Raises Unreadable when that is not possible, and for what is neither true nor false."""
        found = self.value(values)
        if not isinstance(found, bool):
            raise Unreadable(f"it gives {type(found).__name__}, not true or false")
        return found


def _first_line(error: object) -> str:
    return one_line(error, 200)


@lru_cache(maxsize=64)
def _environment(variables: tuple[str, ...]) -> Any:
    from cel_expr_python import cel

    kind = cel.Type

    def function(name: str, result: Any, parameters: int, implementation: Any) -> Any:
        overload = cel.Overload(
            f"{name}_text", return_type=result, parameters=[kind.STRING] * parameters, impl=implementation
        )
        return cel.FunctionDecl(name, [overload])

    functions = [
        function("quantity", kind.DOUBLE, 1, _quantity),
        function("parse_json", kind.DYN, 1, _parse_json),
        function("parse_yaml", kind.DYN, 1, _parse_yaml),
        function("version_in", kind.BOOL, 2, _version_in),
    ]
    return cel.NewEnv(variables=dict.fromkeys(variables, kind.DYN), functions=functions)


def _quantity(text: str) -> float:
    found = parse_quantity(text)
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    return float(found)


def _parse_json(text: str) -> Any:
    try:
        return load_json(text)
    except JsonProblem as problem:
        raise ValueError(f"not JSON: {problem.text}") from None


def _parse_yaml(text: str) -> Any:
    from preflight.sources.text.yaml_reading import YamlProblem, load_document

    try:
        return load_document(text.encode("utf-8", "replace"))
    except YamlProblem as problem:
        raise ValueError(f"not YAML: {problem.text}") from None


def _version_in(text: str, ranges: str) -> bool:
    found = parse_version(text).within(ranges)
    if found is None:
        raise ValueError(f"{text!r} is no release")
    return found
