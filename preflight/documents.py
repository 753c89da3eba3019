"""The documents of this tool: their apiVersion, the published JSON Schemas, and whether something fits one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from preflight.errors import ConfigError
from preflight.values.names import perhaps

API_VERSION = "harvester-preflight/v1"
MAX_WORDS = 200
"""Characters of a problem; a validator quotes the whole value that does not fit."""

Position: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""
Places: TypeAlias = Mapping[tuple[Any, ...], Position]
"""Where each value of a document stands in its file, by its path."""


def load_schema(name: str) -> dict[str, Any]:
    """Return one of the published schemas. Raises ConfigError for a name that is none."""
    from importlib.resources import files

    resource = files("preflight_schemas") / f"{name}.schema.json"
    if not name.isidentifier() or not resource.is_file():
        raise ConfigError(
            f"there is no schema {name!r}{perhaps(name, schema_names())} (known: {', '.join(schema_names())})"
        )
    loaded: dict[str, Any] = json.loads(resource.read_text(encoding="utf-8"))
    return loaded


def schema_names() -> list[str]:
    """Name the published schemas."""
    from importlib.resources import files

    suffix = ".schema.json"
    entries = files("preflight_schemas").iterdir()
    return sorted(entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix))


def schema_problems(content: Any, places: Places, schema: str) -> list[str]:
    """Check content against one of our schemas; each problem is `LINE:COLUMN: path: what`."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(load_schema(schema), format_checker=FormatChecker())
    problems = []
    for error in sorted(validator.iter_errors(content), key=lambda error: [str(part) for part in error.absolute_path]):
        found = best_match([error]) or error
        line, column = place_of(places, tuple(found.absolute_path))
        problems.append(f"{line}:{column}: {_words(found)}")
    return problems


def worst_problem(content: Any, schema: str) -> str:
    """Check content that a program wrote against one of our schemas: `path: what`, empty when it fits.

    Raises RecursionError for one that nests too deeply.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    found = best_match(Draft202012Validator(load_schema(schema)).iter_errors(content))
    return "" if found is None else _words(found)


def _words(error: Any) -> str:
    """Say where and what is wrong; a key that is not allowed has a sentence of ours where the schema gives one."""
    where = ".".join(str(part) for part in error.absolute_path) or "the document"
    if error.validator == "not" and "$comment" in error.schema:
        return f"{where}: {error.instance!r} {error.schema['$comment']}"
    text = str(error.message)
    return f"{where}: {text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + '…'}"


def place_of(places: Places, path: Sequence[Any]) -> Position:
    """Return where the value at a path stands, or the nearest thing around it that has a place."""
    for length in range(len(path), -1, -1):
        if tuple(path[:length]) in places:
            return places[tuple(path[:length])]
    return 1, 1
