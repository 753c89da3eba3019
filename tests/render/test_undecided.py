"""What could not be determined, grouped by what would have to be mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from preflight.model import Severity, Status
from preflight.render import Style, render
from preflight.render.undecided import reasons, undecided
from tests.render.reports import document, result

NO_UPGRADES = "not-in-source: x.yaml holds no upgrades; add it with: kubectl get upgrades -A -o yaml"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("forbidden: jobs.batch (list)", ["forbidden: jobs.batch (list)"]),
        (f"{NO_UPGRADES}; timed-out: nodes", [NO_UPGRADES, "timed-out: nodes"]),
        ("error: a; b; error: a", ["error: a; b", "error: a"]),
        ("forbidden: a; forbidden: a; and 3 more", ["forbidden: a", "and 3 more"]),
        ("besides, not everything could be determined: crashed: x", ["crashed: x"]),
        ("", ["no reason given"]),
        ("  ", ["no reason given"]),
    ],
)
def test_reasons_are_told_apart(text: str, parts: list[str]) -> None:
    assert list(reasons(text)) == parts


def test_one_reason_names_all_its_checks_and_what_decides_comes_first() -> None:
    report = document(
        [
            result("a", Status.UNKNOWN, "nodes", reason="forbidden: leases", worst=Severity.WARN),
            result("b", Status.UNKNOWN, "nodes", reason=f"{NO_UPGRADES}; forbidden: jobs"),
            result("c", Status.UNKNOWN, "nodes", reason=NO_UPGRADES, worst=Severity.WARN),
            result("d", Status.PASS, "nodes"),
        ]
    )
    found = undecided(report)
    assert [(reason.text, reason.deciding, reason.advisory) for reason in found] == [
        ("Not in this source: x.yaml holds no upgrades; add it with:", ["b"], ["c"]),
        ("Not allowed: jobs.", ["b"], []),
        ("Not allowed: leases.", [], ["a"]),
    ]
    assert found[0].command == "kubectl get upgrades -A -o yaml"


def test_its_command_stands_on_a_line_of_its_own() -> None:
    report = document([result("b", Status.UNKNOWN, "nodes", reason=NO_UPGRADES)])
    assert "\n    kubectl get upgrades -A -o yaml\n" in render("table", report, Style(width=40))
    assert "`kubectl get upgrades -A -o yaml`" in render("markdown", report, Style())
    assert "<code>kubectl get upgrades -A -o yaml</code>" in render("html", report, Style())


def test_every_code_of_the_model_has_its_words() -> None:
    from preflight import model
    from preflight.render.undecided import CODES

    source = model.__loader__.get_source("preflight.model")  # type: ignore[union-attr]
    start = source.index("where code is one of ") + len("where code is one of ")
    listed = source[start : source.index(".", start)]
    assert set(CODES) == {word.strip() for word in listed.replace("\n", " ").split(",")}


def test_a_required_check_that_did_not_run_says_why_the_verdict_is_open() -> None:
    left_out = replace(result("x", Status.SKIPPED, "nodes", reason="applies to upgrades to >=1.5.0"), required=True)
    report = document([result("y", Status.PASS, "nodes"), left_out])
    assert report["verdict"] == "undecided"
    for name in ("table", "markdown", "html"):
        told = render(name, report, Style(width=200))
        assert "Could not be determined" in told
        assert "pplies to upgrades to" in told.partition("Could not be determined")[2].partition("checked")[0]
    assert 'errors="1"' in render("junit", report, Style())
