"""Names that people type: lists and patterns of them, and what a wrong one was perhaps meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

MOST = 3
"""How many names are offered for a wrong one."""
NEARLY_AS_LIKE = 0.1
"""How much less like the word than the first a further name may be."""
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
    same = 0  # letters that all begin with: they say nothing
    while len(plain) > 1 and len({name[: same + 1] for name in (typed, *plain)}) == 1 and same < len(typed):
        same += 1
    parts = {name[same:]: name for name in plain}
    near = difflib.get_close_matches(typed[same:], parts, MOST)
    likeness = {part: difflib.SequenceMatcher(None, part, typed[same:]).ratio() for part in near}
    found = [parts[part] for part in near if likeness[part] >= max(likeness.values()) - NEARLY_AS_LIKE]
    if not found and len(typed) >= LEAST_PART:
        found = [name for name in sorted(plain) if typed in name or _near_part(typed, name)][:MOST]
    return [plain[name] for name in found]


def _near_part(typed: str, name: str) -> bool:
    import difflib

    return bool(difflib.get_close_matches(typed, name.split("-"), 1, 0.75))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").strip("*?-")
