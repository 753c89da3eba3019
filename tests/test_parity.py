"""Our verdict beside the server's: where they disagree, it is shown."""

from __future__ import annotations

import pytest

from preflight.model import CheckResult, Enforcer, Finding, ResourceRef, Severity, Status
from preflight.parity import agreement

REF = ResourceRef("v1", "Node", "", "n1")


def result(name: str, status: Status, *who: Enforcer) -> CheckResult:
    found = Finding(severity=Severity.FAIL, cause="c", message="m", hint="h", resource=REF, enforced_by=who)
    return CheckResult(name, name, "upgrade", status, "", "", 0.0, (found,) if who else ())


@pytest.mark.parametrize(
    ("server", "ours", "cause"),
    [
        (Status.PASS, result("a", Status.PASS), ""),
        (Status.FAIL, result("a", Status.FAIL, Enforcer.WEBHOOK), ""),
        (Status.FAIL, result("a", Status.FAIL, Enforcer.SCRIPTS), "server-stricter"),
        (Status.FAIL, result("a", Status.UNKNOWN), "server-stricter"),
        (Status.PASS, result("a", Status.FAIL, Enforcer.WEBHOOK), "server-milder"),
        (Status.PASS, result("a", Status.FAIL, Enforcer.NONE), ""),
    ],
)
def test_disagreements_are_named(server: Status, ours: CheckResult, cause: str) -> None:
    found = agreement([result("server-dry-run", server), ours])
    assert found is not None
    assert [finding.cause for finding in found.findings] == ([cause] if cause else [])
    assert found.status is (Status.WARN if cause else Status.PASS)


@pytest.mark.parametrize("server", [Status.SKIPPED, Status.UNKNOWN])
def test_a_server_that_was_not_asked_agrees_with_nobody(server: Status) -> None:
    assert agreement([result("server-dry-run", server)]) is None
