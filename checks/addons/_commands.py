"""Names as parts of the commands that a hint offers to paste."""

from __future__ import annotations

import shlex


def shell(text: str) -> str:
    """Return a name as one word of a command line; a name out of a file may hold anything, line breaks too."""
    return shlex.quote("".join(char if char.isprintable() else "?" for char in text))
