"""The fields of the report as types, and as the published schema."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from preflight import report_types
from preflight.documents import load_schema

DEFINED: dict[str, Any] = load_schema("report")["$defs"]
REPORT = DEFINED["report"]["properties"]
FINDING = DEFINED["finding"]["properties"]
SCHEMAS: dict[type, dict[str, Any]] = {
    report_types.ReportDocument: DEFINED["report"],
    report_types.ReportListDocument: DEFINED["reportList"],
    report_types.ToolDocument: REPORT["tool"],
    report_types.SourceDocument: DEFINED["source"],
    report_types.UpgradeDocument: REPORT["upgrade"],
    report_types.ScopeDocument: REPORT["scope"],
    report_types.KnowledgeDocument: REPORT["knowledge"],
    report_types.CheckDocument: DEFINED["check"],
    report_types.ReasonDocument: DEFINED["reason"],
    report_types.FindingDocument: DEFINED["finding"],
    report_types.ResourceDocument: FINDING["resource"],
    report_types.ConsequenceDocument: FINDING["consequence"],
    report_types.CommandDocument: FINDING["commands"]["items"],
    report_types.RemediationDocument: FINDING["remediation"],
    report_types.WaivedDocument: FINDING["waived"],
}
JSON = {"string": str, "null": type(None), "integer": int, "number": float, "boolean": bool}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return resolved(DEFINED[name]) if name else schema


def shape_of(schema: dict[str, Any]) -> Any:
    """Return what a schema allows as a set of types; a list as (list, shape), an object as dict or its TypedDict."""
    schema = resolved(schema)
    if "oneOf" in schema:
        return set().union(*(shape_of(one) for one in schema["oneOf"]))
    if "allOf" in schema:
        return shape_of(schema["allOf"][0])
    words = schema.get("type") or "string"  # enum and const: all of ours are words
    return {_shape(word, schema) for word in ([words] if isinstance(words, str) else words)}


def _shape(word: str, schema: dict[str, Any]) -> Any:
    if word == "array":
        return (list, frozenset(shape_of(schema["items"])))
    if word == "object":
        return next((kind for kind, known in SCHEMAS.items() if known is schema), dict)
    return JSON[word]


def typed(hint: Any) -> Any:
    """Return the same of a type hint."""
    if get_origin(hint) is Literal:
        return set(map(type, get_args(hint)))
    if get_origin(hint) is list:
        return {(list, frozenset(typed(get_args(hint)[0])))}
    if get_origin(hint) is dict:
        return {dict}
    return set().union(*map(typed, get_args(hint))) if get_args(hint) else {hint}


def test_every_document_is_compared() -> None:
    ours = {value for value in vars(report_types).values() if is_typeddict(value)}
    assert ours == set(SCHEMAS)


def test_every_object_of_the_schema_has_a_type_or_is_open() -> None:
    """One whose keys the schema does not name is a plain dict."""

    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for one in schema:
                walk(one)
        elif isinstance(schema, dict):
            closed = "properties" in schema and schema is not FINDING["evidence"]
            assert not closed or any(schema is known for known in SCHEMAS.values()), schema
            for one in schema.values():
                walk(one)

    walk(DEFINED)


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.__name__)
def test_a_type_and_its_schema_name_the_same_fields(kind: Any) -> None:
    schema = SCHEMAS[kind]
    hints = get_type_hints(kind, include_extras=False)
    assert set(hints) == set(schema["properties"])
    assert required(kind) == set(schema["required"])


def required(kind: Any) -> set[str]:
    """Name the fields without NotRequired; `__required_keys__` does not see through postponed annotations."""
    marked = get_type_hints(kind, include_extras=True)
    return {name for name, hint in marked.items() if get_origin(hint) is not report_types.NotRequired}


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.__name__)
def test_a_type_and_its_schema_allow_the_same_values(kind: Any) -> None:
    hints = get_type_hints(kind)
    schema = SCHEMAS[kind]["properties"]
    assert {name: typed(hint) for name, hint in hints.items()} == {name: shape_of(schema[name]) for name in hints}
