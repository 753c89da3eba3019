"""`rollback`: put back what a fix changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from preflight.cli import say
from preflight.cli.grouped import Grouped
from preflight.cli.options import config_option, connection_options, quiet_option, verbose_option
from preflight.cli.output import print_text
from preflight.cli.repairing import apply_options, carry_out, check_apply
from preflight.cli.request import Request, request_from
from preflight.cli.settling import accept_option, open_earlier
from preflight.cli.terminal import caller, style_for
from preflight.errors import ExitCode


@click.command(cls=Grouped)
@click.argument("journal", type=click.Path(path_type=Path))
@apply_options
@accept_option
@config_option
@connection_options
@quiet_option
@verbose_option
@click.pass_context
def rollback(ctx: click.Context, /, journal: Path, accept_journal: bool, **params: Any) -> None:
    """Put back what a fix changed, from its JOURNAL; with --apply, really. What was touched first is put back last.

    An object that somebody changed after the fix is left alone and named. A Job that was deleted needs no putting
    back: helm-controller has made a new one. Also for a fix that was killed: what its last write came to is found out
    first.

    Exit codes: 0 planned, or put back; 5 something could not be put back; 130 interrupted between two steps.
    """
    request = request_from(params)
    check_apply(request)
    ctx.exit(run_rollback(request, journal, accept=accept_journal))


def run_rollback(request: Request, journal: Path, *, accept: bool) -> ExitCode:
    """Compare the journal with the cluster, print the way back, go it when told to; return the exit code."""
    from preflight.remediation.lease import remove_mark
    from preflight.remediation.render import journal_table, plan_json, plan_table
    from preflight.remediation.rollback import rollback_plan

    apply = request.repair.apply
    earlier = open_earlier(request, journal, accept=accept)
    plan = rollback_plan(earlier.document, earlier.folder, earlier.current, earlier.source)
    if not request.output.quiet:
        say(journal_table(earlier.document).rstrip())
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    again = ("rollback", str(journal), *(["--accept-journal"] if accept else []))
    table = plan_table(plan, offline=False, applying=apply, width=width, caller=caller(), again=again)
    print_text(plan_json(plan) if request.output.format == "json" else table)
    if not apply:
        return ExitCode.READY
    left = ExitCode.NOT_REPAIRED if plan.refusals else ExitCode.READY
    if not plan.steps:
        if not plan.refusals:
            remove_mark(earlier.writer, earlier.mark.run)
        return left
    outcome = carry_out(plan, request, "rollback", settles=earlier.mark)
    return outcome.exit_code or left
