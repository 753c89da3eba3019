"""`check --remediate` and `check --wait`: repair what is safe to repair unasked, wait for what passes by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from preflight.cli import say
from preflight.cli.progress import Progress
from preflight.cli.repairing import OFFLINE, carry_out, examine_for_repair, named_checks
from preflight.cli.request import Request
from preflight.errors import ExitCode, RemediationError, SourceError, UsageError
from preflight.flow import Examination
from preflight.model import Finding, Report, Severity, Status
from preflight.values.foreign_text import visible
from preflight.values.times import human_duration

EVERY = "all"
"""The value of --remediate without a check."""
POLL_SECONDS = 15.0


def settle(request: Request, again: Callable[[], Examination]) -> tuple[Examination, bool]:
    """Examine; repair with --remediate; wait with --wait. Returns the last examination and whether the repair failed.

    Raises UsageError for a source that does not change.
    """
    found, failed = again(), False
    repair = request.repair
    if found.report.source.type != "live" and repair.wait:
        raise UsageError("--wait: the source is a copy of a cluster, and a copy does not change: use --source live")
    if repair.remediate:
        found, failed = remediate(request, found, again)
    if repair.wait:
        found = wait_while_transient(found, again, seconds=repair.wait, quiet=request.output.quiet)
    return found, failed


def remediate(request: Request, first: Examination, again: Callable[[], Examination]) -> tuple[Examination, bool]:
    """Repair the findings that are marked automatic, of the named checks only, and examine again.

    Returns the second examination (the first when there was nothing to repair) and whether the repair itself failed:
    then the exit code is 5 whatever the verdict. Raises UsageError for a source that is no cluster or an unknown check.
    """
    if first.report.source.type != "live":
        raise UsageError(f"--remediate: {OFFLINE.replace('--apply', '--remediate')}")
    checks = request.repair.remediate
    only = named_checks([check for check in checks if check != EVERY], request, "--remediate")
    if first.report.source.unread:
        return first, False
    try:
        return _repair(request, first, only, again)
    except (RemediationError, SourceError) as error:
        say(visible(f"NOT repaired: {error.message}"))
        return again(), True


def _repair(
    request: Request, first: Examination, only: Sequence[str], again: Callable[[], Examination]
) -> tuple[Examination, bool]:
    """Repair and examine again. Raises RemediationError while nothing has been changed, SourceError for a cluster lost."""
    from preflight.remediation.build import Choice, build_plan

    checks = request.repair.remediate
    found = examine_for_repair(request, only)
    # what --select or --skip left out was not checked, so it is not repaired either
    ran = {result.id for result in first.report.checks if result.status is not Status.SKIPPED}
    report = replace(found.report, checks=tuple(result for result in found.report.checks if result.id in ran))
    only = tuple(name for name in only if name in ran)
    if not report.checks or (not only and EVERY not in checks):
        return first, False
    plan = build_plan(report, found.inventory, Choice(only=only, automatic_only=True))
    if not plan.steps:
        return first, False
    unasked = replace(request, repair=replace(request.repair, yes=True))
    outcome = carry_out(plan, unasked, "check")
    if outcome.word == "interrupted":
        raise KeyboardInterrupt
    return again(), outcome.exit_code is not ExitCode.READY


def wait_while_transient(
    first: Examination,
    again: Callable[[], Examination],
    *,
    seconds: float,
    quiet: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Examination:
    """Examine again and again while nothing but transient findings blocks, until the time is up; return the last one.

    A finding that will not pass by itself ends the waiting at once: nobody is kept waiting for nothing.
    """
    progress = Progress(quiet=quiet)
    began, current, told = monotonic(), first, ""
    while True:
        waiting = only_transient(current.report)
        left = seconds - (monotonic() - began)
        if not waiting or left <= 0:
            progress.done()
            return current
        text = "waiting for: " + "; ".join(
            f"{ref.namespace}/{ref.name} ({f.cause})" for f in waiting if (ref := f.resource)
        )
        if text != told and not quiet:
            progress.done()
            say(visible(text))
            told = text
        progress(f"{text} (at most {human_duration(round(left))} more)")
        sleep(min(POLL_SECONDS, left))
        progress.done()
        current = again()


def only_transient(report: Report) -> list[Finding]:
    """Return the findings that block, when all of them are transient; else nothing."""
    severities = {Severity.FAIL, Severity.WARN} if report.fail_on == "warn" else {Severity.FAIL}
    blocking = [
        finding
        for result in report.checks
        for finding in result.findings
        if finding.severity in severities and finding.waived is None
    ]
    return blocking if all(finding.transient for finding in blocking) else []
