"""Everything written out (-v): each finding with its times, its measurements and its links; then what was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.headline import first_lines, fleet_line, last_line
from preflight.render.text import COLOURS, glyph, paint, to_ascii, wrap
from preflight.render.typed import commands_of
from preflight.report_types import CheckDocument, Document, FindingDocument, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

MAX_EVIDENCE = 6


def render(document: Document, style: Style) -> str:
    """Write one report, or a line for the fleet and then each cluster's report."""
    lines: list[str] = []
    listed = doc.reports(document)
    if "reports" in document:
        lines += fleet_line(document, style)
    for context, report in listed:
        if "reports" in document:
            lines += ["", paint(f"== {context or 'cluster'} ==", "bold", style.colour)]
        lines += _report(report, style)
    text = "\n".join(line.rstrip() for line in lines)
    return to_ascii(text) if style.ascii else text


def _report(report: ReportDocument, style: Style) -> list[str]:
    found = doc.sections(report)
    lines = first_lines(report, style)
    lines += _section(report, f"Blocks the upgrade ({doc.amount(found.blockers)})", "fail", found.blockers, style)
    lines += _unknown(report, style)
    lines += _section(report, f"Warnings ({doc.amount(found.warnings)})", "warn", found.warnings, style)
    lines += _waived(found.waived, style)
    lines += _section(report, f"Good to know ({doc.amount(found.infos)})", "info", found.infos, style)
    return [*lines, *_checked(report, style), "", last_line(report, style)]


def _heading(title: str, style: Style) -> list[str]:
    return ["", paint(title, "bold", style.colour)]


def _section(report: ReportDocument, title: str, sign: str, items: list[doc.Item], style: Style) -> list[str]:
    lines = _heading(title, style) if items else []
    for item in items:
        lines += ["", *finding_lines(report, item, sign, style)]
    return lines


def finding_lines(report: ReportDocument, item: doc.Item, sign: str, style: Style, indent: str = "") -> list[str]:
    """Write one finding: object and cause, the sentence, timeline, evidence, who stops for it, docs, next command."""
    finding, check, inner = item.finding, item.check, indent + "  "
    mark = glyph(sign, style.ascii)
    head = f"{mark} {doc.object_of(finding)}"
    label = f"{check['id']}: {finding['cause']}"
    gap = "  " if len(indent + head + label) + 2 <= style.width else f"\n{inner}"
    lines = (indent + paint(head, f"bold {COLOURS.get(sign, 'cyan')}", style.colour) + gap + label).split("\n")
    return lines + detail_lines(report, item, style, inner)


def detail_lines(report: ReportDocument, item: doc.Item, style: Style, inner: str) -> list[str]:
    """Write what there is to say about one finding, without its head."""
    from preflight.render.timeline_text import timeline_lines

    finding, check = item.finding, item.check
    lines = wrap(doc.message_of(finding), style.width, inner)
    if finding["transient"]:
        lines += wrap("This is expected to pass by itself; --wait waits for it.", style.width, inner)
    if rows := timeline_lines(finding, style, inner):
        lines += ["", *rows, ""]
    lines += _evidence(finding, style, inner)
    if finding["severity"] != "info" and (ignored := doc.enforcement(finding)):
        lines += wrap(f"If ignored: {ignored}", style.width, inner, inner + "  ")
    lines += wrap(f"Docs: {check['docs']}", style.width, inner, inner + "  ") if check["docs"] else []
    return lines + _next(report, finding, style, inner)


def _evidence(finding: FindingDocument, style: Style, inner: str) -> list[str]:
    pairs = doc.evidence_of(finding)
    shown = pairs if style.verbose else pairs[:MAX_EVIDENCE]
    text = "; ".join(f"{key}: {value}" for key, value in shown)
    if len(shown) < len(pairs):
        text += f"; {len(pairs) - len(shown)} more with -v"
    return wrap(f"Measured: {text}", style.width, inner, inner + "  ") if text else []


def _next(report: ReportDocument, finding: FindingDocument, style: Style, inner: str) -> list[str]:
    first, commands = doc.hint_of(finding)[0], commands_of(report, finding, style.caller)
    lines = wrap(f"Next: {doc.sentence(first)}", style.width, inner, inner + "  ") if first else []
    # A command is never wrapped: it is there to be copied.
    return lines + [
        f"{inner}  {paint(line, 'cyan', style.colour)}" for command in commands for line in command.split("\n")
    ]


def _unknown(report: ReportDocument, style: Style) -> list[str]:
    from preflight.render.undecided import undecided

    reasons = undecided(report, style.caller)
    checks = len(doc.sections(report).unknown)
    lines = _heading(f"Could not be determined ({checks})", style) if reasons else []
    mark = paint(glyph("unknown", style.ascii), COLOURS["unknown"], style.colour)
    for reason in reasons:
        first, *more = wrap(reason.text, style.width - 2, "", "  ")
        lines += ["", f"{mark} {first}", *more]
        lines += [f"    {paint(reason.command, 'cyan', style.colour)}"] if reason.command else []
        lines += wrap(reason.checks, style.width, "  Checks: ", "    ")
    return lines


def _waived(items: list[doc.Item], style: Style) -> list[str]:
    lines = _heading(f"Waived ({doc.amount(items)})", style) if items else []
    for item in items:
        waived = item.waiver
        head = (
            f"{glyph('waived', style.ascii)} {doc.object_of(item.finding)}  {item.check['id']}: {item.finding['cause']}"
        )
        until = f" until {waived['expires']}" if waived["expires"] else ""
        lines += ["", head, *wrap(doc.sentence(item.finding["message"]), style.width, "  ")]
        lines += wrap(f"Waived{until}: {waived['reason']}", style.width, "  ", "    ")
        lines += wrap(doc.server_waiver(item), style.width, "  ")
    return lines


def _checked(report: ReportDocument, style: Style) -> list[str]:
    lines = _heading("What was checked", style)
    for category, checks in doc.by_category(report).items():
        lines += [f"  {category}", *(line for check in checks for line in _verbose_check(check, style))]
    if not any(report["summary"][status] for status in ("pass", "warn", "fail", "unknown")):
        lines += wrap("Nothing: no check ran, so nothing can be said about this cluster.", style.width, "  ")
    return lines


def _verbose_check(check: CheckDocument, style: Style) -> list[str]:
    mark = paint(glyph(check["status"], style.ascii), COLOURS[check["status"]], style.colour)
    first, *more = wrap(
        f"{check['id']}: {check['title']} ({check['durationMs']:.0f} ms)", style.width - 6, "", "      "
    )
    lines = [f"    {mark} {first}", *more]
    return lines + (wrap(doc.sentence(check["reason"]), style.width, "      ") if check["reason"] else [])
