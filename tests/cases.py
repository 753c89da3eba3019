"""Drop-in cases of checks: one YAML file is one test. See CONTRIBUTING.md for the fields.

The case's objects pass through the same projection as a real source's, and a check that reads a field it did not
declare fails here with the field's name (preflight.testing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from preflight.check import Check
from preflight.inventory import Inventory
from preflight.knowledge.packaged import shipped
from preflight.model import CheckResult, Code, Finding, Reason, Severity, Via
from preflight.registry import find_plugins, packages_of
from preflight.releases import Knowledge
from preflight.report import command_line
from preflight.testing import NOW as DEFAULT_NOW
from preflight.testing import inventory_of, run_check
from preflight.values.times import parse_time

CASES = Path(__file__).parent / "checks"
KEYS = {"about", "upgrade", "now", "options", "source", "cluster", "not_collected", "gaps", "expect"}


@dataclass(frozen=True)
class Case:
    path: Path
    content: Mapping[str, Any]

    @property
    def check_id(self) -> str:
        return self.path.parent.name

    @property
    def expect(self) -> Mapping[str, Any]:
        expected: Mapping[str, Any] = self.content["expect"]
        return expected


@cache
def all_cases() -> tuple[Case, ...]:
    """Read the cases once per run: every check asks for them several times."""
    return tuple(load_case(path) for path in sorted(CASES.glob("*/*.yaml")))


@cache
def shipped_knowledge() -> Knowledge:
    return shipped(packages_of(find_plugins(only_ours=True)))


def load_case(path: Path) -> Case:
    content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    unknown = set(content) - KEYS
    assert not unknown, f"{path}: unknown keys {sorted(unknown)}"
    assert content.get("about"), f"{path}: says nothing about itself"
    return Case(path, content)


def inventory_for(check: Check, content: Mapping[str, Any]) -> Inventory:
    return inventory_of(check, content.get("cluster") or {}, **_surroundings(check, content))


def _surroundings(check: Check, content: Mapping[str, Any]) -> dict[str, Any]:
    now = parse_time(content["now"]) if "now" in content else DEFAULT_NOW
    assert now is not None
    missing = {name: reason(told) for name, told in (content.get("not_collected") or {}).items()}
    for need in check.needs:  # as every source does
        if (
            need.unserved_is_empty
            and need.resource.name in missing
            and missing[need.resource.name].code is Code.NOT_SERVED
        ):
            del missing[need.resource.name]
    return {
        "not_collected": missing,
        "gaps": {name: [reason(told) for told in gaps] for name, gaps in (content.get("gaps") or {}).items()},
        "now": now,
        "source": content.get("source", "live"),
    }


def reason(told: Any) -> Reason:
    """Read `code: text`, or the fields of a Reason, as a case writes it."""
    if isinstance(told, str):
        code, _, text = told.partition(": ")
        told = {"code": code, "text": text}
    fields = {key: value for key, value in told.items() if key != "code"}
    return Reason(Code(told["code"]), **fields)


def run_case(check: Check, content: Mapping[str, Any]) -> CheckResult:
    upgrade = content.get("upgrade") or {}
    return run_check(
        check,
        content.get("cluster") or {},
        from_version=upgrade.get("from") or "",
        to_version=upgrade.get("to") or "",
        via=Via(upgrade.get("via") or Via.UPGRADE),
        version_expected=bool(upgrade.get("expect_version")),
        options=content.get("options"),
        **_surroundings(check, content),
    )


def compare(case: Case, check: Check, result: CheckResult) -> None:
    expect = case.expect
    shown = f"{result.status.value}: {result.reason}\n" + "\n".join(f"  {finding}" for finding in result.findings)
    assert result.status.value == expect["status"], shown
    assert not any(reason.code is Code.CRASHED for reason in result.reasons), f"a check may never crash:\n{shown}"
    for word in expect.get("reason", ()):
        assert str(word) in result.reason, shown
    wanted = list(expect.get("findings") or ())
    assert len(result.findings) == len(wanted), shown
    remaining = list(result.findings)
    for want in wanted:
        match = next((finding for finding in remaining if not differences(want, finding)), None)
        assert match is not None, f"no finding as {want}\n{shown}\n" + "\n".join(
            str(differences(want, finding)) for finding in remaining
        )
        remaining.remove(match)
    for finding in result.findings:
        assert finding.cause in check.causes, f"cause {finding.cause} is not explained in causes="
        assert set(finding.enforced_by or ()) <= set(check.enforced_by), (
            f"enforced_by {finding.enforced_by} is not declared"
        )
        assert finding.message
        assert finding.hint
        assert promises_no_hang(finding), f"{finding.severity} and yet: {finding.consequence}; {finding.message}"


def promises_no_hang(finding: Finding) -> bool:
    """Say whether READY may stand above this finding: only a fail may say that the upgrade does not get through."""
    if finding.severity is Severity.FAIL or finding.consequence is None:
        return True
    words = f"{finding.message} {finding.hint} {finding.consequence.text}"
    return not finding.consequence.stops and not re.search(r"\bhangs?\b|without limit|for ever", words)


def name_finding(finding: Finding) -> str:
    ref = finding.resource
    return "/".join(part for part in (ref.kind, ref.namespace, ref.name) if part)


def differences(want: Mapping[str, Any], finding: Finding) -> list[str]:
    known = {"severity", "cause", "resource", "words", "hint", "enforced_by", "transient", "remediation", "evidence"}
    known |= {"effect", "phase", "certainty", "consequence", "commands", "touches"}
    assert set(want) <= known, f"unknown keys {sorted(set(want) - known)}"
    found: dict[str, Any] = {
        "severity": finding.severity.value,
        "cause": finding.cause,
        "resource": name_finding(finding),
        "enforced_by": [enforcer.value for enforcer in finding.enforced_by or ()],
        "effect": finding.consequence.effect.value if finding.consequence else None,
        "phase": finding.consequence.phase.value if finding.consequence else None,
        "certainty": finding.consequence.certainty.value if finding.consequence else None,
        "touches": {tie: list(names) for tie, names in finding.touches.items()},
        "transient": finding.transient,
        "remediation": finding.remediation.strategy if finding.remediation else None,
    }
    wrong = [f"{key}: {found[key]!r}, not {want[key]!r}" for key in found if key in want and found[key] != want[key]]
    wrong += [f"message lacks {word!r}" for word in want.get("words", ()) if str(word) not in finding.message]
    hint = "\n".join((finding.hint, *map(command_line, finding.commands)))
    wrong += [f"hint lacks {word!r}" for word in want.get("hint", ()) if str(word) not in hint]
    lines = "\n".join(map(command_line, finding.commands))
    wrong += [f"commands lack {word!r}" for word in want.get("commands", ()) if str(word) not in lines]
    text = finding.consequence.text if finding.consequence else ""
    wrong += [f"the consequence lacks {word!r}" for word in want.get("consequence", ()) if str(word) not in text]
    for key, value in (want.get("evidence") or {}).items():
        if finding.evidence.get(key) != value:
            wrong.append(f"evidence {key}: {finding.evidence.get(key)!r}, not {value!r}")
    return wrong
