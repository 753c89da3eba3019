"""GitHub-flavoured Markdown: for issues, merge requests and the step summary of a pipeline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.entries import Entry, effect_words, entries_of, objects_of
from preflight.render.headline import counted, verdict_words
from preflight.render.text import GLYPHS
from preflight.render.timeline import clock_texts, remarks, timeline
from preflight.render.typed import shared_commands
from preflight.render.undecided import undecided
from preflight.report_types import Document, FindingDocument, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
_PIPE, _ESCAPED_PIPE = re.compile(r"(?<!\\)\|"), r"\\|"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})


def render(document: Document, style: Style) -> str:
    """Write one report, or a table of the clusters and then each one."""
    lines: list[str] = []
    if "reports" in document:
        lines += [f"# {document['verdict'].upper()}: {len(document['reports'])} clusters", ""]
        rows = [
            [code(context), report["verdict"], text(", ".join(counted(report)))]
            for context, report in doc.reports(document)
        ]
        lines += [*table(("Cluster", "Verdict", "Counts"), rows), ""]
    for context, report in doc.reports(document):
        lines += _report(context, report, style)
    return "\n".join(lines).rstrip("\n") + "\n"


def text(value: str) -> str:
    """Write any text so that Markdown and HTML read it as text."""
    return _SPECIAL.sub(r"\\\1", value).translate(_ENTITIES)


def code(value: str) -> str:
    """Write any text as a code span, with a fence that is longer than any run of backticks in it."""
    if not value:
        return ""
    fence = _fence(value, 1)
    blank = " " if value.startswith("`") or value.endswith("`") else ""
    return f"{fence}{blank}{value}{blank}{fence}"


def _fence(value: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    return "`" * max(least, longest + 1)


def table(headers: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """Write a table; the cells are Markdown already. A pipe ends a cell even inside a code span, so it is escaped."""
    lines = [f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}"]
    return lines + [f"| {' | '.join(_PIPE.sub(_ESCAPED_PIPE, cell) for cell in row)} |" for row in rows]


def _report(context: str, report: ReportDocument, style: Style) -> list[str]:
    found = entries_of(report)
    place = f"{code(context)}: " if context else ""
    lines = [f"# {place}{verdict_words(report)}: {text(doc.versions(report, '→'))}", ""]
    lines += [text(" · ".join(counted(report))), ""]
    lines += [text(doc.sentence(doc.source_of(report))), ""]
    lines += [f"> {text(note)}\n" for note in report["source"]["notes"]]
    lines += _entries("Blocks the upgrade", report, found.blocking, style)
    lines += _unknown(report, style)
    lines += _entries("Warnings", report, found.warnings, style)
    lines += _waived(doc.sections(report).waived)
    lines += _entries("Good to know", report, found.infos, style)
    return [*lines, *_checked(report), ""]


def _entries(title: str, report: ReportDocument, entries: list[Entry], style: Style) -> list[str]:
    lines = [f"## {title} ({doc.amount_of(entries)})", ""] if entries else []
    for entry in entries:
        lines += [*_entry(report, entry, style), ""]
    return lines


def _entry(report: ReportDocument, entry: Entry, style: Style) -> list[str]:
    finding, check = entry.first, entry.check
    times = f" ×{entry.amount}" if entry.amount > 1 else ""
    step = f"{entry.number}. " if entry.number else ""
    lines = [f"### {step}{code(objects_of(entry, '…'))}", ""]
    label = code(f"{check['id']}: {entry.cause}") + times
    follows = f"follows from {', '.join(root.label for root in entry.roots)}" if entry.roots else ""
    effect = " · ".join(filter(None, (effect_words(finding), follows)))
    lines += [f"{label} {text(doc.message_of(finding))}" + (f" **{text(doc.sentence(effect))}**" if effect else ""), ""]
    lines += _moments(finding)
    if finding["transient"]:
        lines += ["- Expected to pass by itself: `--wait` waits for it."]
    if entry.amount == 1:
        lines += [f"- {text(words)}: {code(value)}" for words, value in doc.evidence_of(finding)]
    if finding["severity"] != "info" and (ignored := doc.enforcement(finding)):
        lines += [f"- If ignored: {text(ignored)}"]
    lines += [f"- Docs: {_link(check['docs'])}"] if check["docs"] else []
    first = doc.hint_of(finding)[0]
    lines += ["", f"**Next:** {text(doc.sentence(first))}"] if first else []
    commands = [line for command in shared_commands(report, entry, style.caller) for line in command.split("\n")]
    fence = _fence("".join(commands), 3)
    lines += ["", f"{fence}sh", *commands, fence] if commands else []
    return [*lines, *_objects(entry)]


def _moments(finding: FindingDocument) -> list[str]:
    moments = timeline(finding)
    if not moments:
        return []
    rows = [
        [text(time), text(moment.event), text(moment.clock), text("; ".join(filter(None, (remark, moment.note))))]
        for moment, time, remark in zip(moments, clock_texts(moments), remarks(moments), strict=True)
    ]
    return [*table(("Time", "Event", "Clock", "Note"), rows), ""]


def _objects(entry: Entry) -> list[str]:
    """List the objects of an entry, folded."""
    if entry.amount == 1:
        return []
    rows = [[code(doc.object_of(one)), text(doc.message_of(one))] for one in entry.findings]
    summary = f"<details><summary>{entry.amount} objects</summary>"
    return ["", summary, "", *table(("Object", "Finding"), rows), "", "</details>"]


def _link(url: str) -> str:
    return f"<{url}>" if re.fullmatch(r"https?://[^\s<>\"\\`|]+", url) else text(url)


def _unknown(report: ReportDocument, style: Style) -> list[str]:
    reasons = undecided(report, style.caller)
    if not reasons:
        return []
    rows = [
        [
            " ".join(part for part in (text(reason.text), code(reason.command)) if part),
            ", ".join(map(code, reason.deciding)),
            ", ".join(map(code, reason.advisory)),
        ]
        for reason in reasons
    ]
    title = f"## Could not be determined ({len(doc.sections(report).unknown)})"
    return [title, "", *table(("Reason", "Checks that decide", "Advisory checks"), rows), ""]


def _waived(items: list[doc.Item]) -> list[str]:
    if not items:
        return []
    rows = []
    for item in items:
        waived = item.waiver
        label = code(f"{item.check['id']}: {item.finding['cause']}")
        cells = [code(doc.object_of(item.finding)), label, text(item.finding["message"])]
        why = " ".join(filter(None, (waived["reason"], doc.server_waiver(item))))
        rows.append([*cells, text(why), text(waived["expires"])])
    headers = ("Object", "Cause", "Finding", "Waived because", "Until")
    return [f"## Waived ({doc.amount(items)})", "", *table(headers, rows), ""]


def _checked(report: ReportDocument) -> list[str]:
    rows = [
        [
            f"{GLYPHS[check['status']][0]} {check['status']}",
            text(check["category"]),
            code(check["id"]),
            text(check["title"]),
            text(check["reason"]),
        ]
        for check in report["checks"]
    ]
    if not rows:
        return ["No check ran, so nothing can be said about this cluster."]
    summary = f"<details><summary>What was checked ({len(rows)})</summary>"
    return [summary, "", *table(("Status", "Category", "Check", "Title", "Reason"), rows), "", "</details>"]
