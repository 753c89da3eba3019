"""Whatever a report or a plan tells to type reaches the cluster that was looked at, and a question names it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from preflight.api import Explains, Severity, Tie
from preflight.cli import run
from preflight.cli.repairing import confirmed
from preflight.cluster.kubeconfig import Aim
from preflight.documents import load_schema
from preflight.sources.text.yaml_reading import load_documents
from tests.command import ROOT, environment, preflight
from tests.kube import KubeServer
from tests.remediation.test_cli import Terminal
from tests.remediation.world import CHECKS, Obj, declare, namespace, setting, status_of, stuck

FIXTURES = ROOT / "tests" / "fixtures"
PLUGIN = "import sys\nfrom preflight.cli import main\nmain()\n"


def kube_system(uid: str) -> Obj:
    found = namespace()
    found["metadata"]["uid"] = uid
    return found


def two_contexts(folder: Path, **servers: KubeServer) -> Path:
    """Write a kubeconfig of several clusters; the first is the current one."""
    path = folder / "two-contexts"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(servers)),
        "clusters": [{"name": name, "cluster": {"server": server.url}} for name, server in servers.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in servers],
        "users": [{"name": "u", "user": {"token": next(iter(servers.values())).token}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def tool_lines(text: str, program: str = "harvester-preflight") -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.strip().startswith(f"{program} ")]


# -- as it is typed, with the checks that ship -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clusters() -> Iterator[tuple[KubeServer, KubeServer]]:
    objects = list(load_documents((FIXTURES / "job-predates.yaml").read_bytes()))
    with KubeServer([kube_system("uid-lab")]) as lab, KubeServer([*objects, kube_system("uid-prod")]) as prod:
        yield lab, prod


@pytest.fixture
def kubeconfig(clusters: tuple[KubeServer, KubeServer], tmp_path: Path) -> Path:
    lab, prod = clusters
    lab.requests.clear()
    return two_contexts(tmp_path, lab=lab, prod=prod)


def printed(kubeconfig: Path, *more: str) -> list[list[str]]:
    flags = ("--kubeconfig", kubeconfig, "--context", "prod", "--to", "v1.4.1", "--select", "addon-stuck")
    return tool_lines(preflight("check", *flags, *more).stdout)


def test_the_command_printed_for_prod_pasted_as_it_is_plans_against_prod(
    clusters: tuple[KubeServer, KubeServer], kubeconfig: Path
) -> None:
    lab, prod = clusters
    (pasted,) = printed(kubeconfig)  # one for both Addons
    assert pasted[pasted.index("--context") + 1] == "prod"
    planned = preflight(*pasted[1:])
    assert planned.returncode == 0, planned.stderr
    head = " ".join(planned.stdout.split())
    assert head.startswith(f"PLAN: 2 steps for 2 findings (live: {prod.url}, context prod).")
    kubectl = [line.strip() for line in planned.stdout.splitlines() if line.strip().startswith("kubectl ")]
    assert kubectl
    assert all(f"--kubeconfig {kubeconfig} --context prod" in line for line in kubectl)
    (last,) = tool_lines(planned.stdout)
    assert last == [*pasted, "--apply"]
    assert lab.requests == []


def test_the_question_that_a_pasted_command_asks_names_prod(
    clusters: tuple[KubeServer, KubeServer],
    kubeconfig: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    lab, prod = clusters
    pasted = printed(kubeconfig, "-v")
    assert len(pasted) == 2
    monkeypatch.chdir(tmp_path)
    for words in pasted:
        assert words[-1] == "--apply"
        monkeypatch.setattr("sys.stdin", Terminal("y\n"))  # what would do with one context
        assert run(words[1:]) == 5
        told = capsys.readouterr()
        assert told.out.startswith("PLAN: 1 step for 1 finding")
        assert f"will be carried out on context prod ({prod.url})" in told.err
        assert "the kubeconfig has 2 contexts" in told.err
    assert lab.requests == []
    assert not [asked for asked in prod.requests if asked.method == "DELETE" and "dryRun" not in asked.body.decode()]


def test_the_context_in_use_is_named_where_another_may_be_in_use_tomorrow(
    clusters: tuple[KubeServer, KubeServer], tmp_path: Path
) -> None:
    lab, prod = clusters
    env = {"KUBECONFIG": str(two_contexts(tmp_path, prod=prod, lab=lab))}
    words = ("check", "--to", "v1.4.1", "--select", "addon-stuck")
    (pasted,) = tool_lines(preflight(*words, env=env).stdout)
    assert pasted == ["harvester-preflight", "fix", "--context", "prod", "--only", "addon-stuck"]
    alone = {"KUBECONFIG": str(prod.kubeconfig(tmp_path))}
    (pasted,) = tool_lines(preflight(*words, env=alone).stdout)
    assert pasted == ["harvester-preflight", "fix", "--only", "addon-stuck"]


def test_kubectls_plugin_names_itself_as_it_was_called(kubeconfig: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "kubectl-harvester_preflight"
    plugin.write_text(PLUGIN)

    def call(*words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, str(plugin), *map(str, words)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout

    flags = ("--kubeconfig", kubeconfig, "--context", "prod")
    for text in (call("check", *flags, "--to", "v1.4.1", "--select", "addon-stuck"), call("fix", *flags)):
        assert tool_lines(text) == []
        lines = tool_lines(text, "kubectl harvester-preflight fix")
        assert lines
        assert all("prod" in line for line in lines)


def test_a_copy_gets_no_line_that_carries_anything_out() -> None:
    for name in ("check", "fix"):
        done = preflight(name, "--source", "demo")
        assert "--apply" not in done.stdout, name


# -- a saved report ----------------------------------------------------------------------------------------------------


def saved(kubeconfig: Path, context: str, *more: str) -> Path:
    path = kubeconfig.parent / f"{context}.json"
    flags = ("--kubeconfig", kubeconfig, "--context", context, "--to", "v1.4.1")
    preflight("check", *flags, "--report", f"json={path}", *more)
    return path


def test_a_saved_report_is_planned_for_its_own_cluster_only(
    clusters: tuple[KubeServer, KubeServer], kubeconfig: Path
) -> None:
    lab, prod = clusters
    report = saved(kubeconfig, "prod")
    lab.requests.clear()
    env = {"KUBECONFIG": str(kubeconfig)}
    asked = preflight("fix", "--from-report", report)
    assert asked.returncode == 2
    assert f"fix --kubeconfig {kubeconfig} --context prod --from-report {report}" in asked.stderr
    document = json.loads(report.read_text())
    document["source"]["connection"] = ["--context", "prod"]  # as with KUBECONFIG
    report.write_text(json.dumps(document))
    planned = preflight("fix", "--from-report", report, env=env)
    assert planned.returncode == 0, planned.stderr
    assert f"(live: {prod.url}, context prod)" in " ".join(planned.stdout.split())
    assert lab.requests == []
    wrong = preflight("fix", "--from-report", report, "--context", "lab", "--apply", "--yes", env=env)
    assert (wrong.returncode, wrong.stdout) == (5, "")
    assert "is of another cluster" in wrong.stderr
    assert "uid-prod there, uid-lab here" in wrong.stderr
    assert {asked.method for asked in lab.requests} == {"GET"}


def test_only_what_the_report_found_is_planned(kubeconfig: Path) -> None:
    report = saved(kubeconfig, "prod")
    document = json.loads(report.read_text())
    stuck_check = next(check for check in document["checks"] if check["id"] == "addon-stuck")
    assert len(stuck_check["findings"]) == 2
    kept = stuck_check["findings"].pop()
    stuck_check["findings"].append(
        {**kept, "resource": {**kept["resource"], "name": "an-addon-that-is-well-by-now"}, "id": "0"}
    )
    report.write_text(json.dumps(document))
    flags = ("--kubeconfig", kubeconfig, "--context", "prod", "-o", "json")
    planned = preflight("fix", "--from-report", report, *flags)
    plan = json.loads(planned.stdout)
    assert {step["finding"]["name"] for step in plan["steps"]} == {stuck_check["findings"][0]["resource"]["name"]}
    assert "1 of its findings are gone, and 1 are new" in planned.stderr
    assert plan["source"]["clusterUid"] == "uid-prod"
    assert plan["source"]["context"] == "prod"


def test_a_report_cannot_say_where_credentials_go(kubeconfig: Path, tmp_path: Path) -> None:
    report = saved(kubeconfig, "prod")
    document = json.loads(report.read_text())
    with KubeServer() as elsewhere:
        for flags in (["--server", elsewhere.url], ["--context", "prod", "--insecure-skip-tls-verify"]):
            document["source"]["connection"] = flags
            report.write_text(json.dumps(document))
            done = preflight("fix", "--from-report", report, env={"KUBECONFIG": str(kubeconfig)})
            assert done.returncode == 2
            assert "not taken from a file" in done.stderr
        assert elsewhere.requests == []


def test_a_report_of_a_copy_is_planned_from_that_copy_and_never_applied(tmp_path: Path) -> None:
    report = tmp_path / "demo.json"
    preflight("check", "--source", "demo", "--report", f"json={report}")
    planned = preflight("fix", "--from-report", report)
    assert planned.stdout == preflight("fix", "--source", "demo").stdout
    applied = preflight("fix", "--from-report", report, "--apply", "--yes")
    assert applied.returncode == 2
    assert "a copy cannot be repaired" in applied.stderr


def test_a_report_of_several_clusters_wants_one_named(kubeconfig: Path) -> None:
    report = kubeconfig.parent / "fleet.json"
    preflight("check", "--kubeconfig", kubeconfig, "--all-contexts", "--to", "v1.4.1", "--report", f"json={report}")
    done = preflight("fix", "--kubeconfig", kubeconfig, "--from-report", report)
    assert done.returncode == 2
    assert "(lab, prod)" in done.stderr
    planned = preflight("fix", "--kubeconfig", kubeconfig, "--context", "prod", "--from-report", report)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("PLAN: 2 steps")


# -- the question ------------------------------------------------------------------------------------------------------


@pytest.fixture
def _checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("preflight.cli.repairing.registered_checks", lambda _settings: CHECKS)
    monkeypatch.setattr("preflight.remediation.wait.POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


Start = Callable[..., KubeServer]


@pytest.mark.usefixtures("_checks")
@pytest.mark.parametrize(("answer", "code"), [("y\n", 5), ("lab\n", 5), ("\n", 5), ("prod\n", 0)])
def test_with_several_contexts_the_name_of_this_one_must_be_typed(
    kube_server: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    answer: str,
    code: int,
) -> None:
    lab = kube_server([kube_system("uid-lab")])
    prod = kube_server([setting(), kube_system("uid-prod"), *stuck("one")], controllers=True)
    path = two_contexts(tmp_path, lab=lab, prod=prod)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run(["fix", "--kubeconfig", str(path), "--context", "prod", "--apply"]) == code
    told = capsys.readouterr().err
    assert f"on context prod ({prod.url})" in told
    assert "Type the name of the context, prod, to go on" in told
    assert (status_of(prod.object("addons", "harvesterhci.io", "addons", "one") or {}) == "AddonDeploySuccessful") is (
        code == 0
    )
    if code == 0:
        assert f"harvester-preflight rollback --kubeconfig {path} --context prod " in told
        (journal,) = tmp_path.glob("harvester-preflight-*/journal.json")
        assert run(["rollback", "--kubeconfig", str(path), "--context", "prod", str(journal)]) == 0


def test_the_question_names_context_and_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(answer: str, *aim: Any) -> tuple[bool, str]:
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        went_on = confirmed([], Aim(*aim), before=lambda: None)
        return went_on, capsys.readouterr().err

    assert ask("y\n", "prod", "https://10.0.0.1:6443", ("prod",)) == (
        True,
        "Carry out 0 steps on context prod (https://10.0.0.1:6443)? [y/N]: ",
    )
    assert "on https://10.0.0.1:6443?" in ask("n\n", "", "https://10.0.0.1:6443", ())[1]
    went_on, told = ask("y\n", "prod", "https://10.0.0.1:6443", ("prod", "lab"))
    assert not went_on
    assert "'y' is not the name of that context" in told


# -- what comes first --------------------------------------------------------------------------------------------------


def with_root(monkeypatch: pytest.MonkeyPatch, severity: Severity) -> None:
    from dataclasses import replace

    root = replace(
        declare("root-check", "nodes", severity),
        explains=(Explains("addon-stuck", Tie.CLUSTER),),
    )
    monkeypatch.setattr("preflight.cli.repairing.registered_checks", lambda _settings: (*CHECKS, root))


NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "annotations": {"test/cause": "bad-clock"}}}


def fixed(server: KubeServer, folder: Path, *words: str) -> int:
    return run(["fix", "--kubeconfig", str(server.kubeconfig(folder)), *words])


@pytest.mark.usefixtures("_checks")
@pytest.mark.parametrize(
    ("severity", "cause", "needed"),
    [
        (
            Severity.WARN,
            "job-predates-operation",
            False,
        ),  # the new Job is younger than the operation, whatever the clock
        (Severity.FAIL, "job-predates-operation", True),
        (Severity.WARN, "failure-latched", True),  # with toggle: a new operation sticks again
    ],
)
def test_an_open_cause_is_named_first_and_stops_what_would_not_hold(
    kube_server: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    severity: Severity,
    cause: str,
    needed: bool,
) -> None:
    with_root(monkeypatch, severity)
    objects: Sequence[Obj] = stuck("one", cause)
    strategy: tuple[str, ...] = ()
    if cause == "failure-latched":
        strategy = ("--strategy", "toggle")
        objects[0]["status"]["status"] = "AddonEnableFailed"
        for condition in objects[0]["status"]["conditions"]:
            condition["status"] = "True" if condition["type"] == "OperationFailed" else "False"
    server = kube_server([setting(), namespace(), NODE, *objects], controllers=True)
    assert fixed(server, tmp_path, *strategy) == 0
    out = capsys.readouterr().out
    assert "First, root-check: bad-clock of Node n1 (before step" in out
    assert ("--force" in out) is needed
    assert fixed(server, tmp_path, *strategy, "-o", "json") == 0
    plan = json.loads(capsys.readouterr().out)
    Draft202012Validator(load_schema("plan")).validate(plan)
    assert [(one["check"], one["needed"], one["steps"][:1]) for one in plan["preconditions"]] == [
        ("root-check", needed, [1])
    ]
    assert fixed(server, tmp_path, *strategy, "--apply", "--yes") == (5 if needed else 0)
    if needed:
        assert "would not hold while its cause is there (root-check: bad-clock of Node n1)" in " ".join(
            capsys.readouterr().out.split()
        )
        assert fixed(server, tmp_path, *strategy, "--apply", "--yes", "--force") == 0
    assert status_of(server.object("addons", "harvesterhci.io", "addons", "one") or {}) == "AddonDeploySuccessful"
