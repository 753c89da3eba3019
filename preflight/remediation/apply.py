"""Carry out a plan: prove first that it may and can be done, then one write at a time, each waited for.

A failed step ends its own repair; repairs of other findings go on, unless the server is gone or the journal cannot be
written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import Writer
from preflight.errors import ExitCode, PreflightError, RemediationError, SourceError
from preflight.model import Report, Severity, Status
from preflight.remediation.interrupts import uninterrupted
from preflight.remediation.journal import Journal, half_done, journal_entry
from preflight.remediation.lease import Lease, Mark
from preflight.remediation.plan import Plan, Step
from preflight.remediation.preconditions import check_permissions, refuse_while_upgrading
from preflight.remediation.resume import Resumed
from preflight.remediation.steps import Failure, ServerGone, StepRunner
from preflight.remediation.wait import Clock

CONVERGED, NOT_CONVERGED, REFUSED = "converged", "not-converged", "refused"
DECLINED, INTERRUPTED = "declined", "interrupted"
EXIT_CODES = {
    CONVERGED: ExitCode.READY,
    NOT_CONVERGED: ExitCode.NOT_REPAIRED,
    REFUSED: ExitCode.NOT_REPAIRED,
    DECLINED: ExitCode.NOT_REPAIRED,
    INTERRUPTED: ExitCode.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What carrying out needs from outside."""

    writer: Writer
    backup_dir: Path
    command: str
    """fix, rollback or check: for the journal."""
    confirm: Callable[[Sequence[Step]], bool]
    progress: Callable[[str], None]
    """Told what is going on, again and again while waiting."""
    say: Callable[[str], None]
    """Told what has happened, once each."""
    recheck: Callable[[], Report] | None = None
    timeout: float = 600.0
    clock: Clock = field(default_factory=Clock)
    settles: Mark | None = None
    """The interrupted run that this one finishes or puts back; its lease may be taken over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended."""

    word: str
    messages: tuple[str, ...]
    journal: Path
    wrote: bool = False
    """Whether anything may have been changed."""
    report: Report | None = None
    """What the check said afterwards."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the run."""
        return EXIT_CODES[self.word]


def apply_plan(plan: Plan, tools: Tools) -> Outcome:
    """Carry out a plan. Raises RemediationError only while nothing has been changed yet; the text says so."""
    journal = Journal(tools.backup_dir, lambda: tools.writer.api.date or plan.source.collected_at)
    runner = StepRunner(tools.writer, journal, tools.clock, tools.timeout, progress=tools.progress, say=tools.say)
    try:
        _prove(plan, tools, journal, runner)
        ready = [step for step in plan.steps if step.repair not in runner.failed]
        if ready and not tools.confirm(ready):
            return _end(journal, DECLINED, ["not confirmed: nothing was changed"], wrote=False)
        if ready:
            _hold_and_run(plan, ready, tools, runner, journal)
    except KeyboardInterrupt:
        return _end(journal, INTERRUPTED, [*runner.messages, "interrupted; " + _left(journal)], wrote=runner.wrote)
    except (RemediationError, SourceError) as error:
        if not runner.wrote:
            _end(journal, REFUSED, [error.message], wrote=False)
            raise RemediationError(f"{error.message.rstrip('.')}. Nothing was changed.") from None
        return _end(journal, NOT_CONVERGED, [*runner.messages, error.message, _left(journal)], wrote=True)
    return _conclude(plan, tools, journal, runner)


def apply_rest(resumed: Resumed, document: dict[str, Any], tools: Tools) -> Outcome:
    """Carry out what is left of a run that died, into its own journal. Raises RemediationError as apply_plan does."""
    plan = resumed.plan
    journal = Journal(tools.backup_dir, lambda: tools.writer.api.date or plan.source.collected_at)
    runner = StepRunner(tools.writer, journal, tools.clock, tools.timeout, progress=tools.progress, say=tools.say)
    _refuse_while_upgrading(plan, tools)
    check_permissions(tools.writer, plan)
    if not tools.confirm(plan.steps):
        raise RemediationError("not confirmed: nothing was changed")
    journal.reopen(document, tools.command)
    for number, state in resumed.states.items():
        document["steps"][number - 1]["state"] = state
    document["steps"] += [journal_entry(step) for step in resumed.added]
    runner.wrote = True
    try:
        with uninterrupted():
            journal.write()
        for step in plan.steps:
            if step.number in resumed.saved:
                runner.adopt(step, resumed.saved[step.number])
            else:
                _try(step, runner, runner.save)
        _hold_and_run(plan, plan.steps, tools, runner, journal, sent=resumed.sent)
    except KeyboardInterrupt:
        return _end(journal, INTERRUPTED, [*runner.messages, "interrupted; " + _left(journal)], wrote=True)
    except (RemediationError, SourceError) as error:
        return _end(journal, NOT_CONVERGED, [*runner.messages, error.message, _left(journal)], wrote=True)
    return _conclude(plan, tools, journal, runner)


def _hold_and_run(
    plan: Plan,
    steps: Sequence[Step],
    tools: Tools,
    runner: StepRunner,
    journal: Journal,
    sent: frozenset[int] = frozenset(),
) -> None:
    """Hold the lease for the time of the writes; where something is half done it stays as the sign of that."""
    settles = tools.settles
    lease = Lease(tools.writer, tools.clock.monotonic, settles or mark_of(journal), settles.run if settles else "")
    lease.acquire()
    whole = False
    try:
        _run(plan, steps, tools, runner, lease, sent)
        whole = not runner.failed and not plan.refusals
    finally:
        with uninterrupted():
            lease.release(unfinished=half_done(journal.document) or (lease.adopted and not whole))


def mark_of(journal: Journal) -> Mark:
    """Return what the lease of a run says of it."""
    return Mark(journal.document["id"], str(journal.path.absolute()), journal.document["host"])


def _prove(plan: Plan, tools: Tools, journal: Journal, runner: StepRunner) -> None:
    tools.progress("looking for a running Upgrade and at the permissions")
    _refuse_while_upgrading(plan, tools)
    check_permissions(tools.writer, plan)
    with uninterrupted():
        journal.open(plan, command=tools.command, cluster=cluster_id(tools.writer))
    tools.progress(f"saving what will be touched to {tools.backup_dir}")
    for step in plan.steps:
        _try(step, runner, runner.save)
    tools.progress("asking the server for a dry run")
    for step in plan.steps:
        if step.target.resource_version:
            _try(step, runner, runner.rehearse)


def _refuse_while_upgrading(plan: Plan, tools: Tools) -> None:
    """Raise RemediationError when an Upgrade runs, unless the plan was made to be carried out beside it."""
    refuse_while_upgrading(tools.writer, during=plan.during is not None)


def _try(step: Step, runner: StepRunner, act: Callable[[Step], None]) -> None:
    """Do something for a step, unless its repair has failed already; a failure ends that repair only."""
    if step.repair in runner.failed:
        return
    try:
        act(step)
    except Failure as failure:
        runner.give_up(step, failure)


def _run(
    plan: Plan, steps: Sequence[Step], tools: Tools, runner: StepRunner, lease: Lease, sent: frozenset[int]
) -> None:
    for _, repair in groupby(steps, key=lambda step: step.repair):
        _refuse_while_upgrading(plan, tools)  # between repairs only: half a repair is worse than a late one
        for step in repair:
            if step.repair in runner.failed:
                continue
            lease.renew()
            try:
                if step.number not in sent:
                    tools.say(f"step {step.number}: {step.action.value} {step.target.words}")
                    runner.write(step)
                tools.say(f"step {step.number}: {runner.wait(step, lease.renew)}")
            except Failure as failure:
                runner.give_up(step, failure)
                tools.say(runner.messages[-1])
                if isinstance(failure, ServerGone):
                    raise RemediationError("stopped, because the server is gone") from None


def _conclude(plan: Plan, tools: Tools, journal: Journal, runner: StepRunner) -> Outcome:
    messages = list(runner.messages)
    report = None
    remaining: list[dict[str, str]] = []
    if not runner.wrote:
        messages.append("nothing was changed")
    elif tools.recheck is not None:
        tools.progress("running the check again")
        try:
            report = tools.recheck()
            remaining = _remaining(plan, report)
            messages += _complaints(plan, report, remaining)
        except KeyboardInterrupt:
            return _end(
                journal,
                INTERRUPTED,
                [*messages, "interrupted while checking again; " + _left(journal)],
                wrote=runner.wrote,
            )
        except PreflightError as error:
            messages.append(f"the check could not be run again: {error.message}")
    word = NOT_CONVERGED if messages else CONVERGED
    return _end(journal, word, messages, remaining, report, wrote=runner.wrote)


def _remaining(plan: Plan, report: Report) -> list[dict[str, str]]:
    repaired = {(step.check, step.finding) for step in plan.steps}
    return [
        {
            "check": result.id,
            "cause": finding.cause,
            "object": f"{ref.namespace}/{ref.name}",
            "message": finding.message,
        }
        for result in report.checks
        for finding in result.findings
        if finding.severity is not Severity.INFO and (ref := finding.resource) and (result.id, ref) in repaired
        if not (plan.during and finding.transient)  # the upgrade has gone on, and works on the Addon by itself
    ]


def _complaints(plan: Plan, report: Report, remaining: list[dict[str, str]]) -> list[str]:
    found = [f"still found by {entry['check']}: {entry['message']}" for entry in remaining]
    repaired = {step.check for step in plan.steps}
    for result in report.checks:
        known = f"{result.id}: {result.reason}" in plan.undetermined
        if result.id in repaired and result.status is Status.UNKNOWN and not known:
            found.append(f"{result.id} cannot confirm the repair: {result.reason}")
    return found


def _end(
    journal: Journal,
    word: str,
    messages: Sequence[str],
    remaining: Sequence[dict[str, str]] = (),
    report: Report | None = None,
    *,
    wrote: bool,
) -> Outcome:
    told = list(messages)
    if journal.document:  # else it ended before anything was written down
        try:
            with uninterrupted():
                journal.close(word, "; ".join(messages), list(remaining))
        except RemediationError as error:
            told.append(error.message)
            word = NOT_CONVERGED if word == CONVERGED else word
    return Outcome(word, tuple(told), journal.path, wrote, report)


def _left(journal: Journal) -> str:
    if not journal.document:
        return "nothing was changed"
    words = {
        "planned": "not begun",
        "started": "sent, and whether the server did it is not known: look at it",
        "written": "done, its goal was not waited for",
    }
    waiting = [entry for entry in journal.document["steps"] if entry["state"] in words]
    if not waiting:
        return "nothing is left to do"
    return "left: " + "; ".join(
        f"step {entry['number']} ({entry['action']} {entry['object']['kind']} {entry['object']['namespace']}/"
        f"{entry['object']['name']}): {words[entry['state']]}"
        for entry in waiting
    )


def cluster_id(writer: Writer) -> str:
    """Return what tells this cluster from others: the uid of namespace kube-system, empty when not readable."""
    try:
        namespace = writer.api.get("/api/v1/namespaces/kube-system")
    except ApiError:
        return ""
    return str((namespace.get("metadata") or {}).get("uid") or "")
