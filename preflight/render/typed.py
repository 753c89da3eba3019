"""What a reader types next: commands with the flags, the name and the cluster of the run that the report is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from preflight.commandline import TOOL, Caller, aimed, called, shell_line
from preflight.render import document as doc
from preflight.render.entries import Entry
from preflight.report_types import CommandDocument, FindingDocument, ReportDocument, SourceDocument, UpgradeDocument

BESIDE = "--during-upgrade"
"""The flag of a repair that a running Upgrade waits for."""
MOST = 4
"""How many commands an entry has; -v and JSON have them all."""


class Aim(TypedDict):
    """What a command needs of a report, or of another answer about a cluster."""

    source: SourceDocument
    upgrade: UpgradeDocument


def commands_of(report: ReportDocument, finding: FindingDocument, caller: Caller) -> list[str]:
    """Return the command lines of a finding, ready to paste: they reach the cluster that was checked.

    What a command is for stands above it, as a comment on a line of its own.
    """
    told = finding.get("commands")
    if not told:  # of a check that knows no commands as values, such as an older third party's
        return doc.hint_of(finding)[1]
    return [
        "\n".join(filter(None, (f"# {command['why']}" * bool(command["why"]), _line(report, command, caller))))
        for command in told
    ]


def _line(report: ReportDocument, command: CommandDocument, caller: Caller) -> str:
    return line_of(report, command["argv"], command["where"], caller)


def shared_commands(report: ReportDocument, entry: Entry, caller: Caller) -> list[str]:
    """Return the commands that serve a whole entry: those all its findings have, or the repair of all of them."""
    commands = [commands_of(report, finding, caller) for finding in entry.findings]
    common = [line for line in commands[0] if all(line in other for other in commands)]
    if common or entry.amount == 1:
        return common[:MOST]
    if all(finding["remediation"] for finding in entry.findings):
        beside = [BESIDE] if all(_has(finding, BESIDE) for finding in entry.findings) else []
        return [line_of(report, (TOOL, "fix", *beside, "--only", str(entry.check["id"])), "tool", caller)]
    return []


def _has(finding: FindingDocument, flag: str) -> bool:
    return any(flag in command["argv"] for command in finding.get("commands") or ())


def line_of(report: Aim, argv: Sequence[str], where: str, caller: Caller) -> str:
    """Write one command for a POSIX shell."""
    flags = list(report["source"].get("connection") or ())
    if where == "tool":
        return shell_line(_tool_words(report, list(argv), flags, caller))
    return shell_line(aimed(argv, flags) if where == "cluster" else argv)


def _tool_words(report: Aim, argv: list[str], flags: list[str], caller: Caller) -> list[str]:
    source, target = report["source"], report["upgrade"]["to"]
    if source["type"] != "live":  # what is no cluster can be planned for, not changed
        argv = [word for word in argv if word not in ("--apply", "--yes")]
        flags = ["--source", f"demo:{source['name']}" if source["type"] == "demo" else source["name"]]
    if target and "check" in argv[:2] and "--to" not in argv:
        flags += ["--to", target]
    return called(argv, flags, caller)
