"""The default: can I upgrade, what blocks, what to type next. One fault is one entry, and the first screen is the answer.

With -v every finding is written out (preflight.render.full); with -q a line each. What one entry has to show is shown
with --show CHECK[:OBJECT], and without being asked when exactly one entry blocks.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.entries import Entries, Entry, effect_words, entries_of, objects_of
from preflight.render.full import detail_lines
from preflight.render.headline import first_lines, fleet_line, last_line, nothing_read, unread_line
from preflight.render.text import COLOURS, glyph, paint, to_ascii, wrap
from preflight.render.typed import shared_commands
from preflight.render.undecided import Group, briefly, undecided
from preflight.report_types import Document, FindingDocument, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

FULL_ENTRIES = 6
"""How many blocking entries are written with their objects and commands; further ones get a line each."""
MOST_LINES = 12
"""How many lines a section of one-line entries has."""
MOST_MESSAGE, MOST_OF_MANY = 3, 2
"""Lines of the message in an entry of one object, and of several, where each has its own; -v has it whole."""


def render(document: Document, style: Style) -> str:
    """Write one report, or a line for the fleet and then each cluster's report."""
    if style.verbose:
        from preflight.render.full import render as render_full

        return render_full(document, style)
    listed = doc.reports(document)
    lines: list[str] = fleet_line(document, style) if "reports" in document else []
    headed = "reports" in document
    for context, report in listed:
        before, headed = headed, "reports" in document and not nothing_read(report)
        lines += [""] if before or headed else []
        lines += [paint(f"== {context or 'cluster'} ==", "bold", style.colour)] if headed else []
        lines += report_lines(report, style)
    text = "\n".join(line.rstrip() for line in lines)
    return to_ascii(text) if style.ascii else text


def report_lines(report: ReportDocument, style: Style) -> list[str]:
    """Write one report: verdict, entries, what was checked, verdict again."""
    if nothing_read(report):
        return unread_line(report, style)
    found = entries_of(report)
    lines = first_lines(report, style)
    if style.quiet:
        lines += [line for entry in found.blocking for line in _one_line(entry, "fail", style)]
        return [*lines, last_line(report, style)]
    body = [*_blocking(report, found, style), *_further(report, found, style)]
    lines += ["", *body] if body else []
    return [*lines, *_foot(report, found, style), last_line(report, style)]


def _blocking(report: ReportDocument, found: Entries, style: Style) -> list[str]:
    lines: list[str] = []
    told = len(found.blocking) == 1 and found.blocking[0].amount == 1 and not style.show
    for place, entry in enumerate(found.blocking):
        if told or shown(entry, style.show):
            lines += [*_head(entry, "fail", style), *_details(report, entry, style)]
        elif place < FULL_ENTRIES:
            lines += [*_head(entry, "fail", style), *_body(report, entry, style)]
        else:
            lines += _capped(found.blocking[FULL_ENTRIES:], "fail", style)
            break
    return lines


def shown(entry: Entry, wanted: tuple[str, ...]) -> bool:
    """Say whether --show names this entry: by its check, and where an object is given, by that."""
    for text in wanted:
        check, _, name = text.partition(":")
        if fnmatchcase(str(entry.check["id"]), check) and (
            not name or any(_named(one, name) for one in entry.findings)
        ):
            return True
    return False


def _named(finding: FindingDocument, name: str) -> bool:
    ref = finding["resource"]
    return name in (ref["name"], f"{ref['namespace']}/{ref['name']}", f"{ref['kind']}/{ref['namespace']}/{ref['name']}")


def _head(entry: Entry, sign: str, style: Style) -> list[str]:
    """Write `1 ✗ check  cause  ×2` with what happens at the right, where there is room, else beneath."""
    mark = paint(glyph(sign, style.ascii), f"bold {COLOURS.get(sign, 'cyan')}", style.colour)
    step = f"{entry.number or ' '} "
    times = f"  {'x' if style.ascii else '×'}{entry.amount:,}" if entry.amount > 1 else ""
    label = f"{entry.check['id']}  {entry.cause}{times}"
    length = len(step) + 2 + len(label)
    note = _note(entry)
    line = f"{step}{mark} {paint(str(entry.check['id']), 'bold', style.colour)}  {entry.cause}{times}"
    if not note:
        return [line]
    if length + 2 + len(note) <= style.width:
        room = min(style.width, 100) - length
        return [line + " " * max(room - len(note), 2) + paint(note, "dim", style.colour)]
    return [line, *wrap(note, style.width, "    ")]


def _note(entry: Entry) -> str:
    if entry.blocks and not entry.number:
        return f"follows from {_labels(entry.roots)}"
    words = effect_words(entry.first)
    explained = f"explains {_labels(entry.explains)}" if entry.explains and not entry.blocks else ""
    return ", ".join(filter(None, (words, explained)))


def _labels(entries: list[Entry]) -> str:
    return ", ".join(dict.fromkeys(entry.label for entry in entries[:3])) + (" …" if len(entries) > 3 else "")


def _body(report: ReportDocument, entry: Entry, style: Style) -> list[str]:
    finding, several = entry.first, entry.amount > 1
    lines = []
    message = doc.message_of(finding)
    if several or finding["resource"]["name"] not in message:
        lines += wrap(objects_of(entry, _ellipsis(style)), style.width, "    ", "      ")
    if entry.blocks and not entry.number and several:
        return lines
    told = wrap(message, style.width, "    ")
    lines += _cut(told, MOST_OF_MANY if several else MOST_MESSAGE, style)
    if finding["transient"]:
        lines += wrap("This is expected to pass by itself; --wait waits for it.", style.width, "    ")
    return lines + _next(report, entry, style)


def _next(report: ReportDocument, entry: Entry, style: Style) -> list[str]:
    first = doc.hint_of(entry.first)[0]
    arrow = glyph("arrow", style.ascii)
    roots = [root for root in entry.roots if not root.blocks]
    if roots:
        first = f"First {roots[0].check['id']} (below), then: {first[:1].lower()}{first[1:]}"
    indent = " " * (len(arrow) + 5)
    lines = wrap(f"{arrow} {doc.sentence(first)}", style.width, "    ", indent) if first else []
    # A command is never wrapped: it is there to be copied.
    told = [line for command in shared_commands(report, entry, style.caller)[:1] for line in command.split("\n")]
    return lines + [f"{indent}{paint(line, 'cyan', style.colour)}" for line in told]


def _details(report: ReportDocument, entry: Entry, style: Style) -> list[str]:
    """Write an entry with its times, its measurements and its links."""
    lines: list[str] = []
    for finding in entry.findings[:3]:
        named = [] if entry.amount == 1 else [f"    {doc.object_of(finding)}"]
        lines += [*named, *detail_lines(report, doc.Item(entry.check, finding), style, "    ")]
    if entry.amount > 3:
        lines += wrap(f"{entry.amount - 3:,} more objects of this cause: -o name", style.width, "    ")
    return lines


def _one_line(entry: Entry, sign: str, style: Style) -> list[str]:
    head = _head(entry, sign, style)
    what = objects_of(entry, _ellipsis(style))
    if len(head) == 1 and entry.amount == 1:
        plain_length = len(f"{entry.number or ' '} x {entry.check['id']}  {entry.cause}")
        note = _note(entry)
        if plain_length + 3 + len(what) + (len(note) + 2 if note else 0) <= style.width:
            mark = paint(glyph(sign, style.ascii), f"bold {COLOURS.get(sign, 'cyan')}", style.colour)
            name = paint(str(entry.check["id"]), "bold", style.colour)
            return [f"{entry.number or ' '} {mark} {name}  {entry.cause}   {what}" + (f"  ({note})" if note else "")]
    return head


def _capped(entries: list[Entry], sign: str, style: Style) -> list[str]:
    lines: list[str] = []
    for place, entry in enumerate(entries):
        told = _one_line(entry, sign, style)[:1]
        if len(lines) + len(told) > MOST_LINES - 1 and place < len(entries) - 1:
            rest = list(dict.fromkeys(str(one.check["id"]) for one in entries[place:]))
            more = f"and {len(entries) - place} more causes (-v): {', '.join(rest)}"
            return [*lines, *_cut(wrap(more, style.width, "    ", "    "), 3, style)]
        lines += told
    return lines


def _further(report: ReportDocument, found: Entries, style: Style) -> list[str]:
    lines: list[str] = []
    for group in [entry for entry in (*found.warnings, *found.infos) if shown(entry, style.show)]:
        lines += [*_head(group, group.severity, style), *_details(report, group, style)]
    lines += _capped([entry for entry in found.warnings if not shown(entry, style.show)], "warn", style)
    return lines + _unknown(report, style)


def _unknown(report: ReportDocument, style: Style) -> list[str]:
    mark = paint(glyph("unknown", style.ascii), COLOURS["unknown"], style.colour)
    lines: list[str] = []
    groups = briefly(undecided(report, style.caller), style.caller)
    for place, group in enumerate(groups):
        if len(lines) >= MOST_LINES and place < len(groups) - 1:
            checks = {name for one in groups[place:] for name in (*one.deciding, *one.advisory)}
            return [*lines, f"  {mark} and {len(groups) - place} more reasons for {len(checks)} gates (-v)"]
        first, *more = wrap(f"{_who(group)}  {group.text}", style.width - 4, "", "")
        lines += [f"  {mark} {first}", *(f"    {line}" for line in _cut(more, 2, style))]
        lines += [f"      {paint(group.command, 'cyan', style.colour)}"] if group.command else []
    return lines


def _who(group: Group) -> str:
    names = [*group.deciding, *group.advisory]
    text = names[0] if len(names) == 1 else f"{len(names)} gates"
    return text if group.deciding else f"{text} (advisory)"


def _foot(report: ReportDocument, found: Entries, style: Style) -> list[str]:
    summary = report["summary"]
    scope = report.get("scope")
    left_out = len(scope["leftOut"]) if scope else 0
    skipped = summary["skipped"] - left_out
    parts = [f"{glyph('pass', style.ascii)} {summary['pass']} gates pass"]
    parts += [f"{glyph('skipped', style.ascii)} {skipped} do not apply"] if skipped > 0 else []
    parts += [f"{glyph('skipped', style.ascii)} {left_out} left out"] if left_out else []
    parts += [f"{glyph('waived', style.ascii)} {doc.amount_of(found.waived)} waived"] if found.waived else []
    parts += (
        [f"{glyph('info', style.ascii)} {len(found.infos)} {'note' if len(found.infos) == 1 else 'notes'}"]
        if found.infos
        else []
    )
    more = ["all of it: -v"]
    ids = [str(entry.check["id"]) for entry in (*found.blocking, *found.warnings)]
    more += [f"one: --show {ids[0]}"] if ids else []
    more.append("page: --report html=FILE")
    dot = glyph("dot", style.ascii)
    left = f" {dot} ".join(parts)
    right = f" {dot} ".join(more)
    if len(left) + len(right) + 6 <= style.width:
        return [f"  {left}" + " " * max(min(style.width, 100) - len(left) - len(right) - 2, 4) + right]
    return [f"  {left}", *wrap(right, style.width, "  ", "  ")]


def _cut(lines: list[str], most: int, style: Style) -> list[str]:
    """Keep the first lines, with a sign where the rest was."""
    if len(lines) <= most:
        return lines
    end = _ellipsis(style)
    last = lines[most - 1]
    return [*lines[: most - 1], (last if len(last) + len(end) < style.width else last[: -len(end) - 1]) + end]


def _ellipsis(style: Style) -> str:
    return "..." if style.ascii else "…"
