"""Every check in one row, whatever came of it, with its findings beneath; nothing shortened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.full import finding_lines
from preflight.render.headline import first_lines, fleet_line
from preflight.render.text import COLOURS, glyph, paint, to_ascii, wrap
from preflight.report_types import CheckDocument, Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

HEADERS = ("", "CHECK", "CATEGORY", "STATUS", "TIME", "STOPS FOR IT", "TITLE")


def render(document: Document, style: Style) -> str:
    """Write one block per report."""
    lines = fleet_line(document, style) if "reports" in document else []
    for context, report in doc.reports(document):
        lines += ["", paint(f"== {context or 'cluster'} ==", "bold", style.colour)] if "reports" in document else []
        lines += _report(report, replace(style, verbose=1))
    text = "\n".join(line.rstrip() for line in lines)
    return to_ascii(text) if style.ascii else text


def _report(report: ReportDocument, style: Style) -> list[str]:
    from tabulate import tabulate

    lines = first_lines(report, style)
    if not report["checks"]:
        return [*lines, "", "No check ran, so nothing can be said about this cluster."]
    rows = [_row(check, style) for check in report["checks"]]
    head, *body = tabulate(rows, HEADERS, tablefmt="plain", disable_numparse=True).splitlines()
    lines += ["", paint(head, "bold", style.colour)]
    for check, row in zip(report["checks"], body, strict=True):
        mark = row[0]
        lines.append(paint(mark, COLOURS[check["status"]], style.colour) + row[1:])
        lines += wrap(doc.sentence(check["reason"]), style.width, "     ") if check["reason"] else []
        for finding in check["findings"]:
            lines += _finding(report, doc.Item(check, finding), style)
    return lines


def _row(check: CheckDocument, style: Style) -> list[str]:
    enforcers = dict.fromkeys(name for finding in check["findings"] for name in finding["enforcedBy"])
    status = check["status"] + (" (required)" if check["required"] else "")
    return [
        glyph(check["status"], style.ascii),
        check["id"],
        check["category"],
        status,
        f"{check['durationMs']:.1f} ms",
        ", ".join(enforcers),
        check["title"],
    ]


def _finding(report: ReportDocument, item: doc.Item, style: Style) -> list[str]:
    waived = item.waived
    sign = "waived" if waived else item.finding["severity"]
    lines = ["", *finding_lines(report, item, sign, style, "     ")]
    if waived:
        until = f" until {waived['expires']}" if waived["expires"] else ""
        lines += wrap(f"Waived{until}: {waived['reason']}", style.width, "       ")
        lines += wrap(doc.server_waiver(item), style.width, "     ")
    return [*lines, ""]
