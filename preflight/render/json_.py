"""`json`: the report as it is. Everything outside ASCII is escaped, so no control character reaches a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.render import Style


def render(document: Mapping[str, Any], style: Style) -> str:
    """Write the document as JSON, indented, in its own field order."""
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
