"""JUnit XML: a suite per category, a case per check, for the test pages of GitLab, Jenkins and the like.

A fail is a failure, an unknown an error, a check whose findings are all waived is skipped like one that does not
apply; a warning passes and prints, unless warnings block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render import Style
from preflight.render import document as doc
from preflight.report_types import CheckDocument, Document, ReportDocument

if TYPE_CHECKING:
    from junitparser import JUnitXml, TestCase, TestSuite

_PLAIN = Style(width=100)
MOST_MESSAGE = 120


def render(document: Document, style: Style) -> str:
    """Write the suites of all reports."""
    from xml.etree import ElementTree

    root = _suites(document)
    tree = ElementTree.fromstring(root.tostring())  # type: ignore[no-untyped-call]
    ElementTree.indent(tree)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(tree, encoding="unicode") + "\n"


def _suites(document: Document) -> JUnitXml:
    from junitparser import JUnitXml

    suites = [
        _suite(context, report, category, checks)
        for context, report in doc.reports(document)
        for category, checks in doc.by_category(report).items()
    ]
    root = JUnitXml("harvester-preflight")
    for suite in suites:
        root.add_testsuite(suite)
    # Counted here and not by the library: the schema that Jenkins' xunit checks against knows no `skipped` up here.
    root.tests = sum(suite.tests for suite in suites)
    root.failures = sum(suite.failures for suite in suites)
    root.errors = sum(suite.errors for suite in suites)
    root.time = round(sum(suite.time for suite in suites), 3)
    return root


def _suite(context: str, report: ReportDocument, category: str, checks: list[CheckDocument]) -> TestSuite:
    from junitparser import TestSuite

    place = ".".join(part for part in (context, category) if part)
    suite = TestSuite(place)
    suite.timestamp = report["source"]["collectedAt"].removesuffix("Z")
    upgrade = report["upgrade"]
    properties = {"verdict": report["verdict"], "from": upgrade["from"], "to": upgrade["to"]}
    for name, value in (properties | {"source": doc.source_of(report)}).items():
        suite.add_property(name, value or "unknown")
    suite.add_testcases([_case(f"harvester-preflight.{place}", report, check) for check in checks])
    suite.update_statistics()  # type: ignore[no-untyped-call]
    suite.time = round(suite.time, 3)
    return suite


def _case(classname: str, report: ReportDocument, check: CheckDocument) -> TestCase:
    from junitparser import Error, Failure, Skipped, TestCase

    case = TestCase(check["id"], classname=classname, time=round(check["durationMs"] / 1000, 3))
    found = doc.sections({**report, "checks": [check]})
    if found.blockers:
        first = found.blockers[0].finding
        more = f" (and {doc.amount(found.blockers) - 1} more)" if found.blockers[1:] else ""
        failure = Failure(_brief(f"{doc.object_of(first)}: {first['message']}", more), first["cause"])
        failure.text = _details(report, found.blockers, check["reason"])
        case.result = [failure]
    elif doc.undetermined(check):
        code = next((reason["code"] for reason in check.get("reasons") or ()), "unknown")
        error = Error(_brief(check["reason"], ""), code)
        error.text = check["reason"]
        case.result = [error]
    elif check["status"] == "skipped":
        case.result = [Skipped(check["reason"], "does not apply")]
    elif found.waived and not found.warnings:
        waived = found.waived[0].waiver
        case.result = [Skipped(f"waived until {waived['expires']}: {waived['reason']}", "waived")]
    rest = [*found.warnings, *found.waived, *found.infos]
    if rest:
        case.system_out = _details(report, rest, "")
    return case


def _brief(text: str, more: str) -> str:
    """Keep a message to what a test page shows in one line; the whole stands in the text below it."""
    room = MOST_MESSAGE - len(more)
    return (text if len(text) <= room else text[: room - 1] + "…") + more


def _details(report: ReportDocument, items: list[doc.Item], reason: str) -> str:
    from preflight.render.full import finding_lines

    blocks = [doc.sentence(reason)] if reason else []
    for item in items:
        sign = "waived" if item.waived else item.finding["severity"]
        lines = finding_lines(report, item, sign, _PLAIN)
        if item.waived:
            lines.append(f"  Waived until {item.waived['expires']}: {item.waived['reason']}")
        blocks.append("\n".join(lines))
    return "\n" + "\n\n".join(blocks) + "\n"
