"""Renderers: each one pure function from a report's dict to text.

Shape: the document is what preflight.report.report_dict gives (kind PreflightReport), or a PreflightReportList.
A renderer never looks at the cluster, a file, the clock or the terminal: colour and width arrive as a Style.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look."""

    colour: bool = False
    width: int = 100
    """Columns."""
    ascii: bool = False
    """Only ASCII characters."""
    verbose: int = 0
    quiet: bool = False


RENDERERS: dict[str, str] = {
    "table": "preflight.render.table",
    "wide": "preflight.render.wide",
    "json": "preflight.render.json_",
    "yaml": "preflight.render.yaml_",
    "name": "preflight.render.name",
    "markdown": "preflight.render.markdown",
    "junit": "preflight.render.junit",
    "sarif": "preflight.render.sarif",
    "html": "preflight.render.html",
    "github": "preflight.render.github",
    "prometheus": "preflight.render.prometheus",
    "openreports": "preflight.render.openreports",
}
"""Format → the module whose `render(document, style)` writes it; imported only when used."""


def render(output: str, document: Mapping[str, Any], style: Style) -> str:
    """Write the document in that format. Raises KeyError for a format that is not in RENDERERS."""
    module = import_module(RENDERERS[output])
    return cast(str, module.render(document, style))
