"""What `fix`, `rollback` and `check --remediate` share: examine, connect, confirm, carry out, say how it went."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preflight.check import Check
from preflight.cli import say
from preflight.cli.options import option, output_option, stacked
from preflight.cli.progress import Progress
from preflight.cli.reading import reader_for
from preflight.cli.request import Request
from preflight.cli.terminal import caller, is_terminal
from preflight.commandline import called, shell_line
from preflight.errors import UsageError
from preflight.flow import Examination, examine, registered_checks
from preflight.model import Report
from preflight.selection import by_id
from preflight.serving import served
from preflight.values.foreign_text import visible

if TYPE_CHECKING:
    from preflight.cli.settling import Earlier
    from preflight.cluster.kubeconfig import Aim
    from preflight.cluster.writer import Writer
    from preflight.remediation.apply import Outcome, Tools
    from preflight.remediation.lease import Mark
    from preflight.remediation.plan import Plan, Step
    from preflight.remediation.resume import Resumed

OFFLINE = "the source is a copy of a cluster, and a copy cannot be repaired: leave out --apply, or use --source live"

apply_options = stacked(
    option("--apply", is_flag=True, help="Carry it out; without this only the plan is printed."),
    option("--yes", "-y", is_flag=True, help="Do not ask before it is carried out; needed where there is no terminal."),
    option(
        "--backup-dir",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for the saved objects and the journal, readable by you only "
        "(default: harvester-preflight-TIME in this folder).",
    ),
    output_option("table", "json", help="How to print the plan."),
)


def check_apply(request: Request) -> None:
    """Refuse early what cannot work. Raises UsageError."""
    if not request.repair.apply:
        return
    if request.settings.source != "live":
        raise UsageError(OFFLINE)
    if not request.repair.yes and not is_terminal(sys.stdin):
        raise UsageError("--apply asks before it changes anything, and there is no terminal to ask on: add --yes")


def named_checks(entries: Sequence[str], request: Request, flag: str) -> tuple[str, ...]:
    """Write CHECK or CHECK:OBJECT with the check's id where its other name or a pattern was given.

    Raises UsageError for what no check is called.
    """
    from preflight.remediation.strategies import REPAIRABLE_CHECKS

    return by_id(entries, registered_checks(request.settings), flag, REPAIRABLE_CHECKS) if entries else ()


def examine_for_repair(request: Request, only: Sequence[str]) -> Examination:
    """Run the checks whose findings can be repaired, those named, what either may follow from, and all not our own."""
    from preflight.remediation.needs import REPAIR_NEEDS
    from preflight.remediation.strategies import REPAIRABLE_CHECKS

    checks = registered_checks(request.settings)
    wanted = {*REPAIRABLE_CHECKS, *(entry.partition(":")[0] for entry in only)}
    wanted |= {check.id for check in checks if any(explains.check in wanted for explains in check.explains)}
    # --timeout is that of waiting for a goal here, not of reading.
    settings = replace(request.settings, timeout=None, select=tuple(_selected(checks, wanted)))
    progress = Progress(quiet=request.output.quiet, doing=f"reading {settings.source}")
    read = reader_for(replace(request, settings=settings), progress)
    try:
        found = examine(checks, settings, lambda needs: read((*needs, *REPAIR_NEEDS)), target_needed=False)
        needed = [need for check in checks if check.id in REPAIRABLE_CHECKS for need in check.needs]
        return replace(found, inventory=served(found.inventory, (*needed, *REPAIR_NEEDS)))
    finally:
        progress.done()


def _selected(checks: Sequence[Check], wanted: set[str]) -> list[str]:
    own = "harvester-preflight"
    return [check.id for check in checks if check.id in wanted or check.origin != own or {*check.aliases} & wanted]


def backup_folder(given: Path | None, report_time: str) -> Path:
    """Return the folder for saved objects: the one given, or one named after the time of the decision."""
    if given is not None:
        return given
    stem = f"harvester-preflight-{report_time.translate(str.maketrans('', '', '-:.'))}"
    number, path = 1, Path(stem)
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}")
    return path


def carry_out(
    plan: Plan,
    request: Request,
    command: str,
    recheck: Callable[[], Report] | None = None,
    settles: Mark | None = None,
) -> Outcome:
    """Connect and carry a plan out, with progress and questions on standard error; the journal names the command.

    `settles` is the dead run that it puts back, if any. Raises RemediationError while nothing has been changed.
    """
    from preflight.cluster.writer import Writer
    from preflight.remediation.apply import apply_plan
    from preflight.sources.live.reader import connect
    from preflight.values.times import format_time

    folder = backup_folder(request.repair.backup_dir, format_time(plan.source.collected_at))
    writer = Writer(connect(request.connection))
    progress = Progress(quiet=request.output.quiet)
    tools = _tools(request, command, writer, folder, progress, recheck, settles)
    try:
        outcome = apply_plan(plan, tools)
    finally:
        progress.done()
    tell_outcome(outcome, command, writer.api.flags(request.connection))
    return outcome


def carry_out_rest(resumed: Resumed, earlier: Earlier, request: Request, recheck: Callable[[], Report]) -> Outcome:
    """Carry out what is left of a run that died, into its own journal.

    Raises RemediationError while nothing has been changed.
    """
    from preflight.remediation.apply import apply_rest

    progress = Progress(quiet=request.output.quiet)
    tools = _tools(request, "resume", earlier.writer, earlier.folder, progress, recheck, earlier.mark)
    try:
        outcome = apply_rest(resumed, earlier.document, tools)
    finally:
        progress.done()
    tell_outcome(outcome, "resume", earlier.writer.api.flags(request.connection))
    return outcome


def _tools(
    request: Request,
    command: str,
    writer: Writer,
    folder: Path,
    progress: Progress,
    recheck: Callable[[], Report] | None,
    settles: Mark | None,
) -> Tools:
    from preflight.remediation.apply import Tools

    repair, quiet = request.repair, request.output.quiet

    def tell(text: str) -> None:
        progress.done()
        if not quiet:
            say(visible(text))

    return Tools(
        writer=writer,
        backup_dir=folder,
        command=command,
        confirm=lambda steps: repair.yes or confirmed(steps, aimed_at(request, writer), before=progress.done),
        progress=progress,
        say=tell,
        recheck=recheck,
        timeout=repair.timeout,
        settles=settles,
    )


def aimed_at(request: Request, writer: Writer) -> Aim:
    """Return which cluster is written to, and which contexts could have been meant."""
    from preflight.cluster.kubeconfig import Aim, aim_of

    return Aim(writer.api.context, writer.api.server, aim_of(request.connection).contexts)


def confirmed(steps: Sequence[Step], aim: Aim, *, before: Callable[[], None]) -> bool:
    """Ask, naming the cluster; where there are several contexts, want the name of this one typed.

    Ctrl-C at the question is an interrupt like any other.
    """
    before()
    for text in dict.fromkeys(step.loses for step in steps if step.loses):
        say(visible(f"This is lost: {text}"))
    amount = f"{len(steps)} step{'s' * (len(steps) != 1)}"
    context, server = visible(aim.context), visible(aim.server)
    where = f"context {context} ({server})" if context else server
    try:
        if len(aim.contexts) < 2 or not context:
            return click.confirm(f"Carry out {amount} on {where}?", default=False, err=True)
        say(f"{amount} will be carried out on {where}; the kubeconfig has {len(aim.contexts)} contexts.")
        text = f"Type the name of the context, {context}, to go on"
        typed: str = click.prompt(text, default="", show_default=False, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
    if typed.strip() != aim.context:
        say(f"{visible(typed)!r} is not the name of that context")
        return False
    return True


def tell_outcome(outcome: Outcome, command: str, flags: Sequence[str] = ()) -> None:
    """Say how it ended, on standard error: one line for each thing that went wrong, and where the journal is.

    `flags` are the connection flags of the run, for the command that puts it back.
    """
    did = "put back" if command == "rollback" else "repaired"
    words = {
        "converged": f"{did}: every step reached its goal",
        "not-converged": f"NOT {did}",
        "refused": f"NOT {did}",
        "declined": "not carried out",
        "interrupted": "INTERRUPTED",
    }
    say(words[outcome.word] + (":" if outcome.messages else ""))
    for message in outcome.messages:
        say(visible(f"  {message}"))
    if outcome.journal.exists():
        may = outcome.wrote and command != "rollback"
        line = shell_line(called(("rollback", str(outcome.journal)), flags, caller()))
        back = f" (put back with: {line})" if may else ""
        say(f"journal: {outcome.journal}{back}")
