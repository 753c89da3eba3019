"""`why`: what a running upgrade waits for, since when, and the one command; nothing else of the report."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from preflight.cli.grouped import Grouped
from preflight.cli.options import (
    colour_option,
    config_option,
    connection_options,
    duration_value,
    option,
    output_option,
    plugin_option,
    quiet_option,
    source_options,
    verbose_option,
)
from preflight.cli.output import print_text
from preflight.cli.progress import Progress
from preflight.cli.reading import reader_for
from preflight.cli.request import Output, Request, request_from
from preflight.cli.terminal import style_for
from preflight.cli.unreadable import undecided
from preflight.cli.watching import check_watch, watch
from preflight.errors import SourceError, UsageError
from preflight.flow import examine, registered_checks
from preflight.report import report_dict

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command(cls=Grouped)
@source_options
@output_option("table", "json", help="How to print the answer.")
@option(
    "--watch",
    type=duration_value,
    is_flag=False,
    flag_value="30s",
    default=None,
    metavar="[SECONDS]",
    help="Look again and again (every 30 s) until the upgrade has ended, or Ctrl-C.",
)
@option(
    "--logs", is_flag=True, help="Add the last lines of the pod that is waited for; takes the right to read pods/log."
)
@config_option
@plugin_option
@connection_options
@colour_option
@quiet_option
@verbose_option
@click.pass_context
def why(ctx: click.Context, /, logs: bool, **params: Any) -> None:
    """Say what a running upgrade waits for: the step, since when, the object, the finding that is the reason.

    Exit codes: 0 no upgrade runs, or it is under way; 3 it hangs; 4 undecided (something could not be read).
    """
    request = request_from(params)
    check_watch(request)
    live = request.settings.source == "live"
    if logs and not live:
        raise UsageError("--logs goes with --source live only: a copy of a cluster cannot be asked")
    if request.output.watch is not None and not live:
        raise UsageError("--watch goes with --source live only: a copy of a cluster does not change")
    look = partial(_look, request, logs=logs)
    if request.output.watch is not None:
        ctx.exit(watch(look, _told_while_one_runs(request.output), request, substance=_substance))
    document, code = look()
    _tell(document, request.output)
    ctx.exit(code)


def _look(request: Request, *, logs: bool) -> tuple[dict[str, Any], int]:
    """Ask the gates that can tell, and return the answer with its exit code."""
    from preflight.why import checks_asked, why_dict

    checks = registered_checks(request.settings)
    mine = replace(request, settings=replace(request.settings, select=checks_asked(checks), skip=(), require=()))
    progress = Progress(quiet=request.output.quiet, doing=f"reading {request.settings.source}")
    try:
        read = reader_for(mine, progress)
        found = examine(checks, mine.settings, read, target_needed=False)
    except SourceError as error:
        found = undecided(checks, mine, error)
    finally:
        progress.done()
    document = why_dict(report_dict(found.report), found.inventory)
    if logs and document["runs"]:
        from preflight.cli.pod_logs import add_logs

        add_logs(document, request.connection)
    return document, document["exitCode"]


def _tell(document: dict[str, Any], output: Output) -> bool:
    """Print the answer; returns whether somebody still reads."""
    if output.format == "json":
        indent = 2 if output.watch is None else None  # while it is watched, an answer is a line
        return print_text(json.dumps(document, indent=indent, ensure_ascii=False))
    from preflight.render.why import render_why

    return print_text(
        render_why(document, style_for(sys.stdout, output.color, verbose=output.verbose, quiet=output.quiet))
    )


def _told_while_one_runs(output: Output) -> Callable[[dict[str, Any]], bool]:
    """Return what tells each answer, and says no more once the upgrade has ended."""
    return lambda document: _tell(document, output) and document["verdict"] != "none"


def _substance(document: dict[str, Any]) -> list[Any]:
    """Return what makes two answers different: no time and no measurement."""
    fields = ("resource", "state", "step", "cause", "nodes")
    return [
        document["verdict"],
        [[*(run[field] for field in fields), (run["waitsFor"] or {}).get("resource")] for run in document["runs"]],
        [entry["check"] for entry in document["undetermined"]],
    ]
