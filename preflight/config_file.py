"""The configuration file: read, checked against schemas/config.schema.json, errors with the line they are in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.errors import ConfigError

DEFAULT_NAME = ".harvester-preflight.yaml"
MAX_BYTES = 1 << 20
"""A configuration is written by hand; one that is larger than 1 MiB is something else."""
MAX_ALIASES = 100

Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration file; empty when there is none."""

    path: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Flag name without dashes → value, for every command that has that flag."""
    thresholds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Check id → option → value; the registry checks names and types."""
    waivers: tuple[Mapping[str, Any], ...] = ()
    attestations: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[tuple[Any, ...], Position] = field(default_factory=dict, compare=False)

    def where(self, *path: Any) -> str:
        """Name a value for an error message: file, line, column and its path."""
        line, column = _place(self.places, path)
        return f"{self.path}:{line}:{column}: {'.'.join(str(part) for part in path)}"


def find_config(given: str | None) -> Config:
    """Load the file named by --config, or the default one when it is there.

    Raises ConfigError when the named file is missing, or any file is wrong.
    """
    if given:
        return load_config(Path(given))
    default = Path(DEFAULT_NAME)
    return load_config(default) if default.is_file() else Config()


def load_config(path: Path) -> Config:
    """Read and check one file. Raises ConfigError with file, line and column."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than 1 MiB, so this is no configuration file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start})") from None
    content, places = parse_with_positions(text, str(path))
    if content is None:
        return Config(path=str(path))
    problems = schema_problems(content, places, "config")
    if problems:
        raise ConfigError(f"{path}:{problems[0]}", detail="\n".join(f"{path}:{line}" for line in problems[1:]))
    return Config(
        path=str(path),
        defaults=content.get("defaults") or {},
        thresholds=content.get("thresholds") or {},
        waivers=tuple(content.get("waivers") or ()),
        attestations=tuple(content.get("attestations") or ()),
        places=places,
    )


def schema_problems(content: Any, places: Mapping[tuple[Any, ...], Position], schema: str) -> list[str]:
    """Check content against one of our schemas; each problem is `LINE:COLUMN: path: what`."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(load_schema(schema), format_checker=FormatChecker())
    problems = []
    for error in sorted(validator.iter_errors(content), key=lambda error: [str(part) for part in error.absolute_path]):
        found = best_match([error]) or error
        path = tuple(found.absolute_path)
        line, column = _place(places, path)
        where = ".".join(str(part) for part in path) or "the document"
        problems.append(f"{line}:{column}: {where}: {_words(found)}")
    return problems


def _words(error: Any) -> str:
    """Say what is wrong; a key that is not allowed has a sentence of ours where the schema gives one."""
    if error.validator == "not" and "$comment" in error.schema:
        return f"{error.instance!r} {error.schema['$comment']}"
    return str(error.message)[:300]


def _place(places: Mapping[tuple[Any, ...], Position], path: Sequence[Any]) -> Position:
    for length in range(len(path), -1, -1):
        if tuple(path[:length]) in places:
            return places[tuple(path[:length])]
    return 1, 1


def load_schema(name: str) -> dict[str, Any]:
    """Return one of the published schemas. Raises ConfigError for a name that is none."""
    from importlib.resources import files

    resource = files("preflight_schemas") / f"{name}.schema.json"
    if not name.isidentifier() or not resource.is_file():
        raise ConfigError(f"there is no schema {name!r} (known: {', '.join(schema_names())})")
    loaded: dict[str, Any] = json.loads(resource.read_text(encoding="utf-8"))
    return loaded


def schema_names() -> list[str]:
    """Name the published schemas."""
    from importlib.resources import files

    suffix = ".schema.json"
    entries = files("preflight_schemas").iterdir()
    return sorted(entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix))


def parse_with_positions(text: str, name: str) -> tuple[Any, dict[tuple[Any, ...], Position]]:
    """Parse YAML (so JSON too) and remember where each value stands. Raises ConfigError with line and column."""
    import yaml

    loader = _loader()(text)
    places: dict[tuple[Any, ...], Position] = {}
    try:
        if text.count("*") > MAX_ALIASES and sum(isinstance(t, yaml.AliasToken) for t in yaml.scan(text)) > MAX_ALIASES:
            raise ConfigError(f"{name}: more than {MAX_ALIASES} aliases")
        node = loader.get_single_node()
        if node is None:
            return None, places
        _walk(node, (), places, name)
        return loader.construct_document(node), places
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{name}{where}: not YAML: {problem}") from None
    except (RecursionError, ValueError, TypeError) as error:
        raise ConfigError(f"{name}: not usable YAML: {error}") from None
    finally:
        loader.dispose()


def _loader() -> Any:
    """Return the quick safe loader, which leaves `2026-11-23` the text that was written."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    plain = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    return type("ConfigLoader", (base,), {"yaml_implicit_resolvers": plain})


def _walk(node: Any, path: tuple[Any, ...], places: dict[tuple[Any, ...], Position], name: str) -> None:
    places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if node.id == "sequence":
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), places, name)
    elif node.id == "mapping":
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                mark = key.start_mark
                raise ConfigError(f"{name}:{mark.line + 1}:{mark.column + 1}: the key {key.value!r} stands here twice")
            seen.add(key.value)
            _walk(value, (*path, key.value), places, name)
