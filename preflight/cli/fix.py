"""`fix`: plan the repair of findings, and carry it out when told to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from preflight.cli import completing, say
from preflight.cli.grouped import Grouped
from preflight.cli.options import (
    config_option,
    connection_options,
    option,
    plugin_option,
    quiet_option,
    source_options,
    verbose_option,
)
from preflight.cli.output import print_text
from preflight.cli.repairing import (
    apply_options,
    carry_out,
    check_apply,
    examine_for_repair,
    named_checks,
)
from preflight.cli.request import Request, request_from
from preflight.cli.resume import run_resume
from preflight.cli.settling import accept_option
from preflight.cli.terminal import style_for
from preflight.errors import ExitCode, RemediationError
from preflight.model import Report, Severity

STRATEGY_NAMES = ["recreate-job", "toggle", "settle-status", "rebuild", "clean-leftovers"]


@click.command(cls=Grouped)
@source_options
@option(
    "--only",
    multiple=True,
    metavar="CHECK[:NAMESPACE/NAME]",
    shell_complete=completing.check_names,
    help="Repair only this; repeatable.",
)
@option("--strategy", type=click.Choice(STRATEGY_NAMES), help="Use this one instead of the gentlest that applies.")
@option(
    "--force", is_flag=True, help="With --apply: allow what loses something (settle-status, rebuild, clean-leftovers)."
)
@option(
    "--during-upgrade",
    is_flag=True,
    help="Repair the Addon that a running Upgrade waits for, while it is in system-services or before; nothing else.",
)
@option(
    "--resume",
    metavar="JOURNAL",
    type=click.Path(path_type=Path),
    help="Finish what a fix that was killed had begun, by its journal.",
)
@accept_option
@apply_options
@config_option
@plugin_option
@connection_options
@quiet_option
@verbose_option
@click.pass_context
def fix(ctx: click.Context, /, resume: Path | None, accept_journal: bool, **params: Any) -> None:
    """Plan the repair of what the checks found; with --apply, carry it out.

    Each object is saved first, each write is tried as a dry run first and is held to the state that the plan was made
    for, and the check is run again afterwards.

    Exit codes: 0 planned, or repaired; 4 undecided; 5 not repaired; 130 interrupted between two steps.
    """
    request = request_from(params)
    check_apply(request)
    ctx.exit(run_resume(request, resume, accept=accept_journal) if resume else run_fix(request))


def run_fix(request: Request) -> ExitCode:
    """Examine, print the plan, carry it out when told to; return the exit code."""
    from preflight.remediation.build import Choice, build_plan
    from preflight.remediation.lease import trace_in
    from preflight.remediation.render import plan_json, plan_table

    # A plan loses nothing: --force is for carrying out.
    repair = request.repair
    choice = Choice(
        only=named_checks(repair.only, request, "--only"),
        strategy=repair.strategy,
        force=repair.force or not repair.apply,
        during_upgrade=repair.during_upgrade,
    )
    found = examine_for_repair(request, choice.only)
    if trace := trace_in(found.inventory):
        raise RemediationError(f"{trace.words}. Nothing was changed.")
    plan = build_plan(found.report, found.inventory, choice)
    offline = found.report.source.type != "live"
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    table = plan_table(plan, offline=offline, applying=repair.apply, width=width)
    print_text(plan_json(plan) if request.output.format == "json" else table)
    sys.stdout.flush()
    if choice.only and not plan.steps and not plan.refusals:
        say(f"no finding now for --only {', '.join(choice.only)}")
    if not repair.apply:
        undecided = not plan.steps and _undecided(found.report, plan.undetermined)
        return ExitCode.UNDECIDED if undecided else ExitCode.READY
    # What only warns is left alone without being called a failure, unless it was asked for by name.
    unrepaired = [one for one in plan.refusals if one.severity is Severity.FAIL or choice.only]
    if not plan.steps:
        if unrepaired:
            return ExitCode.NOT_REPAIRED
        return ExitCode.UNDECIDED if _undecided(found.report, plan.undetermined) else ExitCode.READY
    outcome = carry_out(plan, request, "fix", lambda: examine_for_repair(request, choice.only).report)
    if unrepaired and not outcome.exit_code:
        say(f"NOT repaired besides: {len(unrepaired)} (see `Left alone` in the plan)")
        return ExitCode.NOT_REPAIRED
    return outcome.exit_code


def _undecided(report: Report, undetermined: Sequence[str]) -> bool:
    """Say whether a check that could have found something to repair could not tell; advisory ones do not count."""
    silent = {entry.partition(":")[0] for entry in undetermined}
    return any(result.id in silent and result.worst is Severity.FAIL for result in report.checks)
