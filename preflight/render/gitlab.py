"""GitLab's Code Quality report, for the widget of a merge request: an array of issues, each in a pseudo file.

Rule: GitLab's documentation of the artifact `reports: codequality`: description, check_name, a fingerprint that no two
issues share, severity (info, minor, major, critical or blocker), location.path without a leading ./ and a line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from preflight.render import document as doc
from preflight.render.places import cluster_of, fingerprint, path_of, place_of
from preflight.report_types import Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

_SEVERITIES = {"fail": "blocker", "warn": "minor", "info": "info"}


def render(document: Document, style: Style) -> str:
    """Write the array; what could not be determined is an issue too: an empty array must not read as a clean cluster."""
    seen: Counter[str] = Counter()
    issues = []
    for context, report in doc.reports(document):
        for issue in (*_findings(context, report), *_unknowns(context, report)):
            seen[issue["fingerprint"]] += 1
            if seen[issue["fingerprint"]] > 1:
                issue["fingerprint"] = fingerprint(issue["fingerprint"], str(seen[issue["fingerprint"]]))
            issues.append(issue)
    return json.dumps(issues, indent=2, ensure_ascii=True) + "\n"


def _findings(context: str, report: ReportDocument) -> Iterator[dict[str, Any]]:
    cluster = cluster_of(context, report)
    for item in doc.items(report):
        finding, place = item.finding, place_of(item.finding)
        severity = _SEVERITIES[finding["severity"]]
        text = f"{doc.object_of(finding)}: {doc.sentence(finding['message'] or finding['cause'])}"
        if item.waived:
            severity, text = "info", f"{text} Waived: {item.waived['reason']}"
        elif doc.counts_warnings(report) and finding["severity"] == "warn":
            severity = _SEVERITIES["fail"]
        name = f"{item.check['id']}/{finding['cause']}"
        print_of = fingerprint(context, item.check["id"], finding["cause"], *place)
        yield _issue(text, name, print_of, severity, path_of(cluster, *place))


def _unknowns(context: str, report: ReportDocument) -> Iterator[dict[str, Any]]:
    path = path_of(cluster_of(context, report), "undecided")
    for check in doc.sections(report).unknown:
        severity = "critical" if doc.decides(report, check) else "minor"
        text = f"{check['title'] or check['id']}: could not be determined: {check['reason'] or 'no reason given'}"
        yield _issue(text, f"{check['id']}/undecided", fingerprint(context, check["id"], "undecided"), severity, path)


def _issue(text: str, name: str, print_of: str, severity: str, path: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": name,
        "fingerprint": print_of,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": 1}},
    }
