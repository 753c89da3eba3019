"""What preflight.api offers the authors of checks, by what it is for."""

from __future__ import annotations

import inspect
from enum import Enum

from preflight import api

GROUPS = (
    ("To declare a check", ("preflight.check", "preflight.resources")),
    ("What a check sees", ("preflight.inventory", "preflight.releases", "preflight.errors")),
    ("To read fields", ("preflight.fields", "preflight.api")),
    ("What a check yields", ("preflight.model", "preflight.terms", "preflight.wording")),
    ("Values", ("preflight.values.quantity", "preflight.values.times", "preflight.values.versions")),
)
PLAIN = {
    "FAIL": ("What a check yields", "`Severity.FAIL`"),
    "INFO": ("What a check yields", "`Severity.INFO`"),
    "WARN": ("What a check yields", "`Severity.WARN`"),
    "JsonObject": ("What a check sees", "An object as it was read: a `dict` of JSON values."),
    "Object": ("To read fields", "Anything with fields: a `Mapping` of JSON values."),
    "Outcome": ("What a check yields", "`Finding`, `Unknown` or `NotApplicable`."),
}
"""Names without a docstring of their own."""


def table() -> str:
    """Return a table a group, with the first sentence of each docstring."""
    rows: dict[str, list[str]] = {group: [] for group, _ in GROUPS}
    for name in sorted(api.__all__, key=str.lower):
        group, shown, text = _entry(name)
        rows[group].append(f"| `{shown}` | {text} |\n")
        if name == "View":
            methods = [method for method in vars(api.View) if not method.startswith("_") and method != "inventory"]
            for method in methods:
                found = inspect.getattr_static(api.View, method)
                if isinstance(found, property) or callable(found):
                    rows[group].append(f"| `view.{_called(method, found)}` | {_sentence(found)} |\n")
    return "".join(f"\n**{group}**\n\n| name | what |\n|---|---|\n{''.join(rows[group])}" for group in rows) + "\n"


def _entry(name: str) -> tuple[str, str, str]:
    if name in PLAIN:
        group, text = PLAIN[name]
        return group, name, text
    found = getattr(api, name)
    group = next(group for group, modules in GROUPS if found.__module__ in modules)
    text = _sentence(found)
    if isinstance(found, type) and issubclass(found, Enum):
        text += f" One of {', '.join(f'`{member.name}`' for member in found)}."
    return group, _called(name, found), text


def _called(name: str, found: object) -> str:
    """Write a name as it is used: a function with its parameters."""
    if isinstance(found, type | property) or not callable(found):
        return name
    return f"{name}({', '.join(word for word in inspect.signature(found).parameters if word != 'self')})"


def _sentence(found: object) -> str:
    """Return the first sentence of a docstring, fit for a table."""
    paragraph = (inspect.getdoc(found) or "").split("\n\n")[0].replace("\n", " ")
    return f"{paragraph.partition('. ')[0].rstrip('.')}.".replace("|", "\\|")
