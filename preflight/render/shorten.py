"""Keep a report of very many findings usable: of one cause of one check, only so many are written out.

The counts stay those of all findings: the last one written stands for the rest and says how many there are. JSON, YAML
and the formats with limits of their own (openreports, policyreport) are not touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, cast

from preflight.report_types import CheckDocument, Document, FindingDocument, ReportDocument

FOR_PEOPLE, FOR_MACHINES = 200, 5_000
MOST = {
    **dict.fromkeys(("table", "wide", "markdown", "step-summary", "html", "github"), FOR_PEOPLE),
    **dict.fromkeys(("junit", "sarif", "gitlab"), FOR_MACHINES),
}
"""Format → how many findings of one cause of one check it writes out."""


class ShownFinding(FindingDocument):
    """A finding as the formats for people see it."""

    standsFor: NotRequired[int]
    """How many findings it is written in place of."""


def stands_for(finding: FindingDocument) -> int:
    """Return how many findings a finding is written in place of; 1: only itself."""
    return cast(ShownFinding, finding).get("standsFor", 1)


def shortened(document: Document, output: str) -> Document:
    """Return the document as it is to be written in this format; the one given is not changed."""
    most = MOST.get(output)
    if most is None:
        return document
    if "reports" in document:
        return {**document, "reports": [_report(report, most) for report in document["reports"]]}
    return _report(document, most)


def _report(report: ReportDocument, most: int) -> ReportDocument:
    checks: list[CheckDocument] = [
        {**check, "findings": _findings(check["findings"], most)} if len(check["findings"]) > most else check
        for check in report["checks"]
    ]
    return {**report, "checks": checks}


def _findings(findings: Iterable[FindingDocument], most: int) -> list[FindingDocument]:
    groups: dict[tuple[str, str, bool], list[FindingDocument]] = {}
    for finding in findings:
        groups.setdefault((finding["severity"], finding["cause"], bool(finding["waived"])), []).append(finding)
    kept: list[FindingDocument] = []
    for group in groups.values():
        kept += group if len(group) <= most + 1 else [*group[:most], _rest(group[most:])]
    return kept


def _rest(findings: list[FindingDocument]) -> ShownFinding:
    count = f"{len(findings):,}"
    return {
        **findings[0],
        "message": f"and {count} more findings of this cause, written out by `-o json` and `-o name`",
        "hint": "Look at the first ones: what cures them usually cures all",
        "resource": {**findings[0]["resource"], "namespace": "", "name": f"(and {count} more)"},
        "evidence": {},
        "transient": all(finding["transient"] for finding in findings),
        "standsFor": len(findings),
    }
