"""Annotations of a GitHub Actions run. GitHub shows ten of each level for a step; the step summary has them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from preflight.render import document as doc

if TYPE_CHECKING:
    from preflight.render import Style

_VERDICTS = {"ready": "notice", "blocked": "error", "undecided": "error"}


def render(document: dict[str, Any], style: Style) -> str:
    """Write one workflow command per line: the verdict, findings, then what could not be determined."""
    lines: list[str] = []
    for context, report in doc.reports(document):
        prefix = f"{context}: " if context else ""
        tallies = ", ".join(words for _, words in doc.counts(report)) or "no check ran"
        answer = f"{prefix}{report['verdict'].upper()} {doc.versions(report, '→')}"
        lines.append(command(_VERDICTS[report["verdict"]], answer, tallies))
        found = doc.sections(report)
        for level, group in (("error", found.blockers), ("warning", found.warnings), ("notice", found.infos)):
            lines += [_finding(level, prefix, item) for item in group]
        for check in found.unknown:
            level = "error" if doc.decides(report, check) else "warning"
            lines.append(command(level, f"{prefix}{check['id']}: could not be determined", check["reason"]))
        lines += [_finding("notice", f"{prefix}waived: ", item) for item in found.waived]
    return "".join(f"{line}\n" for line in lines)


def command(level: str, title: str, message: str) -> str:
    """Write a workflow command; what has a meaning in one is percent-encoded."""
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    head = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={head}::{escaped}"


def _finding(level: str, prefix: str, item: doc.Item) -> str:
    finding = item.finding
    title = f"{prefix}{item.check['id']}: {finding['cause']}"
    first, commands = doc.hint_of(finding)
    where, message = doc.object_of(finding), doc.sentence(finding["message"])
    parts = [message if message.startswith(where) else f"{where}: {message}", doc.sentence(first), *commands]
    if item.waived:
        parts += [f"Waived until {item.waived['expires']}: {item.waived['reason']}", doc.server_waiver(item)]
    return command(level, title, "\n".join(part for part in parts if part))
