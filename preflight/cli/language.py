"""`--lang`: the texts of `explain` in another language, by gettext. What has no translation stays in English.

The catalogues lie in preflight/locale: LANGUAGE/LC_MESSAGES/harvester_preflight.po, compiled by ci/generate/translations.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

DOMAIN = "harvester_preflight"
FOLDER = Path(__file__).parents[1] / "locale"
LANGUAGES = ("en", "zh")
_PIECE = re.compile(r"[\x21-\x7e]+|\s+|[^\x21-\x7e\s]")
_CLOSING = "，。；：！？、）》」"
"""Signs that no line begins with."""


def translator(language: str) -> Callable[[str], str]:
    """Return what gives a text in a language of LANGUAGES; a text that is not translated comes back as it is."""
    if language == LANGUAGES[0]:
        return lambda text: text
    import gettext

    catalogue = gettext.translation(DOMAIN, FOLDER, languages=[language])
    return lambda text: catalogue.gettext(text) if text else ""  # the empty text stands for the catalogue's header


def filled(text: str, width: int, indent: str = "  ", rest: str = "") -> list[str]:
    """Break a text into lines of so many columns; between Chinese characters a line may break anywhere."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += list(_broken(paragraph, width, indent, rest or indent)) or [""]
    return lines


def _broken(text: str, width: int, indent: str, rest: str) -> Iterator[str]:
    if cells(text) == len(text):
        yield from textwrap.wrap(
            text,
            width,
            initial_indent=indent,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return
    line, used = indent, cells(indent)
    for piece in _pieces(text):
        if used + cells(piece.rstrip()) > width and line.strip():
            yield line.rstrip()
            line, used, piece = rest, cells(rest), piece.lstrip()
        line, used = line + piece, used + cells(piece)
    if line.strip():
        yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Yield what is not broken: a word, spaces, or one character with the sign that closes after it."""
    held = ""
    for piece in _PIECE.findall(text):
        if held and piece not in _CLOSING:
            yield held
            held = ""
        held += piece
    if held:
        yield held


def cells(text: str) -> int:
    """Count the columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
