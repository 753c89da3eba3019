"""`fix`: plan the repair of findings, and carry it out when told to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from preflight.cli import say
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
    Repair,
    apply_options,
    by_id,
    carry_out,
    check_apply,
    examine_for_repair,
    repair_from,
)
from preflight.cli.terminal import style_for
from preflight.model import Report, Severity

STRATEGY_NAMES = ["recreate-job", "toggle", "settle-status", "rebuild", "clean-leftovers"]
EXIT_UNDECIDED, EXIT_NOT_REPAIRED = 4, 5


@click.command()
@source_options
@option("--only", multiple=True, metavar="CHECK[:NAMESPACE/NAME]", help="Repair only this; repeatable.")
@option("--strategy", type=click.Choice(STRATEGY_NAMES), help="Use this one instead of the gentlest that applies.")
@option(
    "--force", is_flag=True, help="With --apply: allow what loses something (settle-status, rebuild, clean-leftovers)."
)
@apply_options
@config_option
@plugin_option
@connection_options
@quiet_option
@verbose_option
@click.pass_context
def fix(ctx: click.Context, /, **params: Any) -> None:
    """Plan the repair of what the checks found; with --apply, carry it out.

    Each object is saved first, each write is tried as a dry run first and is held to the state that the plan was made
    for, and the check is run again afterwards.

    Exit codes: 0 planned, or repaired; 4 undecided; 5 not repaired; 130 interrupted between two steps.
    """
    check_apply(params)
    ctx.exit(run_fix(params))


def run_fix(params: dict[str, Any]) -> int:
    """Examine, print the plan, carry it out when told to; return the exit code."""
    from preflight.remediation.build import Choice, build_plan
    from preflight.remediation.render import plan_json, plan_table

    # A plan loses nothing: --force is for carrying out.
    choice = Choice(by_id(params["only"], params), params["strategy"] or "", params["force"] or not params["apply"])
    found = examine_for_repair(params, choice.only)
    plan = build_plan(found.report, found.inventory, choice)
    offline = found.report.source.type != "live"
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    table = plan_table(plan, offline=offline, applying=params["apply"], width=width)
    print_text(plan_json(plan) if params["output"] == "json" else table)
    sys.stdout.flush()
    if choice.only and not plan.steps and not plan.refusals:
        say(f"no finding now for --only {', '.join(choice.only)}")
    if not params["apply"]:
        return EXIT_UNDECIDED if not plan.steps and _undecided(found.report, plan.undetermined) else 0
    # What only warns is left alone without being called a failure, unless it was asked for by name.
    unrepaired = [one for one in plan.refusals if one.severity is Severity.FAIL or choice.only]
    if not plan.steps:
        undecided = EXIT_UNDECIDED if _undecided(found.report, plan.undetermined) else 0
        return EXIT_NOT_REPAIRED if unrepaired else undecided
    repair: Repair = repair_from(params, "fix")
    outcome = carry_out(plan, params, repair, lambda: examine_for_repair(params, choice.only).report)
    if unrepaired and not outcome.exit_code:
        say(f"NOT repaired besides: {len(unrepaired)} (see `Left alone` in the plan)")
        return EXIT_NOT_REPAIRED
    return outcome.exit_code


def _undecided(report: Report, undetermined: Sequence[str]) -> bool:
    """Say whether a check that could have found something to repair could not tell; advisory ones do not count."""
    silent = {entry.partition(":")[0] for entry in undetermined}
    return any(result.id in silent and result.worst is Severity.FAIL for result in report.checks)
