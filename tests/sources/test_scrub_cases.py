"""Every case of every check comes to the same through a snapshot: what is scrubbed is nothing a check reads."""

from dataclasses import replace

import pytest

from preflight.inventory import Inventory
from preflight.model import CheckResult, UpgradePair
from preflight.registry import check_options, find_plugins, load_checks
from preflight.runner import run_checks
from preflight.sources.saved.snapshot import dump, read_snapshot
from preflight.values.versions import parse_version
from tests.cases import Case, all_cases, inventory_for

CHECKS = {check.id: check for check in load_checks(find_plugins(only_ours=True))}


def judge(case: Case, inventory: Inventory) -> CheckResult:
    check = CHECKS[case.check_id]
    upgrade = case.content.get("upgrade") or {}
    versions = [parse_version(upgrade[key]) if upgrade.get(key) else None for key in ("from", "to")]
    options = check_options([check], {check.id: case.content.get("options") or {}})
    (result,) = run_checks([check], inventory, UpgradePair(*versions), left_out={}, options=options)
    return result


def shown(result: CheckResult) -> tuple:
    findings = sorted((finding.severity, finding.cause, finding.resource.name) for finding in result.findings)
    return result.status, findings


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.check_id}/{case.path.stem}")
def test_a_snapshot_changes_no_result(case):
    direct = inventory_for(CHECKS[case.check_id], case.content)
    needs = CHECKS[case.check_id].needs
    text = dump(direct, needs)
    again = read_snapshot(needs, text.encode(), "snapshot.json", None)
    assert again is not None
    again = replace(again, source=direct.source)
    assert shown(judge(case, again)) == shown(judge(case, direct))
