"""What `explain` says of each check, laid beside its results for the formats that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from preflight.check import Check
from preflight.report_types import CheckDocument, Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render.sarif import ExplainedCheck

FORMATS = ("sarif",)
"""The formats that show it; to all others, and to JSON, it would be the same long texts in every report."""


def explained(document: Document, checks: Sequence[Check]) -> Document:
    """Return a copy of a report, or of a list of them, whose checks have `explain`: {why, how, fix, causes, links}.

    A check that is not registered here, such as another one's plugin in a saved report, has none.
    """
    texts = {check.id: _texts(check) for check in checks if not check.broken}
    if "reports" in document:
        return {**document, "reports": [_with(report, texts) for report in document["reports"]]}
    return _with(document, texts)


def _with(report: ReportDocument, texts: Mapping[str, dict[str, Any]]) -> ReportDocument:
    def told(check: CheckDocument) -> ExplainedCheck:
        return {**check, "explain": texts.get(check["id"])}

    return {**report, "checks": [told(check) for check in report["checks"]]}


def _texts(check: Check) -> dict[str, Any]:
    return {
        "why": check.why,
        "how": check.how,
        "fix": check.fix,
        "causes": dict(check.causes),
        "links": [link for link in (check.docs, *check.links) if link],
    }
