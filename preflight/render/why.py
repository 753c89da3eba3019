"""What a running upgrade waits for, for people: one block for each, the answer first, the one command last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from preflight.render import document as doc
from preflight.render.text import glyph, paint, sanitised, to_ascii, wrap
from preflight.render.typed import Aim, line_of
from preflight.values.times import human_duration

if TYPE_CHECKING:
    from preflight.render import Style

Json = dict[str, Any]

HEADS = {
    "hangs": ("HANGS", "bold red"),
    "undecided": ("UNDECIDED", "bold yellow"),
    "under-way": ("UNDER WAY", "bold green"),
    "none": ("NO UPGRADE RUNS", "bold green"),
}
STEPS = ("logging", "image", "repository", "preload", "system-services", "nodes")
INDENT = 13
MOST_LOOKED, MOST_REASONS = 6, 4
MOST_LINES = 4
"""Lines of one text; -v has it whole."""


def render_why(document: Json, style: Style) -> str:
    """Write the answer."""
    document = sanitised(document)
    lines = [*_head(document, style)]
    for run in document["runs"]:
        lines += ["", *_run(document, run, style)]
    for entry in document["undetermined"]:
        lines += _labelled("not known", f"{entry['check']}: {entry['reason']}", style)
    lines += ["", _word(document, style) + f"  exit code {document['exitCode']}"]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return to_ascii(text) if style.ascii else text


def _word(document: Json, style: Style) -> str:
    word, colours = HEADS[document["verdict"]]
    return paint(word, colours, style.colour)


def _head(document: Json, style: Style) -> Iterator[str]:
    source = document["source"]
    runs = document["runs"]
    yield _word(document, style) + (f"  {_named(runs[0])}" if len(runs) == 1 else "")
    name = " ".join(filter(None, (source.get("context"), source["name"])))
    kind = "" if source["type"] == "live" else f"{source['type']} "
    yield from wrap(f"{kind}{name}  as of {source['collectedAt']}", style.width, "", "  ")
    last = document["last"]
    if last and document["verdict"] == "none":
        yield from wrap(f"The last one, {last['name']}{_to(last['target'])}, has ended: {last['state']}.", style.width)


def _to(target: str | None) -> str:
    return f" to {target}" if target else ""


def _named(run: Json) -> str:
    ref = run["resource"]
    return f"{ref['kind']} {ref['name']}{_to(run['target'])}"


def _run(document: Json, run: Json, style: Style) -> Iterator[str]:
    if len(document["runs"]) > 1:
        yield from wrap(_named(run), style.width, "", "  ")
    yield from _labelled("step", _step(run, style), style)
    if run["nodes"]:
        dot = ", " if style.ascii else f" {glyph('dot', False)} "
        yield from _labelled(
            "nodes", dot.join(f"{node} {state or 'no state'}" for node, state in run["nodes"].items()), style
        )
    if run["waitsFor"]:
        yield from _labelled("waits for" if run["hangs"] else "at work on", run["waitsFor"]["text"], style)
    yield from _reasons(run, style)
    yield from _looked(run, style)
    yield from _unread(run, style)
    yield from _logs(run, style)
    yield from _next(document, run, style)


def _step(run: Json, style: Style) -> str:
    lasted = f" for {human_duration(run['forSeconds'])}" if run["forSeconds"] is not None else ""
    since = f", since {run['since']}" if run["since"] else ""
    place = f" ({STEPS.index(run['step']) + 1} of {len(STEPS)})" if run["step"] in STEPS else ""
    state = f" {glyph('dot', style.ascii)} {run['state']}" if run["state"] else ""
    return f"{run['step']}{place}{lasted}{since}{state}"


def _reasons(run: Json, style: Style) -> Iterator[str]:
    for number, reason in enumerate(run["reasons"]):
        if number >= MOST_REASONS and not style.verbose:
            yield from _labelled("", f"and {len(run['reasons']) - number} more (-v)", style)
            return
        label = "reason" if not number else "besides" if reason["severity"] == "fail" else "perhaps"
        yield from _labelled(label, f"{reason['check']} ({reason['cause']}): {doc.sentence(reason['message'])}", style)


def _looked(run: Json, style: Style) -> Iterator[str]:
    if not (style.verbose or run["cause"] == "hangs-unexplained"):
        return
    looked = run["lookedAt"] if style.verbose else run["lookedAt"][:MOST_LOOKED]
    for number, text in enumerate(looked):
        yield from _labelled("" if number else "looked at", text, style)


def _unread(run: Json, style: Style) -> Iterator[str]:
    if style.verbose or len(run["unread"]) == 1:
        for text in run["unread"]:
            yield from _labelled("not read", text, style)
    elif run["unread"]:
        kinds = ", ".join(text.partition(": ")[0] for text in run["unread"])
        yield from _labelled("not read", f"{kinds} (-v says why)", style)


def _logs(run: Json, style: Style) -> Iterator[str]:
    for log in run.get("logs") or ():
        yield from _labelled("log of", log["pod"] + (f" ({log['reason']})" if log["reason"] else ""), style)
        yield from (f"{' ' * INDENT}{glyph('bar', style.ascii)} {line}" for line in log["lines"])


def _next(document: Json, run: Json, style: Style) -> Iterator[str]:
    aim: Aim = {"source": document["source"], "upgrade": document["upgrade"]}
    yield from _labelled("next", doc.sentence(run["hint"]), style)
    commands = run["collect"] or ([run["command"]] if run["command"] else [])
    for command in commands:
        if command["why"] and len(commands) > 1:
            yield f"{' ' * INDENT}# {command['why']}"
        line = line_of(aim, command["argv"], command["where"], style.caller)
        yield f"{' ' * INDENT}{paint(line, 'cyan', style.colour)}"


def _labelled(label: str, text: str, style: Style) -> list[str]:
    lines = wrap(text, style.width, " " * INDENT)
    if len(lines) > MOST_LINES and not style.verbose:
        end = "..." if style.ascii else "…"
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][: style.width - len(end)] + end]
    head = f"  {label}".ljust(INDENT)
    return [paint(head, "dim", style.colour) + lines[0][INDENT:], *lines[1:]] if lines else [head]
