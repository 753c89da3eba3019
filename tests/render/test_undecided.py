"""What could not be determined, grouped by what would have to be mended."""

from __future__ import annotations

from dataclasses import replace

from preflight.model import Code, Reason, Severity, Status
from preflight.render import Style, render
from preflight.render.undecided import CODES, reasons, undecided
from tests.render.reports import document, result

ADD = "kubectl get upgrades -A -o yaml"
NO_UPGRADES = Reason(Code.NOT_IN_SOURCE, f"x.yaml holds no upgrades; add it with: {ADD}", cure=ADD)


def forbidden(what: str) -> Reason:
    return Reason(Code.FORBIDDEN, what)


def told(*values: Reason) -> list[tuple[str, str]]:
    (check,) = document([result("x", Status.UNKNOWN, "nodes", reasons=values)])["checks"]
    return reasons(check)


def test_reasons_are_told_apart_and_each_is_said_once() -> None:
    assert told(NO_UPGRADES, forbidden("a; b: c"), forbidden("a; b: c")) == [
        ("Not in this source: x.yaml holds no upgrades; add it with:", ADD),
        ("Not allowed: a; b: c.", ""),
    ]
    assert told() == [("No reason given.", "")]


def test_what_differs_only_by_its_node_is_one_reason() -> None:
    kubelets = [
        Reason(Code.UNREACHABLE, f"https://192.0.2.{n}:10250/n{n}/: no connection", node=f"n{n}") for n in range(1, 6)
    ]
    assert told(*kubelets) == [("Not reachable: 5 nodes (n1, n2, n3 and 2 more): … no connection.", "")]
    assert told(kubelets[0]) == [("Not reachable: node n1: https://192.0.2.1:10250/n1/: no connection.", "")]


def test_one_reason_names_all_its_checks_and_what_decides_comes_first() -> None:
    report = document(
        [
            result("a", Status.UNKNOWN, "nodes", reasons=(forbidden("leases"),), worst=Severity.WARN),
            result("b", Status.UNKNOWN, "nodes", reasons=(NO_UPGRADES, forbidden("jobs"))),
            result("c", Status.UNKNOWN, "nodes", reasons=(NO_UPGRADES,), worst=Severity.WARN),
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
    report = document([result("b", Status.UNKNOWN, "nodes", reasons=(NO_UPGRADES,))])
    for style in (Style(width=40), Style(width=40, verbose=1)):
        assert ADD in [line.strip() for line in render("table", report, style).splitlines()]
    assert "`kubectl get upgrades -A -o yaml`" in render("markdown", report, Style())
    assert "<code>kubectl get upgrades -A -o yaml</code>" in render("html", report, Style())


def test_every_code_of_the_model_has_its_words() -> None:
    assert set(CODES) == set(Code)


def test_a_required_check_that_did_not_run_says_why_the_verdict_is_open() -> None:
    left_out = replace(result("x", Status.SKIPPED, "nodes", reason="applies to upgrades to >=1.5.0"), required=True)
    report = document([result("y", Status.PASS, "nodes"), left_out])
    assert report["verdict"] == "undecided"
    for name in ("table", "markdown", "html"):
        text = render(name, report, Style(width=200, verbose=1))
        assert "Could not be determined" in text
        assert "pplies to upgrades to" in text.rpartition("Could not be determined")[2].partition("checked")[0]
    assert 'errors="1"' in render("junit", report, Style())


def test_many_kinds_that_a_file_lacks_are_one_reason_with_one_command() -> None:
    absent = [
        Reason(
            Code.NOT_IN_SOURCE, f"x.yaml holds no k{n}; add it with: kubectl get k{n} -A", cure=f"kubectl get k{n} -A"
        )
        for n in range(9)
    ]
    report = document([result(f"c{n}", Status.UNKNOWN, "nodes", reasons=(absent[n],)) for n in range(9)])
    text = render("table", report, Style(width=80))
    assert "9 gates  Not in this source: 9 kinds, such as k0, k1, k2" in text
    assert text.count("snapshot -o FILE") == 1
    assert len(undecided(report)) == 9
