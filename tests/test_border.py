"""What a check yields is examined: whatever it is, the report stands, and the other checks answer."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from preflight.api import FAIL, Code, Finding, NotApplicable, Option, Reason, ResourceRef, View, check, hangs, need
from preflight.border import examined, ours_alone, problem_of
from preflight.check import Check
from preflight.inventory import Collected, Inventory
from preflight.model import CheckResult, Command, Phase, Remediation, SourceInfo, Status, Unknown, UpgradePair, Waived
from preflight.report import build_report, report_dict
from preflight.runner import run_checks
from tests.command import environment, preflight

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD = Finding(
    severity=FAIL,
    cause="c",
    message="m",
    hint="h",
    resource=ResourceRef("v1", "Node", "", "n1"),
    consequence=hangs(Phase.NODE_DRAIN, "The drain waits."),
    commands=(Command(("kubectl", "get", "nodes")),),
    touches={"node": ("n1",)},
)


def made(*outcomes: Any, origin: str = "their-package") -> Check:
    @check(id="t", title="t", category="theirs", needs=(need("nodes"),), docs="", why="", how="", fix="")
    def run(view: View) -> Iterator[Any]:
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome(view) if callable(outcome) else outcome

    return replace(run, origin=origin)


def results(*checks: Check, objects: tuple[Any, ...] = ()) -> tuple[CheckResult, ...]:
    inventory = Inventory(SourceInfo("live", "here", NOW), {"nodes": Collected(objects)})
    return run_checks(checks, inventory, UpgradePair(None, None), left_out={}, options={})


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (replace(GOOD, resource=None), "resource is None, not ResourceRef"),
        (replace(GOOD, resource=ResourceRef("v1", "Node", "", None)), "resource.name is None, not str"),
        (replace(GOOD, severity="fail"), "severity is 'fail', not Severity"),
        (replace(GOOD, message=None), "message is None"),
        (replace(GOOD, cause=3), "cause is 3"),
        (replace(GOOD, hint=["a"]), "hint is ['a']"),
        (replace(GOOD, transient="no"), "transient is 'no'"),
        (replace(GOOD, enforced_by=("webhook",)), "enforced_by is 'webhook', not Enforcer"),
        (replace(GOOD, consequence="it hangs"), "consequence is 'it hangs'"),
        (replace(GOOD, consequence=replace(GOOD.consequence, phase="x")), "consequence.phase is 'x'"),
        (replace(GOOD, commands=("kubectl get nodes",)), "command is 'kubectl get nodes', not Command"),
        (replace(GOOD, commands=(Command(("kubectl", 3)),)), "argv is 3"),
        (replace(GOOD, touches={"node": "n1"}), "touches is 'n1', not tuple"),
        (replace(GOOD, remediation=Remediation("toggle", "yes")), "remediation.automatic is 'yes'"),
        (replace(GOOD, evidence={"at": NOW}), "evidence is not JSON"),
        (replace(GOOD, evidence={"share": float("nan")}), "evidence is not JSON"),
        (replace(GOOD, evidence=None), "evidence is None"),
        (Unknown("forbidden: x"), "reason is 'forbidden: x', not Reason"),
        (Unknown(Reason("forbidden", "x")), "reason.code is 'forbidden', not Code"),
        (NotApplicable(None), "reason is None"),
        ("all is well", "a str, which is no outcome"),
        (None, "a NoneType"),
    ],
)
def test_an_outcome_that_is_none_is_crashed_by_name_and_costs_nothing_else(outcome: Any, words: str) -> None:
    bad, well = results(made(GOOD, outcome, replace(GOOD, cause="d")), made(GOOD, origin="another"))
    assert bad.status is well.status is Status.FAIL
    assert [finding.cause for finding in bad.findings] == ["c", "d"]
    assert [reason.code for reason in bad.reasons] == [Code.CRASHED]
    assert words in bad.reason
    report = build_report(SourceInfo("live", "here", NOW), UpgradePair(None, None), (bad, well), "fail")
    json.dumps(report_dict(report), allow_nan=False)


@pytest.mark.parametrize("error", [GeneratorExit(), SystemExit(0), type("Odd", (BaseException,), {})("boom")])
def test_whatever_a_check_raises_is_its_own_affair(error: BaseException) -> None:
    bad, well = results(made(GOOD, error), made(origin="another"))
    assert (bad.status, well.status) == (Status.FAIL, Status.PASS)
    assert bad.reasons[0].code is Code.CRASHED


def test_ctrl_c_is_the_users_word_even_inside_a_check() -> None:
    with pytest.raises(KeyboardInterrupt):
        results(made(KeyboardInterrupt()))


def test_no_check_waives_itself_or_hides_its_finding() -> None:
    found = examined(replace(GOOD, waived=Waived("trust me", "2099-01-01"), folded=True, id="x", caused_by=("y",)))
    assert isinstance(found, Finding)
    assert found == GOOD


def test_evidence_is_a_copy_of_its_own() -> None:
    shared = {"list": [1]}
    found = examined(replace(GOOD, evidence=shared))
    assert isinstance(found, Finding)
    shared["list"].append(2)
    assert found.evidence == {"list": [1]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"needs": None}, "needs is None"),
        ({"needs": ("nodes",)}, "needs is 'nodes', not Need"),
        ({"title": None}, "title is None"),
        ({"causes": {"c": None}}, "causes is None"),
        ({"options": {"days": 7}}, "option 'days' is 7, not Option"),
        ({"tags": ["a"]}, "tags is ['a'], not tuple"),
        ({"worst": "fail"}, "worst is 'fail'"),
        ({"id": "Not Kebab"}, "kebab"),
        ({"to_versions": "new"}, "range"),
    ],
)
def test_a_declaration_that_is_none_is_named(change: dict[str, Any], words: str) -> None:
    assert problem_of(made()) == ""
    assert problem_of(replace(made(), options={"days": Option(7, "days")})) == ""
    assert words in problem_of(replace(made(), **change))


def test_standard_output_is_ours_again_when_the_last_of_several_threads_is_done(capsys: Any) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with ours_alone():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with ours_alone():
        thread.start()
        inside.wait(10)
        print("theirs")
    print("theirs too: the other thread is still inside")
    leave.set()
    thread.join()
    print("ours")
    assert capsys.readouterr().out == "ours\n"


NOISY = """
import os, subprocess, sys
from preflight.api import WARN, Finding, check, need, ref_of
print("import")
@check(id="noisy", title="t", category="theirs", needs=(need("nodes", "spec.taints"),), worst=WARN,
       docs="", why="", how="", fix="", causes={"c": "c"})
def noisy(view):
    print("print")
    os.write(1, b"descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    yield Finding(severity=WARN, cause="c", message="m", hint="h", resource=ref_of(view.objects("nodes")[0]))
"""


def test_what_a_plugin_prints_is_not_in_the_report(tmp_path: Path) -> None:
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[harvester_preflight.checks]\nnoisy = noisy_check:noisy\n")
    (tmp_path / "noisy_check.py").write_text(NOISY)
    path = os.pathsep.join((str(tmp_path), environment()["PYTHONPATH"]))
    done = preflight("check", "--source", "demo:healthy", "-o", "json", env={"PYTHONPATH": path})
    report = json.loads(done.stdout)
    (noisy,) = [entry for entry in report["checks"] if entry["id"] == "noisy"]
    assert noisy["status"] == "warn"
    assert {"import", "print", "descriptor", "child"} <= set(done.stderr.splitlines())
