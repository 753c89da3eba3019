"""`report FILE` and `report diff OLD NEW`: work with saved JSON reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from preflight.cli.options import colour_option, option, output_option, quiet_option, verbose_option
from preflight.cli.output import deliver, print_text
from preflight.cli.request import request_from
from preflight.documents import schema_problems
from preflight.errors import ExitCode, SourceError, UsageError
from preflight.flow import registered_checks
from preflight.render import RENDERERS
from preflight.report_types import Document
from preflight.settings import Settings
from preflight.values.foreign_text import visible

if TYPE_CHECKING:
    from preflight.diff import DiffDocument

MAX_BYTES = 512 << 20


class ReportGroup(click.Group):
    """`report FILE` prints; `report diff OLD NEW` compares: a first word that is no command is the file."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take the first word as a file unless it names a command."""
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let options stand before the file as well."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ReportGroup, subcommand_metavar="FILE | diff OLD NEW")
def report() -> None:
    """Print a saved JSON report in another format, or compare two.

    `report FILE -o html` prints and exits with the code that the report itself holds; `report diff OLD NEW` exits 3
    when something is new or worse.
    """


@report.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@output_option(*RENDERERS, metavar="FORMAT", help="The format.")
@option("--report", "reports", multiple=True, metavar="FORMAT=PATH", help="Also write this format; repeatable.")
@colour_option
@quiet_option
@verbose_option
@click.pass_context
def show(ctx: click.Context, /, file: Path, **params: Any) -> None:
    """Print a saved JSON report in another format; exit with the code it holds."""
    output = request_from(params).output
    document = load_report(file)
    deliver(document, output, lambda: registered_checks(Settings(plugins=False)))
    ctx.exit(int(document["exitCode"]))


@report.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@output_option("table", "json")
@click.pass_context
def diff(ctx: click.Context, /, old: Path, new: Path, output: str) -> None:
    """Compare two saved reports: new, worse, fixed. Exit 3 when something is new or worse, else 0."""
    from preflight.diff import compare_reports

    before, after = load_report(old), load_report(new)
    if before["kind"] != "PreflightReport" or after["kind"] != "PreflightReport":
        raise UsageError("report diff compares two reports of one cluster each")
    compared = compare_reports(before, after)
    print_text(json.dumps(compared, indent=2) if output == "json" else _diff_text(compared))
    ctx.exit(ExitCode.BLOCKED if compared["new"] or compared["worse"] else ExitCode.READY)


def load_report(file: Path) -> Document:
    """Read and validate a saved report.

    Raises UsageError when the file is not there, SourceError when it is not a report of ours.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise SourceError(f"{file}: larger than {MAX_BYTES >> 20} MiB, so this is no report")
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file}: not a JSON report: {error}") from None
    if not isinstance(content, dict) or content.get("kind") not in ("PreflightReport", "PreflightReportList"):
        raise SourceError(f"{file}: not a report (make one with: harvester-preflight check -o json)")
    problems = schema_problems(content, {}, "report")
    if problems:
        raise SourceError(f"{file}: not a valid report: {problems[0].partition(': ')[2]}", detail="\n".join(problems))
    return cast(Document, content)


def _diff_text(compared: DiffDocument) -> str:
    verdict = compared["verdict"]
    counts = ", ".join(f"{len(compared[word])} {word}" for word in ("new", "worse", "fixed"))
    lines = [f"{verdict['old']} → {verdict['new']}: {counts}, {compared['same']} as before"]
    for word in ("new", "worse", "fixed"):
        for entry in compared[word]:
            ref = entry["resource"]
            name = "/".join(part for part in (ref["kind"], ref["namespace"], ref["name"]) if part)
            was = f" (was {entry['was']})" if "was" in entry else ""
            waived = " waived" if entry["waived"] else ""
            lines.append(f"{word:6} {entry['severity']}{waived}{was}  {entry['check']}  {visible(name)}")
            lines.append(f"       {visible(entry['message'])}")
    return "\n".join(lines)
