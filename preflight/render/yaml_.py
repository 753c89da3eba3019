"""YAML: the document itself, ASCII only like the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: dict[str, Any], style: Style) -> str:
    """Write the document with its field order kept."""
    import yaml

    return yaml.safe_dump(document, sort_keys=False, width=120)
