"""Annotations of a GitHub Actions run. GitHub shows ten of each level for a step, so one fault is one annotation and
there are never more than ten of a level; the step summary has them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.entries import Entry, effect_words, entries_of, objects_of
from preflight.render.headline import counted, verdict_words
from preflight.render.typed import commands_of
from preflight.render.undecided import undecided
from preflight.report_types import Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

_VERDICTS = {"ready": "notice", "blocked": "error", "undecided": "error"}
MOST = 10
"""How many annotations of one level GitHub shows for a step."""


def render(document: Document, style: Style) -> str:
    """Write one workflow command per line: the verdict, entries, then what could not be determined."""
    lines: list[tuple[str, str, str]] = []
    for context, report in doc.reports(document):
        prefix = f"{context}: " if context else ""
        answer = f"{prefix}{verdict_words(report)} {doc.versions(report, '→')}"
        lines.append((_VERDICTS[report["verdict"]], answer, ", ".join(counted(report))))
        found = entries_of(report)
        for level, group in (("error", found.blocking), ("warning", found.warnings), ("notice", found.infos)):
            lines += [_entry(level, prefix, report, entry, style) for entry in group]
        for reason in undecided(report, style.caller):
            names = ", ".join([*reason.deciding, *reason.advisory][:MOST])
            level = "error" if reason.deciding else "warning"
            text = "\n".join(filter(None, (reason.text, reason.command)))
            lines.append((level, f"{prefix}could not be determined: {names}", text))
        lines += [_entry("notice", f"{prefix}waived: ", report, entry, style) for entry in found.waived]
    return "".join(f"{command(*line)}\n" for line in _capped(lines))


def _capped(lines: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Keep ten of each level; the last one says how many there are besides."""
    kept: list[tuple[str, str, str]] = []
    for level in ("error", "warning", "notice"):
        mine = [line for line in lines if line[0] == level]
        if len(mine) > MOST:
            rest = "; ".join(title for _, title, _ in mine[MOST - 1 :])
            mine = [*mine[: MOST - 1], (level, f"and {len(mine) - MOST + 1} more, see the step summary", rest[:500])]
        kept += mine
    return sorted(kept, key=lambda line: lines.index(line) if line in lines else len(lines))


def command(level: str, title: str, message: str) -> str:
    """Write a workflow command; what has a meaning in one is percent-encoded."""
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    head = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={head}::{escaped}"


def _entry(level: str, prefix: str, report: ReportDocument, entry: Entry, style: Style) -> tuple[str, str, str]:
    finding = entry.first
    title = f"{prefix}{entry.check['id']}: {entry.cause}" + (f" ×{entry.amount}" if entry.amount > 1 else "")
    parts = [objects_of(entry, "…"), doc.sentence(finding["message"]), doc.sentence(effect_words(finding))]
    parts.append(doc.sentence(doc.hint_of(finding)[0]))
    if entry.amount == 1:
        parts += commands_of(report, finding, style.caller)
    if waived := finding["waived"]:
        item = doc.Item(entry.check, finding)
        parts += [f"Waived until {waived['expires']}: {waived['reason']}", doc.server_waiver(item)]
    return level, title, "\n".join(part for part in parts if part)
