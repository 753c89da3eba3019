"""What a shell completes, asked as the shells ask and as kubectl asks for its plugins."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.cli import cli
from preflight.cli.completing import colons_joined, for_kubectl
from tests.command import command, environment


def offered(*words: str) -> list[str]:
    *lines, directive = for_kubectl(cli, words).splitlines()
    assert directive in (":0", ":4")
    return [line.partition("\t")[0] for line in lines]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["ch"], ["check"]),
        (["check", "--fail"], ["--fail-on"]),
        (["check", "--fail-on", "n"], ["never"]),
        (["check", "--select", "clock-s"], ["clock-skew"]),
        (["check", "--select", "node_"], ["node_os"]),
        (["check", "--skip", "node-ready,clock-s"], ["node-ready,clock-skew"]),
        (["check", "--source", "demo:sta"], []),
        (["check", "--source", "demo:stu"], ["demo:stuck-addon"]),
        (["check", "--source=liv"], ["live"]),
        (["check", "--show", "addon-stu"], ["addon-stuck"]),
        (["fix", "--only", "addon-stu"], ["addon-stuck"]),
        (["explain", "clock-skew", "addon-stu"], ["addon-stuck"]),
        (["rbac", "--require", "clock-s"], ["clock-skew"]),
        (["schema", "rep"], ["report"]),
        (["validate", "x", "--schema", "sna"], ["snapshot"]),
        (["nope", "--select", "x"], []),
    ],
)
def test_names_are_completed(words: list[str], some: list[str]) -> None:
    assert offered(*words) == some


def test_a_name_that_stands_in_the_list_is_not_offered_again() -> None:
    assert "node-ready,node-ready" not in offered("check", "--select", "node-ready,node-r")


def test_file_names_are_left_to_the_shell_where_a_file_is_meant() -> None:
    for words in (
        ["rollback", "x"],
        ["check", "--source", "x"],
        ["check", "--config", ""],
        ["check", "--baseline", ""],
    ):
        assert for_kubectl(cli, words) == ":0\n"
    assert for_kubectl(cli, ["check", "--to", ""]) == ":4\n"


def test_contexts_are_those_of_the_kubeconfig_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, broken = (tmp_path / name for name in ("one", "other", "broken"))
    one.write_text("contexts: [{name: prod}, {name: test}]")
    other.write_text("contexts: [{name: lab}, {name: prod}]")
    broken.write_text("contexts: [")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (one, broken, other))))
    assert offered("check", "--context", "") == ["prod", "test", "lab"]
    assert offered("check", "--context", "prod,") == ["prod,test", "prod,lab"]
    assert offered("check", "--kubeconfig", str(other), "--context", "p") == ["prod"]
    assert offered("check", "--kubeconfig", str(tmp_path / "absent"), "--context", "") == []


def test_a_broken_configuration_does_not_disturb_who_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".harvester-preflight.yaml").write_text("defaults: [")
    assert offered("check", "--fail") == ["--fail-on"]


@pytest.mark.parametrize(
    ("words", "current", "whole", "at", "kept"),
    [
        (["p", "a", "b"], 2, ["p", "a", "b"], 2, ""),
        (["p", "demo", ":", "st"], 3, ["p", "demo:st"], 1, "demo:"),
        (["p", "demo", ":"], 2, ["p", "demo:"], 1, "demo:"),
        (["p", "a", ":", "b", "--x"], 4, ["p", "a:b", "--x"], 2, ""),
        (["p", "a"], 2, ["p", "a", ""], 2, ""),
    ],
)
def test_what_bash_parts_at_colons_is_one_word(
    words: list[str], current: int, whole: list[str], at: int, kept: str
) -> None:
    assert colons_joined(words, current) == (whole, at, kept)


def test_bash_completes_a_demo_after_its_colon() -> None:
    env = environment(
        _HARVESTER_PREFLIGHT_COMPLETE="bash_complete", COMP_WORDS="p\ncheck\n--source\ndemo\n:\nstuck", COMP_CWORD="5"
    )
    done = subprocess.run(command(), env=env, capture_output=True, text=True, check=True)
    assert "plain,stuck-addon" in done.stdout.split()


def test_kubectl_asks_the_plugin_for_its_words(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl here")
    for name in ("kubectl-harvester_preflight", "kubectl_complete-harvester_preflight"):
        (tmp_path / name).write_text(f"#!{command()[0]}\nfrom preflight.cli import main\nmain()\n")
        (tmp_path / name).chmod(0o755)
    env = environment(PATH=os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    words = [kubectl, "__complete", "harvester-preflight", "check", "--select", "clock-s"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ":4", done.stderr
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["clock-skew", ":4"]
