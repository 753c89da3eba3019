"""Turn a report into text, one module per format. Pure: no terminal, no clock, no files.

Shape: a document is the dict of `preflight.report.report_dict` (a PreflightReport), or a PreflightReportList
`{apiVersion, kind, verdict, exitCode, reports: [{context, …PreflightReport}]}`; every format takes both.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from preflight.commandline import Caller
from preflight.render.shorten import shortened
from preflight.render.text import sanitised
from preflight.report_types import Document

RENDERERS: dict[str, str] = {
    "table": "preflight.render.table",
    "wide": "preflight.render.wide",
    "json": "preflight.render.json_",
    "yaml": "preflight.render.yaml_",
    "name": "preflight.render.name",
    "markdown": "preflight.render.markdown",
    "step-summary": "preflight.render.markdown",
    "junit": "preflight.render.junit",
    "sarif": "preflight.render.sarif",
    "html": "preflight.render.html",
    "github": "preflight.render.github",
    "gitlab": "preflight.render.gitlab",
    "prometheus": "preflight.render.prometheus",
    "openreports": "preflight.render.openreports",
    "policyreport": "preflight.render.policyreport",
}
"""Format → module. A module is imported when its format is used; each has `render(document, style) -> str`."""

EXACT = frozenset({"json", "yaml"})
"""Formats that keep every string as it is, because their own notation escapes control characters reversibly."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a text for people may look. Machine formats do not look at it."""

    colour: bool = False
    width: int = 80
    """Columns to wrap sentences at; commands are never wrapped."""
    ascii: bool = False
    verbose: int = 0
    quiet: bool = False
    """First line, a line for each blocker, last line."""
    show: tuple[str, ...] = ()
    """CHECK or CHECK:OBJECT whose entries are written out."""
    caller: Caller = field(default_factory=Caller)
    """How this tool was called, for the commands it prints."""


def render(output: str, document: Document, style: Style) -> str:
    """Render a document; the text ends with a newline unless it is empty. Raises KeyError for an unknown format."""
    from importlib import import_module

    module = import_module(RENDERERS[output])
    text: str = module.render(document if output in EXACT else sanitised(shortened(document, output)), style)
    return text if not text or text.endswith("\n") else text + "\n"
