"""The timeline of a finding, drawn with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render.text import glyph, paint, wrap
from preflight.render.timeline import clock_texts, offsets, remarks, timeline
from preflight.report_types import FindingDocument

if TYPE_CHECKING:
    from preflight.render import Style


def timeline_lines(finding: FindingDocument, style: Style, indent: str) -> list[str]:
    """Write one row per moment: time, how long after the first, what happened, whose clock says so; then its note."""
    from tabulate import tabulate

    moments = timeline(finding)
    if not moments:
        return []
    bar = glyph("bar", style.ascii)
    rows = [
        [time, offset, bar, moment.event, f"({moment.clock})" if moment.clock else ""]
        for moment, time, offset in zip(moments, clock_texts(moments), offsets(moments), strict=True)
    ]
    table = tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=("left", "right", "left", "left", "left"))
    lines = []
    for moment, remark, line in zip(moments, remarks(moments), table.splitlines(), strict=True):
        margin = indent + " " * line.index(bar) + bar + "    "
        lines.append(indent + line)
        lines += [_tail(text, margin, "yellow", style) for text in wrap(remark, style.width, margin)]
        lines += [_tail(text, margin, "dim", style) for text in wrap(moment.note, style.width, margin)]
    return lines


def _tail(line: str, margin: str, colour: str, style: Style) -> str:
    return margin + paint(line[len(margin) :], colour, style.colour)
