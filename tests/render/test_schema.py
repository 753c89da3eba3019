"""The JSON report and its published schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from preflight.render import Style, render
from tests.render.reports import REPORTS, blocked

SCHEMA: dict[str, Any] = json.loads((files("preflight_schemas") / "report.schema.json").read_text())


def strict(schema: Any) -> Any:
    """Refuse every field the schema does not name: ours must all be documented, readers must accept more."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: value if key == "evidence" else strict(value) for key, value in schema.items()}
    if "properties" in copy:
        copy.setdefault("additionalProperties", False)
    return copy


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", REPORTS)
def test_the_json_report_has_the_published_shape(name: str) -> None:
    report = json.loads(render("json", REPORTS[name](), Style()))
    assert report == json.loads(json.dumps(REPORTS[name]()))
    Draft202012Validator(strict(SCHEMA)).validate(report)


@pytest.mark.parametrize("field", ["verdict", "checks", "summary", "source"])
def test_a_report_without_a_field_is_refused(field: str) -> None:
    report = blocked()
    del report[field]
    assert not Draft202012Validator(SCHEMA).is_valid(report)


def test_a_reader_accepts_fields_of_the_future() -> None:
    report = blocked() | {"later": 1}
    assert Draft202012Validator(SCHEMA).is_valid(report)
    assert not Draft202012Validator(strict(SCHEMA)).is_valid(report)


def test_fields_keep_their_order() -> None:
    text = render("json", blocked(), Style())
    keys = [key for key in json.loads(text)]
    assert keys[:9] == ["apiVersion", "kind", "tool", "source", "upgrade", "verdict", "exitCode", "failOn", "summary"]
