"""Read one file of knowledge: bounded, strict, and every problem in one line with file, place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.documents import Places, place_of, schema_problems
from preflight.errors import ConfigError
from preflight.sources.text.yaml_reading import YamlProblem, load_positioned
from preflight.values.versions import check_range

MAX_BYTES = 1 << 20
"""Release notes are small: what is larger than 1 MiB is something else."""
KINDS = {"Releases": "releases", "Advisory": "advisory"}
"""Kind of document → its schema."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file that fits its schema."""

    path: str
    content: dict[str, Any]
    places: Places

    @property
    def kind(self) -> str:
        """Releases or Advisory."""
        return str(self.content["kind"])

    def wrong(self, where: tuple[Any, ...], problem: str) -> ConfigError:
        """Make the error for a value: file, line, column, path, what is wrong and what to do."""
        line, column = place_of(self.places, where)
        return ConfigError(f"{self.path}:{line}:{column}: {'.'.join(map(str, where)) or 'the document'}: {problem}")


def read_document(path: Path) -> Document:
    """Read and check one file. Raises ConfigError."""
    content, places = _parse(_bytes(path), path)
    kind = content.get("kind") if isinstance(content, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(
            f"{path}:1:1: kind: {kind!r} is no knowledge: write kind: Advisory or kind: Releases "
            "(`harvester-preflight schema advisory` prints the shape)"
        )
    problems = schema_problems(content, places, KINDS[kind])
    if problems:
        more = f" (and {len(problems) - 1} more: -v)" if problems[1:] else ""
        see = f"; see `harvester-preflight schema {KINDS[kind]}`"
        detail = "\n".join(f"{path}:{problem}" for problem in problems[1:])
        raise ConfigError(f"{path}:{problems[0]}{see}{more}", detail=detail)
    return Document(str(path), content, places)


def check_ranges(document: Document, where: tuple[Any, ...], *ranges: str) -> None:
    """Raise ConfigError when a range of versions is none."""
    try:
        for text in ranges:
            check_range(text)
    except ValueError:
        example = "write comparators joined by blanks, such as '>=1.8.0 <1.9.0'"
        raise document.wrong(where, f"{text!r} is no range of versions: {example}") from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the knowledge {path}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than 1 MiB, so this is no knowledge: give one file a known issue")
    return data.removeprefix(b"\xef\xbb\xbf")


def _parse(data: bytes, path: Path) -> tuple[Any, Places]:
    try:
        data.decode("utf-8")
        return load_positioned(data)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except YamlProblem as problem:
        raise ConfigError(f"{path}:{problem.line + 1}:{problem.column + 1}: not YAML: {problem.text}") from None
