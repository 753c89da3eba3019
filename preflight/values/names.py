"""Names that people type: lists and patterns of them, and what a wrong one was perhaps meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

MOST = 3
"""How many names are offered for a wrong one."""
LEAST_PART = 3
"""Letters from which on a part of a name is enough to offer it."""


def split_names(entries: Iterable[str]) -> tuple[str, ...]:
    """Take lists joined by commas apart: ("a,b", "c") is ("a", "b", "c"). Each once, in the order given."""
    parts = (part.strip() for entry in entries for part in entry.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def is_meant(name: str, word: str) -> bool:
    """Say whether a word that was typed means this name: the name itself, or a pattern with * ? [] that fits it."""
    return name == word or fnmatchcase(name, word)


def perhaps(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say which known names a wrong one may stand for, as `; did you mean a or b?`; `otherwise` when none is like it."""
    near = _near(word, list(dict.fromkeys(known)))
    return f"; did you mean {' or '.join(near)}?" if near else otherwise


def _near(word: str, known: list[str]) -> list[str]:
    import difflib

    plain = {_plain(name): name for name in reversed(known)}
    typed = _plain(word)
    near = difflib.get_close_matches(typed, plain, MOST)
    if not near and len(typed) >= LEAST_PART:
        near = [name for name in sorted(plain) if typed in name][:MOST]
    return [plain[name] for name in near]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").strip("*?-")
