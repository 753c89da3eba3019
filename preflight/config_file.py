"""The configuration file: read, checked against schemas/config.schema.json, errors with the line they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from preflight.documents import Places, place_of, schema_problems
from preflight.errors import ConfigError

DEFAULT_NAME = ".harvester-preflight.yaml"
MAX_BYTES = 1 << 20
"""A configuration is written by hand; one that is larger than 1 MiB is something else."""
ALLOWED_WHEN_FOUND = frozenset({"to", "output", "color", "select", "skip"})
"""The defaults a file may set that nobody named: whoever can write to the current folder wrote it, perhaps a stranger.

What names a server, credential, file, program, clock or source, or decides what blocks, is not among them.
"""


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
    places: Places = field(default_factory=dict, compare=False)
    found: bool = False
    """Nobody named the file: it lay in the current folder, and is trusted with less."""
    refused: tuple[tuple[Any, ...], ...] = ()
    """The paths of what a found file says and may not."""

    def where(self, *path: Any) -> str:
        """Name a value for an error message: file, line, column and its path."""
        line, column = place_of(self.places, path)
        return f"{self.path}:{line}:{column}: {'.'.join(str(part) for part in path)}"


def find_config(given: str | None) -> Config:
    """Load the file named by --config, or what a file that was only found may say, when there is one.

    Raises ConfigError when the named file is missing, or any file is wrong.
    """
    if given:
        return load_config(Path(given))
    default = Path(DEFAULT_NAME)
    return held_to_what_is_allowed(load_config(default)) if default.is_file() else Config()


def held_to_what_is_allowed(config: Config) -> Config:
    """Leave of a found file what it may say; the rest is listed as refused."""
    flags = [key for key in config.defaults if key not in ALLOWED_WHEN_FOUND]
    wild = [index for index, waiver in enumerate(config.waivers) if not _names_a_kind(waiver["object"])]
    kept = [index for index in range(len(config.waivers)) if index not in wild]
    moved = {path: place for path, place in config.places.items() if path[:1] != ("waivers",)}
    for now, before in enumerate(kept):
        moved["waivers", now] = place_of(config.places, ("waivers", before))
    return replace(
        config,
        defaults={key: value for key, value in config.defaults.items() if key not in flags},
        waivers=tuple(config.waivers[index] for index in kept),
        places=moved,
        found=True,
        refused=(*(("defaults", key) for key in flags), *(("waivers", index) for index in wild)),
    )


def _names_a_kind(pattern: str) -> bool:
    """Say whether a glob over Kind/namespace/name is about one kind: `*` would cover every blocker there is."""
    return not any(sign in pattern.partition("/")[0] for sign in "*?[")


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
        more = f" (and {len(problems) - 1} more: -v)" if problems[1:] else ""
        raise ConfigError(f"{path}:{problems[0]}{more}", detail="\n".join(f"{path}:{line}" for line in problems[1:]))
    return Config(
        path=str(path),
        defaults=content.get("defaults") or {},
        thresholds=content.get("thresholds") or {},
        waivers=tuple(content.get("waivers") or ()),
        attestations=tuple(content.get("attestations") or ()),
        places=places,
    )


def parse_with_positions(text: str, name: str) -> tuple[Any, Places]:
    """Parse YAML (so JSON too) and remember where each value stands. Raises ConfigError with line and column."""
    from preflight.sources.text.yaml_reading import YamlProblem, load_positioned

    try:
        return load_positioned(text.encode())
    except YamlProblem as problem:
        where = f"{problem.line + 1}:{problem.column + 1}"
        raise ConfigError(f"{name}:{where}: not YAML this tool reads: {problem.text}") from None
