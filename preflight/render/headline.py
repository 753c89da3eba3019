"""The first lines and the last line of a report: the verdict, of what, as of when, and how many gates came to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.text import glyph, paint, wrap
from preflight.report_types import Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

MOST_NOTES = 3
"""How many notes the first screen has; all of them stand in -v and in JSON."""
VERDICTS = {"ready": "bold green", "blocked": "bold red", "undecided": "bold yellow"}


def fleet_line(document: Document, style: Style) -> list[str]:
    """Answer for all clusters in one line, then name the verdict of each."""
    listed = doc.reports(document)
    amounts = []
    for verdict in ("blocked", "undecided", "ready"):
        names = [context or "cluster" for context, report in listed if report["verdict"] == verdict]
        amounts += [f"{len(names)} {verdict}: {', '.join(names)}"] if names else []
    word = document["verdict"].upper()
    lines = wrap(f"{word}  {len(listed)} clusters; {'; '.join(amounts)}", style.width, "", "  ")
    return [lines[0].replace(word, paint(word, VERDICTS[document["verdict"]], style.colour), 1), *lines[1:]]


def verdict_words(report: ReportDocument) -> str:
    """Return the verdict; of a partial run never the bare word READY."""
    scope = report.get("scope")
    word = str(report["verdict"]).upper()
    if scope and scope["partial"]:
        flags = ", ".join(scope.get("by") or ("--select", "--skip"))  # reports of earlier versions do not say
        return f"{word} as far as asked: {scope['asked']} of {scope['applicable']} gates ({flags})"
    return word


def first_lines(report: ReportDocument, style: Style) -> list[str]:
    """Write the verdict with versions and counts, then which cluster it is of, as of when."""
    # \0 holds a count together, and with it the dot before it, when the line breaks.
    dot = ", " if style.ascii else f" {glyph('dot', False)}\0"
    counts = dot.join(text.replace(" ", "\0") for text in counted(report))
    words = verdict_words(report)
    head = wrap(f"{words}  {doc.versions(report, glyph('arrow', style.ascii))}   {counts}", style.width, "", "  ")
    head = [line.replace("\0", " ") for line in head]
    word = words.split(" ", 1)[0]
    head[0] = head[0].replace(word, paint(word, VERDICTS[report["verdict"]], style.colour), 1)
    if style.quiet:
        return head
    head += [paint(line, "dim", style.colour) for line in wrap(_cluster(report), style.width, "", "  ")]
    notes = report["source"]["notes"]
    if style.verbose:
        told = [line for note in notes for line in wrap(f"Note: {note}", style.width, "", "  ")]
    else:
        told = [shortest(f"Note: {note}", style) for note in notes[:MOST_NOTES]]
    head += [paint(line, "dim", style.colour) for line in told]
    return head


def nothing_read(report: ReportDocument) -> bool:
    """Say whether one line says all: nothing was read, and nothing else is to be told."""
    return bool(report["source"].get("unread")) and not any(check["findings"] for check in report["checks"])


def unread_line(report: ReportDocument, style: Style) -> list[str]:
    """Write the whole report of a source of which nothing was read: verdict, of which cluster, why, exit code."""
    source, words = report["source"], verdict_words(report)
    unread = source.get("unread")
    named = f"{source['context']}: " if source.get("context") else ""
    text = f"{words}  {named}{unread['text'] if unread else ''}  exit code {report['exitCode']}"
    first, *more = wrap(text, style.width, "", "  ")
    word = words.split(" ", 1)[0]
    return [first.replace(word, paint(word, VERDICTS[report["verdict"]], style.colour), 1), *more]


def shortest(text: str, style: Style) -> str:
    """Keep a text to one line of the screen."""
    end = "..." if style.ascii else "…"
    return text if len(text) <= style.width else text[: style.width - len(end)].rstrip() + end


def _cluster(report: ReportDocument) -> str:
    source = report["source"]
    name = " ".join(filter(None, (source.get("context"), source["name"])))
    kind = "" if source["type"] == "live" else f"{source['type']} "
    return f"{kind}{name}  as of {source['collectedAt']}"


def counted(report: ReportDocument) -> list[str]:
    """Count gates by what they came to, and the objects behind those that block; gates and objects are never mixed."""
    found, summary = doc.sections(report), report["summary"]
    gates = sum(summary[status] for status in ("pass", "warn", "fail", "unknown"))
    if not gates:
        return ["no gate was judged"]
    texts = []
    if found.blockers:
        blocking = len({item.check["id"] for item in found.blockers})
        objects = doc.amount(found.blockers)
        noun = "object" if objects == 1 else "objects"
        texts.append(f"{blocking} of {gates} gates {'block' if blocking != 1 else 'blocks'} ({objects:,} {noun})")
    else:
        texts.append(f"{gates} gates")
    texts += [f"{len({item.check['id'] for item in found.warnings})} warn"] if found.warnings else []
    texts.append(f"{summary['unknown']} undecided")
    texts.append(f"{summary['pass']} pass")
    texts += [f"{summary['waived']} waived"] if summary["waived"] else []
    return texts


def last_line(report: ReportDocument, style: Style) -> str:
    """Write the verdict once more, where a terminal that scrolled shows it, with the exit code."""
    words = verdict_words(report)
    word = words.split(" ", 1)[0]
    text = f"{words}  {doc.versions(report, glyph('arrow', style.ascii))}  exit code {report['exitCode']}"
    return text.replace(word, paint(word, VERDICTS[report["verdict"]], style.colour), 1)
