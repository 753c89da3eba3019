"""`check`: the main job."""

from __future__ import annotations

from typing import Any

import click

from preflight.cli.options import (
    colour_option,
    config_option,
    connection_options,
    duration_value,
    option,
    plugin_option,
    quiet_option,
    selection_options,
    settings_from,
    source_options,
    stacked,
    verbose_option,
)
from preflight.cli.output import parse_reports, print_document, write_reports
from preflight.cli.reading import reader_for
from preflight.cli.terminal import Progress
from preflight.flow import Examination, examine, registered_checks
from preflight.render import RENDERERS
from preflight.report import report_dict

output_options = stacked(
    option(
        "--output",
        "-o",
        type=click.Choice(list(RENDERERS)),
        default="table",
        show_default=True,
        metavar="FORMAT",
        help=f"One of {', '.join(RENDERERS)}.",
    ),
    option("--report", "reports", multiple=True, metavar="FORMAT=PATH", help="Also write this format; repeatable."),
    option(
        "--fail-on",
        type=click.Choice(["fail", "warn", "never"]),
        default="fail",
        show_default=True,
        help="From which severity on a finding blocks; never: exit 0 whatever the verdict.",
    ),
)


@click.command()
@source_options
@output_options
@selection_options
@option("--wait", type=duration_value, metavar="DURATION", help="Wait this long for transient findings to pass.")
@config_option
@plugin_option
@connection_options
@colour_option
@quiet_option
@verbose_option
@click.pass_context
def check(ctx: click.Context, /, **params: Any) -> None:
    """Read the cluster or a file once, run the checks, print one report, exit with the verdict.

    Exit codes: 0 ready, 3 blocked, 4 undecided (something could not be determined), 2 usage, 1 the tool failed.
    """
    wanted = parse_reports(params["reports"])
    document = report_dict(run_once(params).report)
    print_document(document, params["output"], color=params["color"], verbose=params["verbose"], quiet=params["quiet"])
    write_reports(document, wanted)
    ctx.exit(document["exitCode"])


def run_once(params: dict[str, Any], *, target_needed: bool = True) -> Examination:
    """Read and judge once, with a progress line where there is a terminal."""
    settings = settings_from(params)
    progress = Progress(quiet=settings.quiet)
    try:
        checks = registered_checks(settings)
        return examine(checks, settings, reader_for(params, settings, progress), target_needed=target_needed)
    finally:
        progress.done()
