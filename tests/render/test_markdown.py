"""Markdown, read back by a CommonMark parser: no text of an object may become markup."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from preflight.render import Style, render
from preflight.render.markdown import code, table, text
from tests.render.documents import documents, texts
from tests.render.reports import REPORTS, blocked, fleet, hostile
from tests.render.test_properties import few

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"<details><summary>What was checked", "</details>"}


def tokens(source: str) -> list[Token]:
    flat = []
    for token in PARSER.parse(source):
        flat += [token, *(token.children or [])]
    return flat


def check(source: str) -> None:
    for token in tokens(source):
        if token.type in ("html_block", "html_inline"):
            assert any(token.content.strip().startswith(ours) for ours in OURS), token.content
        assert token.type not in ("image", "em_open", "s_open"), token
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith("https://docs.harvesterhci.io"), token.attrs


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_holds_only_our_markup(name: str) -> None:
    check(render("markdown", REPORTS[name](), Style()))


@given(document=documents)
@few
def test_any_report_holds_only_our_markup(document: dict[str, Any]) -> None:
    check(render("markdown", document, Style()))


@given(value=texts)
def test_a_cell_stays_a_cell(value: str) -> None:
    from preflight.values.foreign_text import visible

    value = visible(value)
    parsed = PARSER.parse("\n".join(table(("A", "B"), [[code(value), text(value)], ["x", "y"]])))
    assert sum(token.type == "td_open" for token in parsed) == 4


def test_commands_stand_in_a_fence_that_nothing_ends() -> None:
    report = blocked()
    report["checks"][3]["findings"][0] |= {"hint": "Do this\n```\n# heading", "commands": []}
    fences = [token.content for token in tokens(render("markdown", report, Style())) if token.type == "fence"]
    assert "```\n# heading\n" in fences


def test_it_says_what_the_table_says() -> None:
    source = render("markdown", blocked(), Style())
    assert source.startswith("# BLOCKED: v1.4.0 → v1.4.1\n")
    assert "14 s before: Operation began" in source
    assert "**Next:** Delete only the Job" in source
    assert render("step-summary", blocked(), Style()) == source
    assert "| `paris` | blocked |" in render("markdown", fleet(), Style())
    assert "&lt;script&gt;" in render("markdown", hostile(), Style())
