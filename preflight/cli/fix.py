"""`fix`: plan the repair of findings, and carry it out when told to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

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
from preflight.cli.terminal import caller, style_for
from preflight.errors import ExitCode, RemediationError, UsageError
from preflight.model import Report, Severity
from preflight.remediation.build import Choice, build_plan
from preflight.remediation.lease import trace_in
from preflight.remediation.plan import Plan
from preflight.remediation.render import plan_json, plan_table
from preflight.remediation.strategies import REPAIRABLE_CHECKS

if TYPE_CHECKING:
    from preflight.cli.from_report import Asked

STRATEGY_NAMES = ["recreate-job", "toggle", "settle-status", "rebuild", "clean-leftovers", "unpause", "delete-leftover"]


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
    "--force",
    is_flag=True,
    help="With --apply: allow what loses something (settle-status, rebuild, clean-leftovers, delete-leftover), or would "
    "not hold yet.",
)
@option(
    "--from-report",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Repair what this saved JSON report found, on its cluster and on no other.",
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
def fix(
    ctx: click.Context, /, resume: Path | None, accept_journal: bool, from_report: Path | None, **params: Any
) -> None:
    """Plan the repair of what the checks found; with --apply, carry it out.

    Each object is saved first, each write is tried as a dry run first and is held to the state that the plan was made
    for, and the check is run again afterwards.

    Exit codes: 0 planned, or repaired; 4 undecided; 5 not repaired; 130 interrupted between two steps.
    """
    request, asked = request_from(params), None
    if resume and from_report:
        raise UsageError("--resume goes by its journal, not by a report: leave out --from-report")
    if from_report:
        from preflight.cli.from_report import aimed, asked_for

        asked = asked_for(request, from_report)
        given = ctx.get_parameter_source("source") is not ParameterSource.DEFAULT
        request = aimed(request, asked, source_given=given)
    check_apply(request)
    ctx.exit(run_resume(request, resume, accept=accept_journal) if resume else run_fix(request, asked))


def run_fix(request: Request, asked: Asked | None = None) -> ExitCode:
    """Examine, print the plan, carry it out when told to; return the exit code.

    Of what a saved report asks for, nothing else is planned.
    """
    repair = request.repair
    # A plan loses nothing: --force is for carrying out.
    choice = Choice(
        only=named_checks(repair.only, request, "--only"),
        strategy=repair.strategy,
        force=repair.force or not repair.apply,
        during_upgrade=repair.during_upgrade,
    )
    report, plan = _planned(request, choice, asked)
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    table = plan_table(
        plan,
        offline=report.source.type != "live",
        applying=repair.apply,
        width=width,
        caller=caller(),
        again=_again(request, asked),
    )
    print_text(plan_json(plan) if request.output.format == "json" else table)
    sys.stdout.flush()
    if choice.only and not plan.steps and not plan.refusals:
        say(f"no finding now for --only {', '.join(choice.only)}")
    if not repair.apply:
        return _open(report, plan)
    # What only warns is left alone without being called a failure, unless it was asked for by name.
    unrepaired = [one for one in plan.refusals if one.severity is Severity.FAIL or choice.only]
    if not plan.steps:
        return ExitCode.NOT_REPAIRED if unrepaired else _open(report, plan)
    outcome = carry_out(plan, request, "fix", lambda: examine_for_repair(request, choice.only).report)
    if unrepaired and not outcome.exit_code:
        say(f"NOT repaired besides: {len(unrepaired)} (see `Left alone` in the plan)")
        return ExitCode.NOT_REPAIRED
    return outcome.exit_code


def _planned(request: Request, choice: Choice, asked: Asked | None) -> tuple[Report, Plan]:
    """Examine and plan. Raises RemediationError for a cluster that an earlier run left half done, or another one."""
    found = examine_for_repair(request, choice.only)
    report = found.report
    if asked:
        asked.must_be_of(report.source)
    if trace := trace_in(found.inventory):
        raise RemediationError(f"{trace.words}. Nothing was changed.")
    if asked:
        report, new, gone = asked.only(report, REPAIRABLE_CHECKS)
        if new or gone:
            say(f"since {asked.path}: {gone} of its findings are gone, and {new} are new and not planned here")
    return report, build_plan(report, found.inventory, choice)


def _again(request: Request, asked: Asked | None) -> list[str]:
    """Return the command that made this plan, without what reaches the cluster."""
    repair, settings = request.repair, request.settings
    named = (
        ("--from-report", str(asked.path) if asked else ""),
        *(("--only", entry) for entry in repair.only),
        *(("--knowledge", path) for path in settings.knowledge),
        ("--strategy", repair.strategy),
        ("--to", settings.to_version),
        ("--config", "" if settings.config.found else settings.config.path),
        ("--backup-dir", str(repair.backup_dir or "")),
    )
    words = [word for flag, value in named if value for word in (flag, value)]
    switches = {
        "--force": repair.force,
        "--during-upgrade": repair.during_upgrade,
        "--no-plugins": not settings.plugins,
    }
    return ["fix", *words, *(flag for flag, on in switches.items() if on)]


def _open(report: Report, plan: Plan) -> ExitCode:
    """Return the code of a plan that is not carried out: undecided where a check that matters could not tell."""
    silent = {entry.partition(":")[0] for entry in plan.undetermined}
    undecided = any(result.id in silent and result.worst is Severity.FAIL for result in report.checks)
    return ExitCode.UNDECIDED if undecided and not plan.steps else ExitCode.READY
