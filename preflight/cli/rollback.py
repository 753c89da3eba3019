"""`rollback`: put back what a fix changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from preflight.cli import say
from preflight.cli.options import config_option, connection_options, quiet_option, verbose_option
from preflight.cli.output import print_text
from preflight.cli.repairing import apply_options, carry_out, check_apply
from preflight.cli.request import Request, request_from
from preflight.cli.terminal import style_for
from preflight.errors import ExitCode, RemediationError, SourceError, UsageError


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@apply_options
@config_option
@connection_options
@quiet_option
@verbose_option
@click.pass_context
def rollback(ctx: click.Context, /, journal: Path, **params: Any) -> None:
    """Put back what a fix changed, newest first, from its JOURNAL; with --apply, really.

    An object that somebody changed after the fix is left alone and named. A Job that was deleted needs no putting
    back: helm-controller has made a new one.

    Exit codes: 0 planned, or put back; 5 something could not be put back; 130 interrupted between two steps.
    """
    request = request_from(params)
    check_apply(request)
    ctx.exit(run_rollback(request, journal))


def run_rollback(request: Request, journal: Path) -> ExitCode:
    """Compare the journal with the cluster, print the way back, go it when told to; return the exit code."""
    from preflight.cluster.writer import Writer
    from preflight.model import SourceInfo
    from preflight.remediation.apply import cluster_id
    from preflight.remediation.journal import read_journal
    from preflight.remediation.render import journal_table, plan_json, plan_table
    from preflight.remediation.rollback import rollback_plan
    from preflight.sources.live.reader import connect

    apply = request.repair.apply
    path = journal / "journal.json" if journal.is_dir() else journal
    document = read_journal(path)
    writer = Writer(connect(request.connection))
    _must_be_the_same(document, cluster_id(writer), writer.api.server)
    if writer.api.date is None:
        raise SourceError(f"{writer.api.server} tells no time")
    source = SourceInfo("live", writer.api.server, writer.api.date, "the API server's Date header")
    plan = rollback_plan(
        document,
        path.parent,
        lambda target: writer.get(target.api_version, target.kind, target.namespace, target.name),
        source,
    )
    if not request.output.quiet:
        say(journal_table(document).rstrip())
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    table = plan_table(plan, offline=False, applying=apply, width=width)
    print_text(plan_json(plan) if request.output.format == "json" else table)
    left = ExitCode.NOT_REPAIRED if plan.refusals else ExitCode.READY
    if not plan.steps or not apply:
        return left if apply else ExitCode.READY
    outcome = carry_out(plan, request, "rollback")
    return outcome.exit_code or left


def _must_be_the_same(journal: dict[str, Any], cluster: str, server: str) -> None:
    """Refuse to put back on one cluster what was taken on another."""
    if journal["command"] == "rollback":
        raise UsageError("this is the journal of a rollback: run the fix again instead")
    if cluster and journal["cluster"]:
        if cluster != journal["cluster"]:
            raise RemediationError("this journal is of another cluster (the uid of namespace kube-system differs)")
    elif server != journal["server"]:
        raise RemediationError(f"this journal is of {journal['server']}, and this is {server}")
