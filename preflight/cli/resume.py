"""`fix --resume JOURNAL`: finish what a fix had begun when it died."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from preflight.cli import say
from preflight.cli.output import print_text
from preflight.cli.repairing import carry_out_rest, examine_for_repair
from preflight.cli.request import Request
from preflight.cli.settling import open_earlier
from preflight.cli.terminal import caller, style_for
from preflight.errors import ExitCode


def run_resume(request: Request, journal: Path, *, accept: bool) -> ExitCode:
    """Settle the step the run was at, print what is left of it, carry it out when told to; return the exit code."""
    from preflight.remediation.during import beside
    from preflight.remediation.lease import remove_mark
    from preflight.remediation.preconditions import read_upgrades
    from preflight.remediation.render import journal_table, plan_json, plan_table
    from preflight.remediation.resume import resume_plan

    apply = request.repair.apply
    earlier = open_earlier(request, journal, accept=accept)
    resumed = resume_plan(earlier.document, earlier.folder, earlier.current, earlier.source)
    if request.repair.during_upgrade:
        resumed = replace(resumed, plan=beside(resumed.plan, read_upgrades(earlier.writer)))
    if not request.output.quiet:
        say(journal_table(earlier.document).rstrip())
    width = style_for(sys.stdout, "never", verbose=0, quiet=False).width
    again = ("fix", "--resume", str(journal), *(["--accept-journal"] if accept else []))
    table = plan_table(resumed.plan, offline=False, applying=apply, width=width, caller=caller(), again=again)
    print_text(plan_json(resumed.plan) if request.output.format == "json" else table)
    if not apply:
        return ExitCode.READY
    if not resumed.plan.steps:
        if resumed.plan.refusals:
            return ExitCode.NOT_REPAIRED
        remove_mark(earlier.writer, earlier.mark.run)
        say("nothing of it is left half done; run fix again for what it had not begun")
        return ExitCode.READY
    only = tuple(dict.fromkeys(step.check for step in resumed.plan.steps))
    outcome = carry_out_rest(resumed, earlier, request, lambda: examine_for_repair(request, only).report)
    return outcome.exit_code or (ExitCode.NOT_REPAIRED if resumed.plan.refusals else ExitCode.READY)
