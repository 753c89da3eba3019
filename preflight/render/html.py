"""One self-contained page: nothing is fetched, everything can be searched, read on a phone and printed.

The page forbids itself every connection, and every script and style but its own two, by their hashes: even a text that
came through unescaped could not run.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from preflight.render import document as doc
from preflight.render.entries import Entry, effect_words, entries_of, objects_of
from preflight.render.headline import counted, verdict_words
from preflight.render.text import GLYPHS
from preflight.render.timeline import clock_texts, offsets, remarks, timeline
from preflight.render.timeline_svg import drawing
from preflight.render.typed import commands_of, shared_commands
from preflight.render.undecided import undecided
from preflight.report_types import Document, FindingDocument, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: Document, style: Style) -> str:
    """Write the page for one report or for many."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    css, script = _resource("report.css"), _resource("report.js")
    environment = Environment(
        loader=PackageLoader("preflight.render", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        # Both are this package's own files; their hashes below are what the browser lets in.
        css=Markup(css),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(css)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        document=document,
        fleet="reports" in document,
        glyphs={name: glyphs[0] for name, glyphs in GLYPHS.items()},
        pages=[_page(index, *each, style) for index, each in enumerate(doc.reports(document))],
        title=_title(document),
    )


def _title(document: Document) -> str:
    """Name verdict, cluster and versions: what a browser's tab and a printed page show."""
    listed = doc.reports(document)
    if len(listed) != 1:
        return f"{document['verdict'].upper()}: {len(listed)} clusters, harvester-preflight"
    context, report = listed[0]
    cluster = context or report["source"].get("context") or report["source"]["name"]
    return f"{verdict_words(report)} {cluster} {doc.versions(report, '→')}, harvester-preflight"


def _resource(name: str) -> str:
    return files("preflight.render").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _page(index: int, context: str, report: ReportDocument, style: Style) -> dict[str, Any]:
    found, entries = doc.sections(report), entries_of(report)
    groups = (
        ("blockers", "Blocks the upgrade", "fail", entries.blocking),
        ("warnings", "Warnings", "warn", entries.warnings),
        ("waived", "Waived", "waived", entries.waived),
        ("infos", "Good to know", "info", entries.infos),
    )
    sections: list[dict[str, Any]] = [
        {
            "id": id,
            "title": title,
            "sign": sign,
            "count": doc.amount_of(group),
            "cards": [_card(report, entry, style) for entry in group],
        }
        for id, title, sign, group in groups
        if group
    ]
    cards = [card for section in sections for card in section["cards"]]
    return {
        "id": f"r{index}",
        "context": context,
        "report": report,
        "verdict": report["verdict"],
        "words": verdict_words(report),
        "versions": doc.versions(report, "→"),
        "counts": counted(report),
        "source": doc.source_of(report),
        "unknown": len(found.unknown),
        "reasons": undecided(report, style.caller),
        "sections": sections,
        "areas": list(dict.fromkeys(card["area"] for card in cards)),
        "nodes": sorted({node for card in cards for node in card["nodes"]}),
        "gates": doc.by_category(report),
    }


def _card(report: ReportDocument, entry: Entry, style: Style) -> dict[str, Any]:
    finding, docs = entry.first, entry.check["docs"]
    moments = timeline(finding)
    shared = shared_commands(report, entry, style.caller)
    return {
        "title": objects_of(entry, "…"),
        "number": entry.number,
        "amount": entry.amount,
        "check": entry.check["id"],
        "area": entry.check["category"],
        "nodes": sorted({node for one in entry.findings for node in nodes_of(one)}),
        "cause": entry.cause,
        "effect": effect_words(finding),
        "follows": [root.label for root in entry.roots],
        "explains": [follower.label for follower in entry.explains],
        "message": doc.message_of(finding),
        "transient": finding["transient"],
        "rows": list(zip(clock_texts(moments), offsets(moments), remarks(moments), moments, strict=True)),
        "drawing": drawing(moments),
        "evidence": doc.evidence_of(finding),
        "objects": [_object(report, one, shared, style) for one in entry.findings] if entry.amount > 1 else [],
        "server_waiver": doc.server_waiver(doc.Item(entry.check, finding)),
        "ignored": doc.enforcement(finding) if finding["severity"] != "info" else "",
        "docs": docs,
        "docs_is_link": docs.startswith(("https://", "http://")),
        "hint": doc.sentence(doc.hint_of(finding)[0]),
        "commands": shared,
        "waived": finding["waived"],
    }


def _object(report: ReportDocument, finding: FindingDocument, shared: list[str], style: Style) -> dict[str, Any]:
    own = [line for line in commands_of(report, finding, style.caller) if line not in shared]
    return {"object": doc.object_of(finding), "message": doc.message_of(finding), "commands": own}


def nodes_of(finding: FindingDocument) -> list[str]:
    """Name the nodes a finding is about."""
    own = [finding["resource"]["name"]] if finding["resource"]["kind"] == "Node" else []
    return [*own, *(finding.get("touches") or {}).get("node", ())]
