"""Read a Harvester Setting that holds a JSON object."""

from __future__ import annotations

import re
from typing import Any

from preflight.api import JsonObject, Unreadable, View, effective_value, parse_json

SETTINGS = "settings.harvesterhci.io"
_GO_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def find_setting(view: View, name: str) -> JsonObject:
    """Return a Setting. Raises Unreadable when there is none: Harvester itself makes every one of them."""
    setting = view.find(SETTINGS, name)
    if setting is None:
        raise Unreadable(f"the settings that were read hold no {name}, which every Harvester has")
    return setting


def json_value(setting: JsonObject, name: str) -> dict[str, Any]:
    """Return the JSON object a Setting stands at, empty when it stands at nothing or at null.

    Raises Unreadable when it is not a JSON object.
    """
    text = effective_value(setting)
    value = parse_json(text, f"setting {name}") if text else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(f"setting {name} is JSON, but not an object")
    return value


def go_integer(text: str) -> int | None:
    """Read a whole number as Go's strconv.Atoi does, None for what it refuses: empty text, blanks, other signs."""
    return int(text) if _GO_INTEGER.fullmatch(text) else None
