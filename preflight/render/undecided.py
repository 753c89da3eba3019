"""What could not be determined, by reason: one missing permission makes many checks unknown and is mended once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from preflight.commandline import TOOL, Caller, shell_line
from preflight.render import document as doc
from preflight.report_types import CheckDocument, ReasonDocument, ReportDocument

CODES = {
    "forbidden": "not allowed",
    "not-served": "not served",
    "not-in-source": "not in this source",
    "node-only": "only visible on the node",
    "timed-out": "timed out",
    "crashed": "the check crashed",
    "unparsable": "not understood",
    "unreachable": "not reachable",
    "incomplete": "incomplete",
    "conflicting": "contradictory",
    "error": "",
}


US = Caller()
_KUBECTL = re.compile(r"(?:^|(?<=\| ))kubectl ")
"""Where a line, or a part of a pipe, calls kubectl."""
_ADDED = "kubectl get "
MOST_ABSENT = 3
"""How many kinds that a file lacks are named one by one."""
_ADDRESS = re.compile(r"https?://[^\s,;]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\[[0-9a-fA-F:]+\]:\d+")


@dataclass(frozen=True, slots=True)
class Group:
    """One reason and the checks it keeps from an answer."""

    text: str
    command: str
    """What to type about it; empty when the reason names nothing."""
    deciding: list[str] = field(default_factory=list)
    advisory: list[str] = field(default_factory=list)

    @property
    def checks(self) -> str:
        """Name the checks, the advisory ones apart."""
        parts = [", ".join(self.deciding)] if self.deciding else []
        return "; ".join([*parts, f"advisory, does not decide: {', '.join(self.advisory)}"] if self.advisory else parts)


def undecided(report: ReportDocument, caller: Caller = US) -> list[Group]:
    """Group by reason, those that keep the verdict open first. A check with several reasons is under each.

    What to type about a reason reaches the cluster that was asked.
    """
    found: dict[tuple[str, str], Group] = {}
    for check in doc.sections(report).unknown:
        for words in dict.fromkeys(reasons(check)):
            reason = found.setdefault(words, Group(words[0], cure_line(report, words[1], caller)))
            (reason.deciding if doc.decides(report, check) else reason.advisory).append(check["id"])
    return sorted(found.values(), key=lambda reason: not reason.deciding)


def briefly(groups: list[Group], caller: Caller = US) -> list[Group]:
    """Make one of the many kinds that a file lacks: a snapshot brings them all, where a command each would fill a screen."""
    absent = [group for group in groups if group.command.startswith(_ADDED)]
    if len(absent) <= MOST_ABSENT:
        return groups
    kinds = [group.command.split()[2] for group in absent]
    text = f"Not in this source: {len(absent)} kinds, such as {', '.join(kinds[:3])}; a snapshot holds them all:"
    one = Group(text, shell_line((*caller.program, "snapshot", "-o", "FILE")))
    for group in absent:
        one.deciding.extend(name for name in group.deciding if name not in one.deciding)
        one.advisory.extend(name for name in group.advisory if name not in (*one.advisory, *one.deciding))
    rest = [group for group in groups if group not in absent]
    return sorted([one, *rest], key=lambda group: not group.deciding)


def cure_line(report: ReportDocument, line: str, caller: Caller) -> str:
    """Write what settles an unknown, which is a line already, for the cluster that was asked."""
    flags = shell_line(report["source"].get("connection") or ())
    if flags:
        line = _KUBECTL.sub(lambda match: f"{match[0]}{flags} ", line)
    return shell_line(caller.program) + line.removeprefix(TOOL) if line.startswith(f"{TOOL} ") else line


def reasons(check: CheckDocument) -> list[tuple[str, str]]:
    """Return (sentence, command) for each reason of a check: what several nodes share once, with the nodes behind it."""
    same: dict[tuple[str, str, str], list[ReasonDocument]] = {}
    for reason in check.get("reasons") or [_reason(check)]:
        text, node = reason["text"], reason.get("node") or ""
        key = (reason["code"], folded(text, node), reason.get("cure") or "")
        same.setdefault(key, []).append(reason)
    return [_in_words(code, text, cure, told) for (code, text, cure), told in same.items()]


def _reason(check: CheckDocument) -> ReasonDocument:
    """Make a value of the reason in words, which is all an older report has."""
    text = check["reason"].strip() or "no reason given"
    return {"code": "error", "text": text, "node": None, "namespace": None, "cure": None}


def folded(text: str, node: str) -> str:
    """Leave out of a reason what differs from node to node, so that three kubelets that are down are one reason."""
    return _ADDRESS.sub("…", text.replace(node, "…") if node else text)


def _in_words(code: str, text: str, cure: str, told: list[ReasonDocument]) -> tuple[str, str]:
    if len(told) == 1:
        text = told[0]["text"]
    if cure and text.endswith(f": {cure}"):
        text = text.removesuffix(cure).rstrip()
    if nodes := list(dict.fromkeys(filter(None, (reason.get("node") for reason in told)))):
        names = ", ".join(nodes[:3]) + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")
        text = f"{f'{len(nodes)} nodes ({names})' if len(nodes) > 1 else f'node {names}'}: {text}"
    word = CODES.get(code, "")
    return doc.sentence(f"{word}: {text}" if word else text), cure
