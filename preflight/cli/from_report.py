"""`fix --from-report FILE`: the cluster and the findings of a saved report, and of no other cluster.

A report may come from somebody else. So of its connection flags only the names of entries in the user's own kubeconfig
are taken; what decides where credentials go, or which program gives them, is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.cli.report import load_report
from preflight.cli.request import Request
from preflight.cli.terminal import caller
from preflight.cluster.connection import flags_of
from preflight.commandline import called, shell_line
from preflight.errors import RemediationError, UsageError
from preflight.model import Finding, Report, ResourceRef, SourceInfo
from preflight.report_types import FindingDocument, ReportDocument, ReportListDocument, SourceDocument
from preflight.values.foreign_text import one_line

TAKEN = ("--context", "--cluster", "--user")
"""Connection flags that are taken from a report: names in the user's own kubeconfig, each with one value."""

Key = tuple[str, str, ResourceRef]
"""Check, cause and object: what makes a finding the same one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A saved report, as far as a repair asks of it."""

    path: Path
    source: SourceDocument
    keys: frozenset[Key]

    def must_be_of(self, source: SourceInfo) -> None:
        """Raise RemediationError where the report is of another cluster than what was read, or that cannot be told."""
        theirs, ours = self.source.get("clusterUid") or "", source.cluster_uid
        if theirs and ours:
            same = theirs == ours
        else:
            same = (self.source["type"], self.source["name"]) == (source.type, source.name)
        if same:
            return
        told = (
            f"uid of namespace kube-system: {one_line(theirs) or 'not told'} there, {one_line(ours) or 'not told'} here"
        )
        was = " ".join(filter(None, (self.source.get("context"), self.source["name"])))
        now = " ".join(filter(None, (source.context, source.name)))
        word = "of another cluster" if theirs and ours else "perhaps of another cluster"
        raise RemediationError(
            f"{self.path} is {word}: {one_line(was)}, and this is {now} ({told}). Nothing was changed."
        )

    def only(self, report: Report, repairable: Sequence[str]) -> tuple[Report, int, int]:
        """Leave out of a report what could be repaired and is not in the saved one.

        Returns the rest, how many findings were left out, and how many of the saved ones are there no more.
        """
        new, kept = 0, set()
        checks = []
        for result in report.checks:
            findings = []
            for finding in result.findings:
                key = _key(result.id, finding)
                meant = finding.remediation is not None or result.id in repairable
                if meant and key not in self.keys:
                    new += finding.waived is None
                    continue
                kept.add(key)
                findings.append(finding)
            checks.append(replace(result, findings=tuple(findings)))
        gone = {key for key in self.keys if key[0] in repairable} - kept
        return replace(report, checks=tuple(checks)), new, len(gone)


def asked_for(request: Request, path: Path) -> Asked:
    """Read the report that a repair is asked for by. Raises UsageError for one of several clusters without --context."""
    document = load_report(path)
    if document["kind"] != "PreflightReport":
        document = _one_of(document, request.connection.context, path)
    keys = frozenset(_saved_key(check["id"], one) for check in document["checks"] for one in check["findings"])
    return Asked(path, document["source"], keys)


def _one_of(document: ReportListDocument, context: str, path: Path) -> ReportDocument:
    reports = document["reports"]
    for report in reports:
        if report["context"] == context:
            return report
    names = ", ".join(one_line(report["context"]) for report in reports)
    raise UsageError(f"--from-report {path}: it holds several clusters; choose one with --context ({names})")


def aimed(request: Request, asked: Asked, *, source_given: bool) -> Request:
    """Return the request for the cluster or copy that the report is of, where the flags do not say another.

    Raises UsageError where the report was made with flags that are not taken from a file.
    """
    if not source_given:
        request = replace(request, settings=replace(request.settings, source=_source(asked)))
    told = list(asked.source.get("connection") or ())
    if request.settings.source != "live" or asked.source["type"] != "live" or flags_of(request.connection) or not told:
        return request
    if any(flag.startswith("-") and flag not in TAKEN for flag in told[::2]) or len(told) % 2:
        line = shell_line(called(("fix", "--from-report", str(asked.path)), told, caller()))
        raise UsageError(
            f"{asked.path} was made with connection flags that are not taken from a file, since they decide who gets "
            f"your credentials; where they are right, give them yourself: {one_line(line, 2000)}"
        )
    flags: dict[str, Any] = {flag.removeprefix("--"): name for flag, name in zip(told[::2], told[1::2], strict=True)}
    connection = replace(request.connection, **flags)
    return replace(request, connection=connection)


def _source(asked: Asked) -> str:
    kind, name = str(asked.source["type"]), str(asked.source["name"])
    if kind == "live":
        return "live"
    if name == "standard input":
        raise UsageError(f"--from-report {asked.path}: it is of standard input; give what was read with --source")
    return f"demo:{name}" if kind == "demo" else name


def _key(check: str, finding: Finding) -> Key:
    return check, finding.cause, finding.resource


def _saved_key(check: str, finding: FindingDocument) -> Key:
    ref = finding["resource"]
    return check, finding["cause"], ResourceRef(ref["apiVersion"], ref["kind"], ref["namespace"], ref["name"])
