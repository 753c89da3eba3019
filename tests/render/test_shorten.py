"""Very many findings: every count is kept, and what is written stays small."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from preflight.render import RENDERERS, Style, render
from preflight.render.shorten import FOR_PEOPLE, MOST, shortened
from tests.render.reports import REPORTS

MANY = 100_000


def many(count: int) -> dict:  # type: ignore[type-arg]
    """Return the blocked report with `count` findings more, all of one cause."""
    document = deepcopy(REPORTS["blocked"]())
    check = next(check for check in document["checks"] if check["status"] == "fail" and check["findings"])
    first = next(finding for finding in check["findings"] if finding["severity"] == "fail" and not finding["waived"])
    check["findings"] += [
        {**first, "cause": "crowd", "evidence": {}, "resource": {**first["resource"], "name": f"one-{number:06d}"}}
        for number in range(count)
    ]
    return document


def blockers(document: dict) -> int:  # type: ignore[type-arg]
    return sum(
        finding["severity"] == "fail" and not finding["waived"]
        for check in document["checks"]
        for finding in check["findings"]
    )


@pytest.mark.parametrize("output", [output for output, most in MOST.items() if most == FOR_PEOPLE])
def test_people_get_a_text_they_can_read_and_all_counts(output):
    document = many(MANY)
    text = render(output, document, Style(width=100, verbose=1))
    assert len(text) < 2_000_000
    assert f"({blockers(document):,} objects)" in text
    if output != "github":  # one annotation an entry: it says how many objects there are
        assert f"and {MANY - FOR_PEOPLE:,} more" in text
    assert "one-000000" in text
    assert f"one-{FOR_PEOPLE:06d}" not in text


@pytest.mark.parametrize("output", ["junit", "sarif"])
def test_machines_get_the_number_of_what_is_left_out(output):
    text = render(output, many(7_000), Style())
    assert "and 2,000 more" in text
    assert "one-004999" in text


def test_json_and_names_leave_nothing_out():
    document = many(3_000)
    assert json.loads(render("json", document, Style())) == document
    assert render("name", document, Style()).count("one-") == 3_000


@pytest.mark.parametrize("output", RENDERERS)
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_usual_report_is_left_as_it_is(name, output):
    report = REPORTS[name]()
    assert shortened(report, output) == report


def test_one_more_than_the_limit_is_written_rather_than_counted():
    check = next(check for check in shortened(many(FOR_PEOPLE + 1), "table")["checks"] if check["findings"])
    assert not [finding for finding in check["findings"] if "standsFor" in finding]
