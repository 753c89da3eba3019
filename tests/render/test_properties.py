"""What holds for any report in any format: it renders, nothing is lost, nothing dangerous gets through."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from preflight.render import RENDERERS, Style, render
from preflight.render.document import items, reports
from tests.render.documents import documents
from tests.render.reports import REPORTS

NAMES_NO_FINDING = {"name", "prometheus"}
COLOUR_CODE = re.compile(r"\x1b\[[0-9;]+m")
few = settings(max_examples=25)


def dangerous(text: str) -> set[str]:
    """Every character but the line end that can move a cursor, hide or reorder text, or be no character at all."""
    bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {char for char in set(text) - {"\n"} if unicodedata.category(char) in bad or char in "\ufffe\uffff"}


@pytest.mark.parametrize("output", RENDERERS)
@given(document=documents)
@few
def test_any_report_renders_whole_and_harmless(output: str, document: dict[str, Any]) -> None:
    text = render(output, document, Style(width=80, verbose=1))
    assert not dangerous(render(output, document, Style(width=80)))
    assert not dangerous(text)
    assert text.endswith("\n") or not text
    text.encode("utf-8")
    if output not in NAMES_NO_FINDING:
        for _, report in reports(document):
            assert all(item.finding["cause"] in text for item in items(report))
            assert all(check["id"] in text for check in report["checks"] if check["status"] == "unknown")


@given(document=documents)
@few
def test_any_terminal_gets_only_our_own_colour_codes(document: dict[str, Any]) -> None:
    for output in ("table", "wide"):
        coloured = render(output, document, Style(colour=True, verbose=1))
        plain = render(output, document, Style(verbose=1))
        assert COLOUR_CODE.sub("", coloured) == plain
        assert render(output, document, Style(ascii=True, verbose=1)).isascii()


@given(document=documents)
@few
def test_json_and_yaml_give_back_the_very_document(document: dict[str, Any]) -> None:
    assert json.loads(render("json", document, Style())) == document
    assert yaml.safe_load(render("yaml", document, Style())) == document


@pytest.mark.parametrize("output", RENDERERS)
@pytest.mark.parametrize("name", REPORTS)
def test_rendering_changes_nothing_and_repeats_itself(output: str, name: str) -> None:
    document = REPORTS[name]()
    first = render(output, document, Style())
    assert document == REPORTS[name]()
    assert render(output, document, Style()) == first


@pytest.mark.parametrize("output", sorted(set(RENDERERS) - {"table"}))
def test_machine_formats_do_not_look_at_the_terminal(output: str) -> None:
    document = REPORTS["blocked"]()
    if output != "wide":
        looks = Style(colour=True, width=40, ascii=True, verbose=2, quiet=True)
        assert render(output, document, looks) == render(output, document, Style())
