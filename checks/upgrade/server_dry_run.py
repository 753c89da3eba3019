"""What the server's own webhook says: the Upgrade created as a dry run, asked for with --ask-server.

Rule: validator.go of the running version, all of it, by the server itself. It stops at its first rule that fails, so one
denial may hide others: the checks beside this one find them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    View,
    boolean_at,
    check,
    integer_at,
    need,
    ref_of,
    refused,
    text_at,
    tool,
)

DRY_RUN = "upgrades.harvesterhci.io/dry-run"
NOT_ASKED = (Code.NOT_IN_SOURCE,)


@check(
    id="server-dry-run",
    title="The server itself would accept the Upgrade",
    category="upgrade",
    needs=(need(DRY_RUN, "accepted", "code", "reason", "message", "version", optional=True),),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The webhook of the running version has the last word on whether the Upgrade can be created.",
    how="With --ask-server the Upgrade is created with dryRun=All: all of the server's rules run and nothing is stored. It "
    "needs the right to create upgrades.harvesterhci.io in harvester-system (rbac --with-ask-server).",
    fix="Do what the server's message asks for; the findings of the other checks say the same with names and commands.",
    causes={
        "denied": "The webhook refuses the Upgrade. Its message names the first rule that fails, and only that one.",
        "server-cannot-judge": "The server answered with an error of its own (500): creating the Upgrade fails as well.",
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused("Creating the Upgrade ends with the same answer"),
)
def server_dry_run(view: View) -> Iterator[Outcome]:
    """Yield a finding with the server's words when it refuses the dry run."""
    missing = view.missing(DRY_RUN)
    if missing and missing.code in NOT_ASKED:
        yield NotApplicable("the server is asked only with --ask-server")
        return
    yield from view.each(DRY_RUN, _judge)


def _judge(answer: JsonObject) -> Iterator[Outcome]:
    if boolean_at(answer, "accepted"):
        return
    code, said = integer_at(answer, "code"), text_at(answer, "message")
    broken = code == 500
    yield Finding(
        severity=FAIL,
        cause="server-cannot-judge" if broken else "denied",
        message=f"The server {'cannot judge' if broken else 'refuses'} an Upgrade to {text_at(answer, 'version')}: {said}",
        hint="Do what the message asks for, then ask again",
        commands=(tool("check --ask-server"),),
        resource=ref_of(answer),
        evidence={"code": code, "reason": text_at(answer, "reason"), "message": said},
    )
