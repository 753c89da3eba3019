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
from preflight.render.text import GLYPHS
from preflight.render.timeline import clock_texts, offsets, remarks, timeline
from preflight.render.timeline_svg import drawing
from preflight.render.undecided import undecided

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: dict[str, Any], style: Style) -> str:
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
        pages=[_page(index, *each) for index, each in enumerate(doc.reports(document))],
    )


def _resource(name: str) -> str:
    return files("preflight.render").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _page(index: int, context: str, report: dict[str, Any]) -> dict[str, Any]:
    found = doc.sections(report)
    groups = (
        ("blockers", "Blocks the upgrade", "fail", found.blockers),
        ("warnings", "Warnings", "warn", found.warnings),
        ("waived", "Waived", "waived", found.waived),
        ("infos", "Good to know", "info", found.infos),
    )
    return {
        "id": f"r{index}",
        "context": context,
        "report": report,
        "verdict": report["verdict"],
        "versions": doc.versions(report, "→"),
        "counts": doc.counts(report),
        "source": doc.source_of(report),
        "unknown": len(found.unknown),
        "reasons": undecided(report),
        "sections": [
            {
                "id": id,
                "title": title,
                "sign": sign,
                "count": doc.amount(items),
                "cards": [_card(item) for item in items],
            }
            for id, title, sign, items in groups
            if items
        ],
        "gates": doc.by_category(report),
    }


def _card(item: doc.Item) -> dict[str, Any]:
    finding, docs = item.finding, item.check["docs"]
    first, commands = doc.hint_of(finding)
    moments = timeline(finding)
    return {
        "object": doc.object_of(finding),
        "check": item.check["id"],
        "cause": finding["cause"],
        "message": doc.message_of(finding),
        "transient": finding["transient"],
        "rows": list(zip(clock_texts(moments), offsets(moments), remarks(moments), moments, strict=True)),
        "drawing": drawing(moments),
        "evidence": doc.evidence_of(finding),
        "server_waiver": doc.server_waiver(item),
        "ignored": doc.enforcement(finding) if finding["severity"] != "info" else "",
        "docs": docs,
        "docs_is_link": docs.startswith(("https://", "http://")),
        "hint": doc.sentence(first),
        "commands": commands,
        "waived": item.waived,
    }
