"""What a setting of Longhorn says, as the program that reads it takes it.

Rule: longhorn-manager datastore.GetSettingAsBool (v1.7 to v1.11): Go's strconv.ParseBool, so `True`, `1` and `t` are true
too, and everything else is an error; GetSettingAsInt: a whole number, and from 1.10 on also JSON with one number for each
data engine, `{"v1":"3","v2":"3"}`. A setting that is missing, empty or neither is `unknown`: Longhorn fills in its own
default then, which differs from release to release.
"""

from __future__ import annotations

from preflight.api import (
    Code,
    JsonObject,
    NotCollected,
    Reason,
    Unreadable,
    View,
    effective_value,
    parse_json,
)

LONGHORN_SETTINGS = "settings.longhorn.io"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def go_boolean(text: str) -> bool | None:
    """Read a truth value as Go's strconv.ParseBool does; None for what it refuses."""
    return True if text in _TRUE else False if text in _FALSE else None


def longhorn_setting(view: View, name: str) -> tuple[JsonObject, str]:
    """Return a setting and what it stands at. Raises NotCollected when it is not there or is empty."""
    found = view.find(LONGHORN_SETTINGS, name, "longhorn-system")
    value = effective_value(found) if found else ""
    if found is None or not value:
        state = "has no setting" if found is None else "says nothing in its setting"
        raise NotCollected(Reason(Code.ERROR, f"Longhorn {state} {name}"))
    return found, value


def longhorn_boolean(view: View, name: str) -> bool:
    """Return a setting that is true or false. Raises NotCollected as longhorn_setting, Unreadable for anything else."""
    value = longhorn_setting(view, name)[1]
    truth = go_boolean(value)
    if truth is None:
        raise Unreadable(f"Longhorn's setting {name} is {value!r}, which Longhorn reads as neither true nor false")
    return truth


def longhorn_number(view: View, name: str) -> int:
    """Return a setting that is a whole number, that of data engine v1 where there are several.

    Raises NotCollected as longhorn_setting, Unreadable for anything else.
    """
    value = longhorn_setting(view, name)[1]
    told = value
    if value.startswith("{"):
        engines = parse_json(value, f"Longhorn's setting {name}")
        told = str(engines.get("v1", "")) if isinstance(engines, dict) else ""
    if not (told.isascii() and told.isdigit()):
        raise Unreadable(f"Longhorn's setting {name} is {value!r}, not a whole number")
    return int(told)
