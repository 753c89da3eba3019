"""Two ways to upgrade: what the report says of a gate where an UpgradePlan is meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from preflight.check import Check, need
from preflight.cli import run as command_line
from preflight.inventory import Collected, Inventory, View
from preflight.model import Enforcer, Finding, ResourceRef, Severity, SourceInfo, Status, UpgradePair, Via
from preflight.registry import find_plugins, load_checks
from preflight.runner import run_checks
from preflight.terms import Certainty, Consequence, Effect, Phase
from preflight.via import BESIDE, REPEATED, WAIVER
from preflight.wording import hangs, refused

CHECKS = {check.id: check for check in load_checks(find_plugins(only_ours=True))}
NODE = ResourceRef("v1", "Node", "", "n1")
WEBHOOK, SCRIPTS, NONE = Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.NONE


def run(check_id: str, via: Via, *enforcers: Enforcer, consequence: Consequence | None = None, waived_by: str = ""):
    """Run a check of that id that finds one thing, and return its result."""

    def find(_view: View):
        yield Finding(
            severity=Severity.FAIL,
            cause="c",
            message="m",
            hint="h",
            resource=NODE,
            enforced_by=enforcers,
            consequence=consequence or refused(),
        )

    check = Check(
        id=check_id,
        title="t",
        category="nodes",
        needs=(need("nodes"),),
        run=find,
        worst=Severity.FAIL,
        from_versions="",
        to_versions="",
        enforced_by=enforcers,
        docs="",
        why="",
        how="",
        fix="",
        waived_by=waived_by,
    )
    source = SourceInfo("live", "here", datetime(2026, 11, 23, tzinfo=UTC))
    inventory = Inventory(source, {"nodes": Collected()})
    (result,) = run_checks([check], inventory, UpgradePair(None, None, via), left_out={}, options={})
    return result


def test_the_tables_name_checks_that_exist():
    assert set(BESIDE) | REPEATED <= set(CHECKS)
    assert not set(BESIDE) & REPEATED


def test_what_the_plan_repeats_has_a_webhook_rule():
    for check_id in REPEATED:
        assert WEBHOOK in CHECKS[check_id].enforced_by, check_id


@pytest.mark.parametrize("check_id", sorted(REPEATED))
def test_what_the_plan_repeats_stays_refused(check_id: str):
    (finding,) = run(check_id, Via.UPGRADE_PLAN, WEBHOOK).findings
    assert finding.enforced_by == (WEBHOOK,)
    assert finding.consequence.effect is Effect.REFUSED


@pytest.mark.parametrize(
    ("check_id", "effect", "certainty"),
    [
        ("node-disk-space", Effect.FAILS, Certainty.POSSIBLE),
        ("certificate-expiry", Effect.HANGS, Certainty.POSSIBLE),
        ("capi-cluster-provisioned", Effect.HANGS, Certainty.POSSIBLE),
        ("upgrade-in-progress", Effect.HANGS, Certainty.LIKELY),
        ("a-plugins-own", Effect.FAILS, Certainty.POSSIBLE),
    ],
)
def test_what_only_the_webhook_of_upgrades_refuses_nobody_does(check_id: str, effect: Effect, certainty: Certainty):
    (finding,) = run(check_id, Via.UPGRADE_PLAN, WEBHOOK, SCRIPTS).findings
    assert finding.enforced_by == (SCRIPTS,)
    assert (finding.consequence.effect, finding.consequence.certainty) == (effect, certainty)
    (alone,) = run(check_id, Via.UPGRADE_PLAN, WEBHOOK).findings
    assert alone.enforced_by == (NONE,)
    assert alone.severity is Severity.FAIL


def test_what_the_scripts_do_stays_as_it_is():
    says = hangs(Phase.NODE_DRAIN, "It waits")
    (finding,) = run("orphan-engine", Via.UPGRADE_PLAN, WEBHOOK, SCRIPTS, consequence=says).findings
    assert finding.consequence == says


def test_the_built_in_way_changes_nothing():
    result = run("node-disk-space", Via.UPGRADE, WEBHOOK, waived_by="harvesterhci.io/skipWebhook")
    assert result.findings[0].enforced_by == (WEBHOOK,)
    assert result.findings[0].consequence.effect is Effect.REFUSED
    assert result.waived_by == "harvesterhci.io/skipWebhook"


@pytest.mark.parametrize("check_id", sorted(BESIDE))
def test_what_has_nothing_to_say_is_skipped_with_its_reason(check_id: str):
    result = run(check_id, Via.UPGRADE_PLAN, WEBHOOK)
    assert (result.status, result.reason, result.findings) == (Status.SKIPPED, BESIDE[check_id], ())
    assert run(check_id, Via.UPGRADE, WEBHOOK).status is Status.FAIL


@pytest.mark.parametrize(
    ("check_id", "waived_by", "wanted"),
    [("node-ready", "harvesterhci.io/skipWebhook", WAIVER), ("node-ready", "", ""), ("node-disk-space", "x/y", "")],
)
def test_the_annotation_that_waives_is_that_of_the_way(check_id: str, waived_by: str, wanted: str):
    assert run(check_id, Via.UPGRADE_PLAN, WEBHOOK, waived_by=waived_by).waived_by == wanted


def test_the_report_names_the_way(capsys: pytest.CaptureFixture[str]):
    for way in ("upgrade", "upgrade-plan"):
        assert command_line(["check", "--source", "demo", "--to", "v1.4.1", "--via", way, "-o", "json"]) in (0, 3)
        assert json.loads(capsys.readouterr().out)["upgrade"] == {"from": "v1.4.0", "to": "v1.4.1", "via": way}
    command_line(["check", "--source", "demo", "--to", "v1.4.1", "--via", "upgrade-plan"])
    assert "v1.4.0 → v1.4.1 by UpgradePlan" in capsys.readouterr().out


def test_the_server_is_not_asked_for_an_upgrade_where_a_plan_is_meant(capsys: pytest.CaptureFixture[str]):
    assert command_line(["check", "--to", "v1.9.0", "--via", "upgrade-plan", "--ask-server"]) == 2
    assert "--ask-server" in capsys.readouterr().err


def test_a_configuration_file_may_name_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "c.yaml"
    config.write_text("defaults: {via: upgrade-plan}\n")
    command_line(["check", "--source", "demo", "--to", "v1.4.1", "--config", str(config), "-o", "json"])
    assert json.loads(capsys.readouterr().out)["upgrade"]["via"] == "upgrade-plan"
