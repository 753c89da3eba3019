"""The one function that makes text safe to show."""

from __future__ import annotations

import pytest

from preflight.render.text import paint, sanitised, to_ascii, wrap
from preflight.values.foreign_text import visible
from tests.render.test_properties import dangerous


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("harv-node-1", "harv-node-1"),
        ("Über 中文 ✓\u00a0\u3000", "Über 中文 ✓\u00a0\u3000"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb\bc\x07", "a\\rb\\x08c\\x07"),
        ("one\ntwo\tthree", "one\\ntwo\\tthree"),
        ("\x7f\x80\x9b", "\\x7f\\x80\\x9b"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("zero\u200bwidth\ufeff\u00ad", "zero\\u200bwidth\\ufeff\\xad"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("\ufffe\ufdd0\U0001ffff", "\\ufffe\\ufdd0\\U0001ffff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_character_at_all_gets_through() -> None:
    assert not dangerous(visible("".join(map(chr, range(0x110000)))))


def test_only_a_hint_keeps_its_line_ends() -> None:
    document = {"hint": "first\nkubectl get\x1b nodes", "evidence": {"a\nb": ["c\nd", 1, None, True]}}
    assert sanitised(document) == {
        "hint": "first\nkubectl get\\x1b nodes",
        "evidence": {"a\\nb": ["c\\nd", 1, None, True]},
    }


def test_a_hint_deeper_down_is_evidence() -> None:
    assert sanitised({"evidence": {"x": [{"hint": "a\nb"}]}}) == {"evidence": {"x": [{"hint": "a\\nb"}]}}


def test_colour_only_when_asked() -> None:
    assert paint("x", "bold red", False) == "x"
    assert paint("x", "bold red", True) == "\x1b[1;31mx\x1b[0m"
    assert paint("x  ", "red", True) == "\x1b[31mx\x1b[0m  "
    assert paint("  ", "red", True) == "  "


def test_words_are_never_broken() -> None:
    assert wrap("see https://docs.harvesterhci.io/v1.8/upgrade now", 20, "  ") == [
        "  see",
        "  https://docs.harvesterhci.io/v1.8/upgrade",
        "  now",
    ]


def test_ascii_spells_out_the_rest() -> None:
    assert to_ascii("é→") == "\\xe9\\u2192"
