"""Compare our verdict with what the server's own webhook answered, and show where the two disagree."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.model import CheckResult, Enforcer, Finding, ResourceRef, Severity, Status

ASKED_ID = "server-dry-run"
AGREEMENT_ID = "server-agreement"


def agreement(results: Sequence[CheckResult]) -> CheckResult | None:
    """Return the result that compares both; None when the server was not asked, or could not be."""
    asked = next((result for result in results if result.id == ASKED_ID), None)
    if asked is None or asked.status not in (Status.PASS, Status.FAIL):
        return None
    refused = asked.status is Status.FAIL
    ours = sorted({result.id for result in results if result.id != ASKED_ID and _webhook_would_stop(result)})
    open_ones = sorted(result.id for result in results if result.status is Status.UNKNOWN)
    findings = tuple(_disagreement(refused, ours, open_ones)) if refused != bool(ours) else ()
    return CheckResult(
        id=AGREEMENT_ID,
        title="This tool and the server's webhook come to the same answer",
        category="upgrade",
        status=Status.WARN if findings else Status.PASS,
        reason="",
        docs="",
        duration_ms=0.0,
        findings=findings,
        worst=Severity.WARN,
    )


def _webhook_would_stop(result: CheckResult) -> bool:
    return any(
        finding.severity is Severity.FAIL and Enforcer.WEBHOOK in (finding.enforced_by or ()) and finding.waived is None
        for finding in result.findings
    )


def _disagreement(refused: bool, ours: Sequence[str], open_ones: Sequence[str]) -> list[Finding]:
    if refused:
        cause, message = "server-stricter", "The server refuses the Upgrade for a reason that no check here has found"
        if open_ones:
            message += f" (not determined here: {', '.join(open_ones)})"
    else:
        cause = "server-milder"
        message = f"The server accepts the Upgrade, though by these checks it should refuse it: {', '.join(ours)}"
    return [
        Finding(
            severity=Severity.WARN,
            cause=cause,
            message=message,
            hint="Trust the stricter of the two, and please report the difference with both outputs",
            resource=ResourceRef("harvesterhci.io/v1beta1", "Upgrade", "harvester-system", "dry-run"),
            evidence={"serverAccepts": not refused, "checksThatExpectADenial": list(ours), "unknown": list(open_ones)},
        )
    ]
