"""From which version to which; and what changed between two reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from preflight.cli.fleet import choose_contexts, examine_all
from preflight.diff import compare_reports, regressions
from preflight.errors import UsageError
from preflight.inventory import Collected, Inventory
from preflight.model import SourceInfo
from preflight.pair import no_version, version_pair
from tests.cases import reason

SOURCE = SourceInfo("live", "x", datetime(2026, 11, 23, tzinfo=UTC))


def inventory(setting: Any, *versions: str, **missing: str) -> Inventory:
    settings = () if setting is None else ({"metadata": {"name": "server-version"}, **setting},)
    entries = {
        "settings.harvesterhci.io": Collected(settings),
        "versions.harvesterhci.io": Collected(tuple({"metadata": {"name": name}} for name in versions)),
    }
    return Inventory(SOURCE, entries | {name: Collected(missing=reason(why)) for name, why in missing.items()})


@pytest.mark.parametrize(
    ("setting", "versions", "flags", "pair", "words"),
    [
        ({"value": "v1.4.0"}, ["v1.4.1"], ("", ""), ("v1.4.0", "v1.4.1"), ""),
        ({"value": "v1.4.0"}, ["v1.3.2", "v1.4.0", "v1.4.1"], ("", ""), ("v1.4.0", "v1.4.1"), ""),
        ({"value": "", "default": "v1.4.0"}, ["v1.4.1"], ("", ""), ("v1.4.0", "v1.4.1"), ""),
        ({"value": "v1.4.0"}, ["v1.4.1", "v1.4.2"], ("", ""), ("v1.4.0", None), "v1.4.1, v1.4.2"),
        ({"value": "v1.4.0"}, [], ("", ""), ("v1.4.0", None), "no newer"),
        ({"value": "v1.4.0"}, ["v1.7-head"], ("", ""), ("v1.4.0", None), "no newer"),
        ({"value": "v1.7-head"}, ["v1.8.0"], ("", ""), ("v1.7-head", None), "--to"),
        ({"value": "v1.4.0"}, [], ("v1.5.0", "v1.6.0"), ("v1.5.0", "v1.6.0"), ""),
        (None, ["v1.4.1"], ("", "v1.4.1"), (None, "v1.4.1"), "--from"),
        ({"value": 5}, [], ("", "v1.4.1"), (None, "v1.4.1"), "--from"),
    ],
)
def test_the_pair_of_versions(setting: Any, versions: list, flags: tuple, pair: tuple, words: str) -> None:
    found, problem = version_pair(inventory(setting, *versions), *flags)
    named = tuple(str(version) if version else None for version in (found.from_version, found.to_version))
    assert named == pair
    assert words in problem
    assert bool(words) == bool(problem)


def test_what_was_not_read_is_said() -> None:
    unread = inventory(None, **{"settings.harvesterhci.io": "forbidden: no"})
    assert "forbidden: no" in version_pair(unread, "", "v1.4.1")[1]
    unread = inventory({"value": "v1.4.0"}, **{"versions.harvesterhci.io": "not-in-source: no"})
    assert "not-in-source: no" in version_pair(unread, "", "")[1]


@pytest.mark.parametrize("text", ["v1.4.1", "1.4.1", "v1.9.0-rc3", "v1.7-head", "master-head", "0a1b2c3d", "mine", ""])
def test_what_names_a_version_is_taken(text: str) -> None:
    assert no_version(inventory(None, "mine"), text, text) == ""


@pytest.mark.parametrize(
    "text", ["latest", "newest", "v1.4", "1.4.x", "v1.4.1.2", "V1.4.1", "harvester", "-", "x-head"]
)
def test_what_is_no_version_is_answered_with_those_there_are(text: str) -> None:
    known = inventory(None, "v1.4.1", "v1.5.0")
    assert no_version(known, "", text).startswith(f"--to {text}: not a version")
    assert "v1.4.1, v1.5.0)" in no_version(known, "", text)
    assert no_version(known, text, "v1.4.1").startswith(f"--from {text}: ")
    assert "no Version objects" in no_version(inventory(None), "", text)
    unread = inventory(None, **{"versions.harvesterhci.io": "forbidden: no"})
    assert "forbidden: no" in no_version(unread, "", text)


def report(status: str, *findings: tuple[str, str], worst: str = "fail", waived: bool = False) -> dict[str, Any]:
    ref = {"apiVersion": "v1", "kind": "Node", "namespace": ""}
    made = [
        {
            "severity": severity,
            "cause": "c",
            "message": f"{name} is {severity}",
            "resource": {**ref, "name": name},
            "waived": {"reason": "r", "expires": "e"} if waived else None,
        }
        for name, severity in findings
    ]
    check = {"id": "t", "category": "nodes", "status": status, "reason": "why", "worst": worst, "findings": made}
    return {"verdict": "x", "checks": [check]}


def required(made: dict[str, Any]) -> dict[str, Any]:
    made["checks"][0]["required"] = True
    return made


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (report("pass"), report("fail", ("n1", "fail")), {"new": 1}),
        (report("fail", ("n1", "fail")), report("pass"), {"fixed": 1}),
        (report("fail", ("n1", "fail")), report("unknown"), {"worse": 1}),
        (report("fail", ("n1", "fail")), report("skipped"), {}),
        (report("warn", ("n1", "warn")), report("fail", ("n1", "fail")), {"worse": 1}),
        (report("fail", ("n1", "fail")), report("warn", ("n1", "warn")), {"same": 1}),
        (report("pass", ("n1", "fail"), waived=True), report("fail", ("n1", "fail")), {"worse": 1}),
        (report("unknown"), report("unknown"), {}),
    ],
)
def test_reports_are_compared_finding_by_finding(old: dict, new: dict, words: dict) -> None:
    compared = compare_reports(old, new)
    counts = {word: len(compared[word]) for word in ("new", "worse", "fixed")} | {"same": compared["same"]}
    assert {word: count for word, count in counts.items() if count} == words


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "decision"),
    [
        (report("fail", ("n1", "fail")), report("fail", ("n1", "fail")), "fail", (False, False)),
        (report("fail", ("n1", "fail")), report("fail", ("n1", "fail"), ("n2", "fail")), "fail", (True, False)),
        (report("pass"), report("warn", ("n1", "warn")), "fail", (False, False)),
        (report("pass"), report("warn", ("n1", "warn")), "warn", (True, False)),
        (report("pass"), report("unknown"), "fail", (False, True)),
        (report("pass"), report("unknown", worst="warn"), "fail", (False, False)),
        (report("pass"), report("unknown", worst="warn"), "warn", (False, True)),
        (report("unknown"), report("unknown"), "fail", (False, False)),
        (report("pass"), report("pass", ("n1", "fail"), waived=True), "fail", (False, False)),
        (report("pass"), report("skipped"), "fail", (False, True)),
        (report("unknown"), required(report("skipped")), "fail", (False, True)),
        (report("pass"), required(report("unknown", worst="info")), "fail", (False, True)),
        (report("warn", ("n1", "warn")), report("fail", ("n1", "fail"), ("n1", "warn")), "fail", (True, False)),
    ],
)
def test_a_baseline_lets_only_what_is_new_or_worse_decide(old: dict, new: dict, fail_on: str, decision: tuple) -> None:
    assert regressions(old, new, fail_on) == decision


def test_contexts_are_chosen_by_name_or_expression() -> None:
    known = ["lab", "prod-a", "prod-b"]
    assert choose_contexts(known, "prod-b,lab,prod-b", None) == ["prod-b", "lab"]
    assert choose_contexts(known, "", "") == known
    assert choose_contexts(known, "", "^prod") == ["prod-a", "prod-b"]
    for named, pattern, words in (("nope", None, "no such context"), ("", "(", "regular"), ("", "^x", "matches none")):
        with pytest.raises(UsageError, match=words):
            choose_contexts(known, named, pattern)


@pytest.mark.parametrize(
    ("verdicts", "verdict", "code"),
    [
        ({"a": ("ready", 0), "b": ("ready", 0)}, "ready", 0),
        ({"a": ("ready", 0), "b": ("undecided", 4)}, "undecided", 4),
        ({"a": ("undecided", 4), "b": ("blocked", 3)}, "blocked", 3),
        ({"a": ("blocked", 0), "b": ("ready", 0)}, "blocked", 0),
    ],
)
def test_the_worst_cluster_decides(verdicts: dict, verdict: str, code: int) -> None:
    combined = examine_all(
        list(verdicts), lambda name: {"verdict": verdicts[name][0], "exitCode": verdicts[name][1], "checks": []}
    )
    assert (combined["verdict"], combined["exitCode"]) == (verdict, code)
    assert [entry["context"] for entry in combined["reports"]] == list(verdicts)
