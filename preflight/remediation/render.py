"""Print a plan or a journal: as a table for people, as JSON for programs. Pure functions."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from preflight.remediation.journal import API_VERSION, DONE, step_dict
from preflight.remediation.plan import During, Plan, Refusal, Step
from preflight.report import resource_dict
from preflight.values.foreign_text import visible
from preflight.values.times import format_time

_LABELLED = re.compile(r"   (?:for|by|why|risk|LOSES|undo|until) +|\d+\. ")

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
        },
        "upgrade": {
            "from": str(plan.upgrade.from_version) if plan.upgrade.from_version else None,
            "to": str(plan.upgrade.to_version) if plan.upgrade.to_version else None,
        },
        "steps": [step_dict(step) for step in plan.steps],
        "refused": [_refusal_dict(refusal) for refusal in plan.refusals],
        "nothingToDo": [_refusal_dict(refusal) for refusal in plan.cleared],
        "undetermined": list(plan.undetermined),
        "duringUpgrade": _during_dict(plan.during),
    }


def _during_dict(during: During | None) -> dict[str, str] | None:
    return {"upgrade": during.upgrade, "state": during.state, "then": during.then} if during else None


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


def plan_table(plan: Plan, *, offline: bool, applying: bool = False, width: int = 100) -> str:
    """Print a plan for people: what would be done, what is left alone, and the same by hand.

    Sentences are wrapped at `width` columns; commands never are, so that they can be pasted.
    """
    lines = [_headline(plan)]
    if plan.during:
        lines.append(f"Upgrade {plan.during.upgrade} runs beside it ({plan.during.state}).")
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
    if plan.steps:
        commands = [f"  {command}" for step in plan.steps for command in step.commands]
        last = [] if applying else ["", _last_line(plan, offline)]
        by_hand = ["", "The same by hand, one after the other:", *commands]
        return (
            visible("\n".join([*_wrapped(lines, width), *by_hand, *_wrapped(last, width)]), keep_newlines=True) + "\n"
        )
    return visible("\n".join(_wrapped(lines, width)), keep_newlines=True) + "\n"


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
    if not plan.steps and plan.cleared:
        return "PLAN: nothing to put back" + (" that may be put back" if plan.refusals else "")
    if not plan.steps:
        return "PLAN: nothing to repair" + (" that may be repaired" if plan.refusals else "")
    repairs = len({step.repair for step in plan.steps})
    words = f"{len(plan.steps)} step{'s' * (len(plan.steps) != 1)} for {repairs} finding{'s' * (repairs != 1)}"
    return f"PLAN: {words} ({plan.source.type}: {plan.source.name}). Nothing has been changed."


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


def _last_line(plan: Plan, offline: bool) -> str:
    if offline:
        return "This source is a copy: type the commands, or run `fix --apply` against the cluster itself."
    if any(step.destructive for step in plan.steps):
        return "To carry it out: the same command with --apply --force, because of what is lost."
    return "To carry it out: the same command with --apply."


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
