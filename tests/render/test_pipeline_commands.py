"""What stands in a cluster never gives a command to the runner that reads our output in the log of a pipeline.

Rule: the runner of GitHub (and of Azure) takes a line that begins, after blanks, with `::` for a command, and `##[`
anywhere in one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from preflight.render import RENDERERS, Style, render
from preflight.values.foreign_text import visible
from tests.render.reports import EVIL, hostile

SET_OUTPUT = "::set-output name=a::b"
PLANTED = (
    SET_OUTPUT,
    "##[add-mask]c",
    f"a\n{SET_OUTPUT}\n  ##[add-mask]c",
    " ".join(f"{'x' * length} \u201c{SET_OUTPUT} {SET_OUTPUT} ##[add-mask]c" for length in range(1, 60)),
)
READERS = {"json": json.loads, "yaml": yaml.safe_load}
OURS = re.compile(r"::(error|warning|notice) title=[^\n]*")


def planted(value: Any, text: str) -> Any:
    """Put the text wherever the hostile report has its own."""
    if isinstance(value, dict):
        return {planted(key, text): planted(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item, text) for item in value]
    return value.replace(EVIL, text) if isinstance(value, str) else value


def commands(output: str, text: str) -> list[str]:
    """Return the lines in which a runner would find a command, but for our own."""
    lines = [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    if output == "github":
        lines = [line for line in lines if not OURS.fullmatch(line) or "##[" in line]
    return lines


@pytest.mark.parametrize("output", RENDERERS)
@pytest.mark.parametrize("text", PLANTED, ids=["start", "sign", "lines", "wrapped"])
def test_no_format_gives_a_command_to_the_runner(output: str, text: str) -> None:
    document = planted(hostile(), text)
    assert text in json.dumps(document, ensure_ascii=False).replace("\\n", "\n")
    for style in (Style(width=40, verbose=2), Style(width=79), Style(width=200, verbose=1, quiet=True)):
        assert commands(output, render(output, document, style)) == []
        if output in READERS:
            assert READERS[output](render(output, document, style)) == document


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("a ::error::x", r"a \x3a:error::x"),
        ("##[group]", r"\x23#[group]"),
        ("###[group]", r"#\x23#[group]"),
        ("https://[::1]:6443", "https://[::1]:6443"),
        ("Foo::Bar", "Foo::Bar"),
    ],
)
def test_a_command_is_shown_as_what_it_is_and_is_none(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown
