"""`schema` and `validate`: the published shapes, and whether a file has one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from preflight.cli import completing
from preflight.cli.defaults import check_defaults
from preflight.cli.options import option, verbose_option
from preflight.cli.output import print_text
from preflight.config_file import load_config, parse_with_positions
from preflight.documents import Places, load_schema, schema_names, schema_problems
from preflight.errors import ConfigError, UsageError
from preflight.values.foreign_text import visible

KINDS = {
    "PreflightReport": "report",
    "PreflightReportList": "report",
    "PreflightSnapshot": "snapshot",
    "PreflightJournal": "journal",
    "PreflightPlan": "plan",
    "PreflightWhy": "why",
    "Advisory": "advisory",
    "Releases": "releases",
}


@click.command()
@click.argument("name", required=False, shell_complete=completing.schemas)
def schema(name: str | None) -> None:
    """Print a JSON Schema; without NAME, the names there are."""
    print_text(json.dumps(load_schema(name), indent=2) if name else "\n".join(schema_names()))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@option(
    "--schema",
    "name",
    shell_complete=completing.schemas,
    help="The schema to use (default: by the document's kind; without one: config).",
)
@verbose_option
def validate(file: Path, name: str | None, **_params: Any) -> None:
    """Check a report, configuration, snapshot, journal or file of knowledge. Exit 0: valid; 2: not, with line and reason."""
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    content, places = (None, {}) if name == "config" else _parse(file)
    chosen = name or _schema_of(content)
    if chosen == "config":
        _validate_config(file)
    else:
        problems = schema_problems(content, places, chosen)
        if problems:
            raise ConfigError(
                f"{file}:{problems[0]}" + (f" (and {len(problems) - 1} more: -v)" if problems[1:] else ""),
                detail="\n".join(f"{file}:{line}" for line in problems[1:]),
            )
        if chosen in ("advisory", "releases"):
            _validate_knowledge(file)
    print_text(f"{visible(str(file))}: valid ({chosen})")


def _parse(file: Path) -> tuple[Any, Places]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None
    if text.lstrip().startswith("{"):  # JSON reports can be large: the JSON parser is quicker and has no aliases
        try:
            return json.loads(text), {}
        except (ValueError, RecursionError) as error:
            if "kind" in text[:4096]:
                raise ConfigError(f"{file}: not JSON: {error}") from None
    return parse_with_positions(text, str(file))


def _schema_of(content: Any) -> str:
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind is None:
        return "config"
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r} is none of ours ({', '.join(KINDS)}); name a schema with --schema")
    return KINDS[kind]


def _validate_knowledge(file: Path) -> None:
    """Read the file as --knowledge does: expressions compile, and nothing that ships is weakened."""
    from preflight.flow import knowledge_in_use, registered_checks
    from preflight.settings import Settings

    settings = Settings(knowledge=(str(file),))
    registered_checks(settings)
    knowledge_in_use(settings)


def _validate_config(file: Path) -> None:
    """Read the file as --config does, with the same code: what one accepts the other does."""
    from preflight.flow import registered_checks
    from preflight.registry import check_options
    from preflight.settings import Settings
    from preflight.waivers import validate_waivers

    config = load_config(file)
    check_defaults(config)
    checks = registered_checks(Settings())
    check_options(checks, config.thresholds, config.where)
    validate_waivers(config, checks)
