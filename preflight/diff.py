"""Compare two reports: what is new, what is worse, what is fixed. Pure: two documents in, one out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, TypedDict

from preflight.report import CONFIGURATION
from preflight.report_types import ReportDocument, ResourceDocument

Key = tuple[str, str, str, str, str]
_FINDING_RANK = {"info": 0, "warn": 1, "fail": 2}


class ChangeDocument(TypedDict):
    """A finding that is new, worse or fixed, or a check that became unknown."""

    check: str
    cause: str
    """`unknown` of a check that became unknown."""
    resource: ResourceDocument
    severity: str
    """fail, warn, info, and unknown of a check that became unknown."""
    message: str
    waived: bool
    was: NotRequired[str]
    """The severity before it got worse; of a check that became unknown its status, `absent` where it had none."""


class VerdictsDocument(TypedDict):
    """The verdicts of the two reports."""

    old: str
    new: str


class DiffDocument(TypedDict):
    """What `report diff -o json` prints."""

    verdict: VerdictsDocument
    new: list[ChangeDocument]
    worse: list[ChangeDocument]
    fixed: list[ChangeDocument]
    same: int
    """Findings that are as before."""


def compare_reports(old: ReportDocument, new: ReportDocument) -> DiffDocument:
    """Compare two PreflightReports.

    A check that became unknown is worse, and one that went
    unknown does not count as having fixed its findings: nobody has seen them gone.
    """
    before, after = _worst_by_key(old), _worst_by_key(new)
    old_status, new_status = _statuses(old), _statuses(new)
    result: DiffDocument = {
        "verdict": {"old": old["verdict"], "new": new["verdict"]},
        "new": [],
        "worse": [],
        "fixed": [],
        "same": 0,
    }
    for key, finding in after.items():
        if key not in before:
            result["new"].append(finding)
        elif _rank(finding) > _rank(before[key]):
            result["worse"].append({**finding, "was": before[key]["severity"]})
        else:
            result["same"] += 1
    for check, status in new_status.items():
        was = old_status.get(check)
        if status == "unknown" and was != "unknown":
            result["worse"].append(_unknown(check, new, was or "absent"))
    for key, finding in before.items():
        if key not in after and new_status.get(key[0]) in ("pass", "warn", "fail"):
            result["fixed"].append(finding)
    return result


def regressions(old: ReportDocument, new: ReportDocument, fail_on: str) -> tuple[bool, bool]:
    """Say for --baseline whether anything new or worse blocks, and whether anything that could block became unknown."""
    compared = compare_reports(old, new)
    least = 1 if fail_on == "warn" else 2
    fresh = [*compared["new"], *compared["worse"]]
    blocks = any(
        _FINDING_RANK.get(entry["severity"], 0) >= least and not entry["waived"]
        for entry in fresh
        if entry["severity"] != "unknown"
    )
    decisive = {
        check["id"]
        for check in new["checks"]
        if check.get("required") or _FINDING_RANK.get(check.get("worst", "fail"), 2) >= least
    }
    undecided = any(entry["severity"] == "unknown" and entry["check"] in decisive for entry in fresh)
    return blocks, undecided or _said_nothing(new)


def _said_nothing(report: ReportDocument) -> bool:
    """Say whether no check of the cluster ran, or one that must was left out: no baseline makes up for that."""
    ran = [check for check in report["checks"] if check["category"] != CONFIGURATION and check["status"] != "skipped"]
    return not ran or any(check.get("required") and check["status"] == "skipped" for check in report["checks"])


def _worst_by_key(report: ReportDocument) -> dict[Key, ChangeDocument]:
    """Keep the worst of several findings of one cause about one object, so that a milder one hides none."""
    found: dict[Key, ChangeDocument] = {}
    for key, finding in _findings(report):
        if key not in found or _rank(finding) > _rank(found[key]):
            found[key] = finding
    return found


def _findings(report: ReportDocument) -> Iterator[tuple[Key, ChangeDocument]]:
    for check in report["checks"]:
        for finding in check["findings"]:
            ref = finding["resource"]
            key = (check["id"], ref["kind"], ref["namespace"], ref["name"], finding["cause"])
            yield (
                key,
                {
                    "check": check["id"],
                    "cause": finding["cause"],
                    "resource": ref.copy(),
                    "severity": finding["severity"],
                    "message": finding["message"],
                    "waived": finding.get("waived") is not None,
                },
            )


def _rank(finding: ChangeDocument) -> int:
    return 0 if finding["waived"] else _FINDING_RANK.get(finding["severity"], 2)


def _statuses(report: ReportDocument) -> dict[str, str]:
    return {check["id"]: check["status"] for check in report["checks"]}


def _unknown(check: str, report: ReportDocument, was: str) -> ChangeDocument:
    entry = next(item for item in report["checks"] if item["id"] == check)
    return {
        "check": check,
        "cause": "unknown",
        "resource": {"apiVersion": "", "kind": "", "namespace": "", "name": ""},
        "severity": "unknown",
        "message": entry["reason"],
        "waived": False,
        "was": was,
    }
