"""Make any text safe to show, and lay it out."""

from __future__ import annotations

from typing import Any

from preflight.values.foreign_text import visible

ANSI = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
GLYPHS = {
    "pass": ("✓", "+"),
    "fail": ("✗", "x"),
    "warn": ("!", "!"),
    "unknown": ("?", "?"),
    "skipped": ("–", "-"),
    "info": ("i", "i"),
    "waived": ("~", "~"),
    "arrow": ("→", "->"),
    "bar": ("│", "|"),
    "dot": ("·", ","),
}
"""Sign → its glyph, and the one for terminals that have ASCII only."""
COLOURS = {"pass": "green", "fail": "red", "warn": "yellow", "unknown": "yellow", "skipped": "dim", "waived": "dim"}
MAX_SENTENCE = 120
"""Columns of prose on however wide a screen: longer lines are hard to follow."""


def sanitised(value: Any, *, measured: bool = False) -> Any:
    """Copy a document with every text in it, keys included, made visible.

    The line ends of a finding's hint are ours: its first line is a sentence, each further line a command. A field of
    that name among the measured values is not.
    """
    match value:
        case str():
            return visible(value)
        case dict():
            return {visible(str(key)): _field(str(key), item, measured) for key, item in value.items()}
        case list() | tuple():
            return [sanitised(item, measured=measured) for item in value]
        case _:
            return value


def _field(key: str, value: Any, measured: bool) -> Any:
    if key == "hint" and isinstance(value, str) and not measured:
        return visible(value, keep_newlines=True)
    return sanitised(value, measured=measured or key == "evidence")


def glyph(name: str, ascii_only: bool) -> str:
    """Return the glyph of a sign."""
    return GLYPHS[name][1 if ascii_only else 0]


def paint(text: str, colours: str, colour: bool) -> str:
    """Colour a text with space-separated names of ANSI; unchanged when there is to be no colour."""
    body = text.rstrip()
    if not colour or not body or not colours:
        return text
    # Blanks at the end stay outside, so that whoever strips the line finds them.
    return f"\x1b[{';'.join(ANSI[name] for name in colours.split())}m{body}\x1b[0m{text[len(body) :]}"


def wrap(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Wrap a sentence at blanks; a word that is wider than the line stays whole, since it may be pasted somewhere."""
    import textwrap

    return textwrap.wrap(
        text,
        max(min(width, MAX_SENTENCE), len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_ascii(text: str) -> str:
    """Write what is left outside ASCII as escapes, for a terminal that cannot show it."""
    return text.encode("ascii", "backslashreplace").decode("ascii")
