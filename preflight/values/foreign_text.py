"""Foreign text on a terminal."""

from __future__ import annotations


def clean(text: str, *, keep_newlines: bool = False) -> str:
    """Make control characters of foreign text visible instead of letting a terminal obey them."""
    return "".join(
        char if char.isprintable() or (keep_newlines and char == "\n") else ascii(char)[1:-1] for char in text
    )
