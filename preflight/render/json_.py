"""JSON: the document itself. ASCII only, so that no character of an object can move a terminal's cursor.

What the runner of a pipeline would take for a command is escaped as JSON escapes: a reader gets the very text back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from preflight.report_types import Document
from preflight.values.foreign_text import COMMAND_SIGN

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: Document, style: Style) -> str:
    """Write the document with its field order kept."""
    return json.dumps(document, indent=2, ensure_ascii=True).replace(COMMAND_SIGN, r"\u0023#[")
