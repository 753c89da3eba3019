"""Print a plan or a journal: as a table for people, as JSON for programs. Pure functions."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from preflight.commandline import Caller, called, shell_line
from preflight.documents import API_VERSION
from preflight.remediation.journal import DONE, step_dict
from preflight.remediation.plan import During, First, Plan, Refusal, Step
from preflight.report import command_dict, resource_dict
from preflight.values.foreign_text import visible
from preflight.values.times import format_time

_LABELLED = re.compile(r"   (?:for|by|why|risk|LOSES|undo|until|cure|needed) +|\d+\. ")

US = Caller()
STRATEGY_WORDS = {
    "recreate-job": "let the install Job run again",
    "toggle": "disable and enable the Addon",
    "settle-status": "write the status by hand",
    "rebuild": "uninstall the Addon and create it again, disabled",
    "clean-leftovers": "delete what an Addon left behind",
    "rollback": "put back what a fix changed",
}


def plan_dict(plan: Plan) -> dict[str, Any]:
    """Write a plan as schemas/plan.schema.json describes it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "PreflightPlan",
        "source": {
            "type": plan.source.type,
            "name": plan.source.name,
            "collectedAt": format_time(plan.source.collected_at),
            "context": plan.source.context or None,
            "connection": list(plan.source.connection),
            "clusterUid": plan.source.cluster_uid or None,
        },
        "upgrade": {
            "from": str(plan.upgrade.from_version) if plan.upgrade.from_version else None,
            "to": str(plan.upgrade.to_version) if plan.upgrade.to_version else None,
        },
        "preconditions": [_first_dict(first) for first in plan.first],
        "steps": [step_dict(step) for step in plan.steps],
        "refused": [_refusal_dict(refusal) for refusal in plan.refusals],
        "nothingToDo": [_refusal_dict(refusal) for refusal in plan.cleared],
        "undetermined": list(plan.undetermined),
        "duringUpgrade": _during_dict(plan.during),
    }


def _during_dict(during: During | None) -> dict[str, str] | None:
    return (
        {"kind": during.kind, "upgrade": during.upgrade, "state": during.state, "then": during.then} if during else None
    )


def _first_dict(first: First) -> dict[str, Any]:
    finding = first.cause.finding
    return {
        "id": finding.id,
        "check": first.cause.check,
        "cause": finding.cause,
        "severity": finding.severity.value,
        "resource": resource_dict(finding.resource),
        "message": finding.message,
        "hint": finding.hint,
        "commands": [command_dict(command) for command in finding.commands],
        "steps": list(first.steps),
        "needed": first.needed,
    }


def _refusal_dict(refusal: Refusal) -> dict[str, Any]:
    return {
        "check": refusal.check,
        "cause": refusal.cause,
        "resource": resource_dict(refusal.resource),
        "reason": refusal.reason,
    }


def plan_json(plan: Plan) -> str:
    """Print a plan as JSON."""
    return json.dumps(plan_dict(plan), indent=2, ensure_ascii=False) + "\n"


def plan_table(
    plan: Plan,
    *,
    offline: bool,
    applying: bool = False,
    width: int = 100,
    caller: Caller = US,
    again: Sequence[str] = (),
) -> str:
    """Print a plan for people: what comes first, what would be done, what is left alone, and the same by hand.

    Sentences are wrapped at `width` columns; commands never are, so that they can be pasted: they carry the connection
    flags of the run. `again` is the command that made the plan, without its connection flags and without --apply.
    """
    lines = [_headline(plan)]
    if plan.during:
        lines.append(f"{plan.during.words} runs beside it ({plan.during.state}).")
    for first in plan.first:
        lines += ["", *_first_lines(first)]
    for step in plan.steps:
        lines += ["", *_step_lines(step)]
    if plan.cleared:
        lines += ["", "Nothing to put back:", *(_refusal_line(refusal) for refusal in plan.cleared)]
    if plan.refusals:
        lines += ["", "Left alone:", *(_refusal_line(refusal) for refusal in plan.refusals)]
    if plan.undetermined:
        lines += ["", "Could not be determined:", *(f"  {entry}" for entry in plan.undetermined)]
    if plan.steps and plan.during:
        lines += ["", f"Then: {plan.during.then}."]
    written = list(_wrapped(lines, width))
    if plan.steps:
        written += ["", "The same by hand, one after the other:", *(f"  {line}" for line in _by_hand(plan))]
        if not applying:
            words, command = _last_lines(plan, again, caller, offline=offline)
            written += ["", *_wrapped([words], width), *(f"  {line}" for line in command)]
    return visible("\n".join(written), keep_newlines=True) + "\n"


def _by_hand(plan: Plan) -> Iterator[str]:
    flags = shell_line(plan.source.connection)
    for step in plan.steps:
        for line in step.commands:
            yield f"kubectl {flags}{line.removeprefix('kubectl')}" if flags and line.startswith("kubectl ") else line


def _first_lines(first: First) -> list[str]:
    finding = first.cause.finding
    numbers = ", ".join(map(str, first.steps))
    steps = f" (before step{'s' * (len(first.steps) != 1)} {numbers})" if first.steps else ""
    lasting = "the repair does not hold without it: --apply wants --force while it is so"
    return [
        f"First, {first.cause.words}{steps}",
        f"   why     {finding.message}",
        f"   cure    {finding.hint}",
        *([f"   needed  {lasting}"] if first.needed else []),
    ]


def _wrapped(lines: Sequence[str], width: int) -> Iterator[str]:
    for line in lines:
        label = _LABELLED.match(line)
        indent = len(label.group()) if label else len(line) - len(line.lstrip()) + 4
        yield from textwrap.wrap(
            line,
            width,
            subsequent_indent=" " * indent,
            drop_whitespace=True,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]


def _headline(plan: Plan) -> str:
    context = f", context {plan.source.context}" if plan.source.context else ""
    where = f"({plan.source.type}: {plan.source.name}{context})"
    if not plan.steps and plan.cleared:
        return "PLAN: nothing to put back" + (" that may be put back" if plan.refusals else "") + f" {where}"
    if not plan.steps:
        return "PLAN: nothing to repair" + (" that may be repaired" if plan.refusals else "") + f" {where}"
    repairs = len({step.repair for step in plan.steps})
    words = f"{len(plan.steps)} step{'s' * (len(plan.steps) != 1)} for {repairs} finding{'s' * (repairs != 1)}"
    return f"PLAN: {words} {where}. Nothing has been changed."


def _step_lines(step: Step) -> list[str]:
    target = step.target
    state = ", ".join(
        part
        for part in (
            f"uid {target.uid}" if target.uid else "",
            f"resourceVersion {target.resource_version}" if target.resource_version else "",
        )
        if part
    )
    ref = step.finding
    lines = [
        f"{step.number}. {step.action.value} {target.words}" + (f" ({state})" if state else ""),
        f"   for     {step.check}: {step.cause} of {ref.kind} {ref.namespace}/{ref.name}",
        f"   by      {step.strategy}: {STRATEGY_WORDS.get(step.strategy, '')}",
        f"   why     {step.reason}",
    ]
    for word, text in (("risk", step.risk), ("LOSES", step.loses), ("undo", step.undo), ("until", step.goal.words)):
        if text:
            lines.append(f"   {word:<7} {text}")
    return lines


def _refusal_line(refusal: Refusal) -> str:
    ref = refusal.resource
    name = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    return f"  {ref.kind} {name} ({refusal.check}: {refusal.cause}): {refusal.reason}"


def _last_lines(plan: Plan, again: Sequence[str], caller: Caller, *, offline: bool) -> tuple[str, list[str]]:
    """Say how the plan is carried out, and by which command; a copy gets none, since nothing can be changed there."""
    if offline:
        return (
            "This source is a copy, which cannot be repaired: type the commands where the cluster is, or plan there.",
            [],
        )
    lost = any(step.destructive for step in plan.steps)
    needed = any(first.needed for first in plan.first)
    force = ["--force"] if (lost or needed) and "--force" not in again else []
    why = ", because of what is lost" if lost else ""
    words = f"with --apply{' --force' * bool(force)}{why}"
    if needed and not lost:
        words = "with --apply once what comes first is cured, or now with --apply --force"
        force = []
    if not again:
        return f"To carry it out: the same command {words}.", []
    return f"To carry it out, {words}:", [
        shell_line(called((*again, "--apply", *force), plan.source.connection, caller))
    ]


def _ended(journal: dict[str, Any]) -> str:
    if journal["outcome"] == "converged":
        return "every step reached its goal"
    if journal["outcome"] != "running":
        return "it did not come to its end"
    done = [entry for entry in journal["steps"] if entry["state"] == DONE]
    return (
        f"the run was cut off, or is still at work: {len(done)} of {len(journal['steps'])} steps reached their goal; "
        "the others are below"
    )


def journal_table(journal: dict[str, Any]) -> str:
    """Print a journal for people."""
    lines = [f"{journal['outcome'].upper()}: {journal['message'] or _ended(journal)}"]
    for entry in journal["steps"]:
        named = entry["object"]
        where = f"{named['namespace']}/{named['name']}" if named["namespace"] else named["name"]
        told = f": {entry['message']}" if entry["message"] else ""
        lines.append(f"  {entry['number']}. {entry['action']} {named['kind']} {where}: {entry['state']}{told}")
    return visible("\n".join(lines), keep_newlines=True) + "\n"
