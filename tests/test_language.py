"""`explain --lang`: translated where it is, in English where it is not, and never wider than the terminal."""

from __future__ import annotations

import io
import re
from itertools import pairwise

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from preflight.check import Check
from preflight.cli.language import FOLDER, LANGUAGES, cells, filled, translator
from preflight.registry import find_plugins, load_checks
from tests.command import preflight

OTHERS = [language for language in LANGUAGES if language != "en"]
CHECKS = load_checks(find_plugins(only_ours=True))


def texts_of(check: Check) -> list[str]:
    return [text for text in (check.title, check.why, check.how, check.fix, *check.causes.values()) if text]


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_that_of_the_texts(language: str) -> None:
    path = FOLDER / language / "LC_MESSAGES" / "harvester_preflight.po"
    written = read_po(io.BytesIO(path.read_bytes()))
    compiled = read_mo(io.BytesIO(path.with_suffix(".mo").read_bytes()))
    assert {entry.id: entry.string for entry in written if entry.id} == {
        entry.id: entry.string for entry in compiled if entry.id
    }, "run ci/generate/translations"
    assert all(entry.string for entry in written if entry.id)


@pytest.mark.parametrize("language", OTHERS)
def test_the_addon_checks_are_translated(language: str) -> None:
    """A text that changed in English is shown in English until it is translated anew: a few may be so at a time."""
    words = translator(language)
    texts = [text for check in CHECKS if check.category == "addons" for text in texts_of(check)]
    missing = [text for text in texts if words(text) == text]
    assert len(missing) <= len(texts) // 10, missing


@pytest.mark.parametrize("language", OTHERS)
def test_what_a_reader_types_is_the_same_in_each_language(language: str) -> None:
    """Names of objects, commands, links and numbers are no words."""
    words = translator(language)
    code = re.compile(
        r"`[^`]*`|https?://[^\s，。）]+|\b[a-z]+(?:-[a-z]+)+\b|\b\d+\.\d+(?:\.\d+)?\b|\b[A-Z][a-z]+[A-Z]\w+"
    )
    prose = {"air-gapped", "half-way", "post-drain", "Kube-OVN"}
    for check in CHECKS:
        for text in texts_of(check):
            told = words(text)
            if told != text:
                lost = [name for name in code.findall(text) if name not in told and name not in prose]
                assert not lost, (text, told)


def test_explain_speaks_it() -> None:
    done = preflight("explain", "addon-stuck/job-predates-operation", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert "为什么重要" in done.stdout
    assert "WHY IT MATTERS" not in done.stdout
    assert "永远不会被承认" in done.stdout
    assert (
        done.stdout
        == preflight("explain", "addon-stuck/job-predates-operation", env={"HARVESTER_PREFLIGHT_LANG": "zh"}).stdout
    )
    assert "WHY IT MATTERS" in preflight("explain", "addon-stuck").stdout


def test_a_check_without_translation_is_explained_in_english() -> None:
    english = preflight("explain", "node-ready").stdout
    found = preflight("explain", "node-ready", "--lang", "zh")
    assert found.returncode == 0
    (title,) = re.findall(r"^node-ready: (.*)$", english, re.MULTILINE)
    assert title in found.stdout


def test_an_unknown_language_is_a_usage_error() -> None:
    assert preflight("explain", "addon-stuck", "--lang", "tlh").returncode == 2


def test_no_line_is_wider_than_the_terminal_and_none_begins_with_a_closing_sign() -> None:
    words = translator("zh")
    for check in CHECKS:
        for text in texts_of(check):
            told = words(text)
            for width in (40, 80):
                lines = filled(told, width, "    ", "      ")
                assert all(cells(line) <= width + 2 or " " not in line.strip() for line in lines), lines
                assert all(line.lstrip()[0] not in "，。；：！？、）" for line in lines)
                assert _squeezed("".join(lines)) == _squeezed(told)
    assert filled("", 10) == [""]


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_english_is_broken_between_words_only() -> None:
    lines = filled("one two three four", 10, "", "")
    assert lines == ["one two", "three four"]
    assert all(len(a) <= len(b) for a, b in pairwise(lines))
