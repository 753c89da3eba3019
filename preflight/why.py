"""What a running upgrade waits for, out of a report: the runs, the findings that are the reason, the one command.

Rule for the verdict, `hangs` before `undecided` before `under-way`: an upgrade that hangs is one whatever could not be
read; one that seems to be well is so only when all that would show the opposite was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from preflight.check import Check
from preflight.errors import ExitCode, Unreadable
from preflight.fields import labels_of, name_of, text_at
from preflight.inventory import Inventory
from preflight.report_types import CheckDocument, CommandDocument, FindingDocument, ReportDocument

Json = dict[str, Any]
Known = Mapping[str, tuple[CheckDocument, FindingDocument]]
"""Finding id → its check and itself."""

RUNS = ("upgrade-in-progress", "upgrade-plan-in-progress")
"""The gates whose findings are upgrades that run."""
CODES = {
    "none": ExitCode.READY,
    "under-way": ExitCode.READY,
    "hangs": ExitCode.BLOCKED,
    "undecided": ExitCode.UNDECIDED,
}
ASKS_ITSELF = ("harvester-preflight", "why")
"""The command that a reader of this answer has typed already."""


def checks_asked(checks: Sequence[Check]) -> tuple[str, ...]:
    """Name the gates to ask: those of running upgrades, those that can be their reason, and the reasons of these."""
    wanted = set(RUNS)
    for _ in range(2):
        wanted |= {one.check for check in checks if check.id in wanted for one in check.explained_by}
        wanted |= {check.id for check in checks if any(one.check in wanted for one in check.explains)}
    return tuple(check.id for check in checks if check.id in wanted)


def why_dict(report: ReportDocument, inventory: Inventory) -> Json:
    """Write the answer as schemas/why.schema.json describes it."""
    runs = list(_runs(report))
    unknown = [
        {"check": check["id"], "reason": check["reason"]}
        for check in report["checks"]
        if check["id"] in RUNS and check["status"] == "unknown"
    ]
    verdict = _verdict(runs, unknown)
    return {
        "apiVersion": report["apiVersion"],
        "kind": "PreflightWhy",
        "tool": report["tool"],
        "source": report["source"],
        "upgrade": report["upgrade"],
        "verdict": verdict,
        "exitCode": int(CODES[verdict]),
        "runs": runs,
        "undetermined": unknown,
        "last": None if runs else _last(inventory),
    }


def _verdict(runs: Iterable[Json], unknown: Sequence[Json]) -> str:
    runs = list(runs)
    if any(run["hangs"] for run in runs):
        return "hangs"
    if unknown or any(run["unread"] for run in runs):
        return "undecided"
    return "under-way" if runs else "none"


def _runs(report: ReportDocument) -> Iterator[Json]:
    known = {finding["id"]: (check, finding) for check in report["checks"] for finding in check["findings"]}
    for check in report["checks"]:
        for finding in check["findings"] if check["id"] in RUNS else ():
            if "hangs" in finding["evidence"]:
                yield _run(finding, [_reason(*known[name]) for name in _roots(finding, known)])


def _run(finding: FindingDocument, reasons: list[Json]) -> Json:
    told = finding["evidence"]
    hangs, ref = bool(told["hangs"]), next(iter(told.get("waitsFor") or ()), None)
    hint, command = _advised(finding, reasons) if hangs else (finding["hint"].split("\n")[0], None)
    return {
        "resource": finding["resource"],
        "state": told.get("state") or told.get("phase"),
        "target": told.get("target"),
        "step": told["step"],
        "since": told.get("since"),
        "forSeconds": told.get("forSeconds"),
        "hangs": hangs,
        "cause": finding["cause"],
        "waitsFor": {"text": told["waitsForText"], "resource": ref} if told.get("waitsForText") else None,
        "reasons": reasons,
        "hint": hint,
        "command": command,
        "collect": finding["commands"] if finding["cause"] == "hangs-unexplained" else [],
        "nodes": told.get("nodes") or {},
        "lookedAt": told.get("lookedAt") or [],
        "unread": told.get("unread") or [],
        "pods": list(finding["touches"].get("pod", ())),
    }


def _roots(finding: FindingDocument, known: Known) -> list[str]:
    """Return the ids of the findings it follows from, near ones first."""
    found: list[str] = []
    todo = [name for name in finding["causedBy"] if name in known]
    while todo:
        name = todo.pop(0)
        if name not in found:
            found.append(name)
            todo += [one for one in known[name][1]["causedBy"] if one in known]
    return found


def _reason(check: CheckDocument, finding: FindingDocument) -> Json:
    return {
        "check": check["id"],
        "id": finding["id"],
        "severity": finding["severity"],
        "cause": finding["cause"],
        "resource": finding["resource"],
        "message": finding["message"],
        "hint": finding["hint"].split("\n")[0],
        "commands": finding["commands"],
        "repairable": finding["remediation"] is not None,
    }


def _advised(finding: FindingDocument, reasons: Iterable[Json]) -> tuple[str, CommandDocument | None]:
    """Return the hint and the one command: those of the nearest reason that can be repaired, else the upgrade's own."""
    for told in (*(reason for reason in reasons if reason["repairable"]), finding):
        for command in told["commands"]:
            if tuple(command["argv"][:2]) != ASKS_ITSELF:
                return told["hint"].split("\n")[0], command
    return finding["hint"].split("\n")[0], None


def _last(inventory: Inventory) -> Json | None:
    """Return the Upgrade that was created last, where none runs any more."""
    ended = []
    for obj in inventory.get("upgrades.harvesterhci.io").objects:
        try:
            created, target = text_at(obj, "metadata.creationTimestamp"), text_at(obj, "spec.version")
            ended.append((created, name_of(obj), target, text_at(labels_of(obj), "[harvesterhci.io/upgradeState]")))
        except Unreadable:
            continue
    if not ended:
        return None
    _, name, target, state = max(ended)
    return {"name": name, "target": target or None, "state": state or None}
