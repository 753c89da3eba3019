"""The timeline of a finding, drawn with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from preflight.render.text import glyph, paint, wrap
from preflight.render.timeline import clock_texts, offsets, timeline

if TYPE_CHECKING:
    from preflight.render import Style


def timeline_lines(finding: dict[str, Any], style: Style, indent: str) -> list[str]:
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
    for moment, line in zip(moments, table.splitlines(), strict=True):
        column = line.index(bar)
        lines.append(indent + line)
        margin = indent + " " * column + bar + "    "
        notes = wrap(moment.note, style.width, margin) if moment.note else []
        lines += [margin[:-4] + paint(note[len(margin) - 4 :], "yellow", style.colour) for note in notes]
    return lines
