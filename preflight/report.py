"""Sort, count, decide: from check results to the one document that schemas/report.schema.json describes."""

from __future__ import annotations

from collections.abc import Sequence

from preflight import __version__
from preflight.commandline import shell_line
from preflight.documents import API_VERSION
from preflight.errors import ExitCode
from preflight.model import (
    CheckResult,
    Command,
    Consequence,
    Enforcer,
    Finding,
    Reason,
    Report,
    ResourceRef,
    Scope,
    Severity,
    SourceInfo,
    Status,
    UpgradePair,
    Verdict,
)
from preflight.releases import NOTHING, Knowledge
from preflight.report_types import (
    CheckDocument,
    CommandDocument,
    ConsequenceDocument,
    FindingDocument,
    ReasonDocument,
    ReportDocument,
    ResourceDocument,
    SourceDocument,
)
from preflight.values.secrets import cleaned_value
from preflight.values.times import format_time

EXIT_CODES = {
    Verdict.READY: ExitCode.READY,
    Verdict.BLOCKED: ExitCode.BLOCKED,
    Verdict.UNDECIDED: ExitCode.UNDECIDED,
}
FAIL_ON = ("fail", "warn", "never")
CONFIGURATION = "configuration"
"""Category of what is said about the configuration file: that it holds says nothing about the cluster."""


def build_report(
    source: SourceInfo,
    pair: UpgradePair,
    results: Sequence[CheckResult],
    fail_on: str,
    knowledge: Knowledge = NOTHING,
) -> Report:
    """Decide the verdict and the exit code. `never` shows the verdict that `fail` would give and exits 0."""
    verdict = decide(results, "fail" if fail_on == "never" else fail_on)
    return Report(
        tool_version=__version__,
        source=source,
        upgrade=pair,
        verdict=verdict,
        exit_code=ExitCode.READY if fail_on == "never" else EXIT_CODES[verdict],
        summary=summarise(results),
        checks=tuple(results),
        scope=scope_of(results),
        fail_on=fail_on,
        knowledge=knowledge,
    )


def scope_of(results: Sequence[CheckResult]) -> Scope:
    """Say how much of what applies was asked. A check that was left out counts as one that applies."""
    of_the_cluster = [result for result in results if result.category != CONFIGURATION]
    left_out = tuple(result.id for result in of_the_cluster if result.left_out)
    asked = sum(1 for result in of_the_cluster if result.status is not Status.SKIPPED)
    by = tuple(sorted({result.left_out for result in of_the_cluster if result.left_out}))
    return Scope(bool(left_out), asked, asked + len(left_out), left_out, by)


def decide(results: Sequence[CheckResult], fail_on: str) -> Verdict:
    """Say ready only when nothing blocks, nothing that could block is unknown, and something was checked at all."""
    blocking = {Severity.FAIL, Severity.WARN} if fail_on == "warn" else {Severity.FAIL}
    if any(finding.severity in blocking for result in results for finding in unwaived(result)):
        return Verdict.BLOCKED
    if any(result.status is Status.UNKNOWN and (result.worst in blocking or result.required) for result in results):
        return Verdict.UNDECIDED
    if any(result.required and result.status is Status.SKIPPED for result in results):
        return Verdict.UNDECIDED
    of_the_cluster = [result for result in results if result.category != CONFIGURATION]
    if all(result.status in (Status.SKIPPED, Status.UNKNOWN) for result in of_the_cluster):
        return Verdict.UNDECIDED
    return Verdict.READY


def unwaived(result: CheckResult) -> list[Finding]:
    """Return the findings of a result that no waiver covers."""
    return [finding for finding in result.findings if finding.waived is None]


def summarise(results: Sequence[CheckResult]) -> dict[str, int]:
    """Count checks by status, and findings that are waived."""
    counts = {status: 0 for status in ("pass", "warn", "fail", "unknown", "skipped")}
    for result in results:
        counts[result.status.value] += 1
    waived = sum(1 for result in results for finding in result.findings if finding.waived)
    return {**counts, "waived": waived}


def report_dict(report: Report) -> ReportDocument:
    """Write a report as the schema describes it; the field order is part of the contract."""
    pair = report.upgrade
    return {
        "apiVersion": API_VERSION,
        "kind": "PreflightReport",
        "tool": {"name": "harvester-preflight", "version": report.tool_version},
        "source": _source_dict(report.source),
        "upgrade": {
            "from": str(pair.from_version) if pair.from_version else None,
            "to": str(pair.to_version) if pair.to_version else None,
            "via": pair.via.value,
        },
        "verdict": report.verdict.value,
        "exitCode": int(report.exit_code),
        "failOn": report.fail_on,
        "summary": dict(report.summary),
        "scope": {
            "partial": report.scope.partial,
            "asked": report.scope.asked,
            "applicable": report.scope.applicable,
            "leftOut": list(report.scope.left_out),
            "by": list(report.scope.by),
        },
        "knowledge": {"date": report.knowledge.date or None, "sources": list(report.knowledge.sources)},
        "checks": [_check_dict(result) for result in report.checks],
    }


def _source_dict(source: SourceInfo) -> SourceDocument:
    return {
        "type": source.type,
        "name": source.name,
        "collectedAt": format_time(source.collected_at),
        "clock": source.clock,
        "notes": cleaned_value(list(source.notes)),
        "context": source.context or None,
        "connection": list(source.connection),
        "clusterUid": source.cluster_uid or None,
        "unread": reason_dict(source.unread) if source.unread else None,
    }


def _check_dict(result: CheckResult) -> CheckDocument:
    return {
        "id": result.id,
        "title": result.title,
        "category": result.category,
        "status": result.status.value,
        "reason": result.reason,
        "reasons": [reason_dict(reason) for reason in result.reasons],
        "docs": result.docs,
        "durationMs": result.duration_ms,
        "worst": result.worst.value,
        "required": result.required,
        "waivedBy": result.waived_by or None,
        "findings": [finding_dict(finding) for finding in result.findings],
    }


def finding_dict(finding: Finding) -> FindingDocument:
    """Write one finding as the schema describes it."""
    remediation, waived = finding.remediation, finding.waived
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "cause": finding.cause,
        "message": finding.message,
        "hint": "\n".join((finding.hint, *map(command_line, finding.commands))),
        "resource": resource_dict(finding.resource),
        "evidence": dict(finding.evidence),
        "transient": finding.transient,
        "enforcedBy": [enforcer.value for enforcer in finding.enforced_by or (Enforcer.NONE,)],
        "consequence": consequence_dict(finding.consequence) if finding.consequence else None,
        "commands": [command_dict(command) for command in finding.commands],
        "touches": {tie: list(names) for tie, names in sorted(finding.touches.items())},
        "causedBy": list(finding.caused_by),
        "folded": finding.folded,
        "remediation": {"strategy": remediation.strategy, "automatic": remediation.automatic} if remediation else None,
        "waived": {"reason": waived.reason, "expires": waived.expires} if waived else None,
    }


def resource_dict(ref: ResourceRef) -> ResourceDocument:
    """Write the object a finding is about."""
    return {"apiVersion": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def reason_dict(reason: Reason) -> ReasonDocument:
    """Write why something could not be determined."""
    return {
        "code": reason.code.value,
        "text": reason.text,
        "node": reason.node or None,
        "namespace": reason.namespace or None,
        "cure": reason.cure or None,
    }


def consequence_dict(consequence: Consequence) -> ConsequenceDocument:
    """Write what happens if one goes on."""
    return {
        "effect": consequence.effect.value,
        "phase": consequence.phase.value,
        "certainty": consequence.certainty.value,
        "text": consequence.text,
    }


def command_dict(command: Command) -> CommandDocument:
    """Write a command as words, with where it is typed."""
    return {"argv": list(command.argv), "where": command.where.value, "why": command.why}


def command_line(command: Command) -> str:
    """Write a command as one line for a POSIX shell."""
    return shell_line(command.argv)
