"""Every flag of every command: its environment variable, its default in the configuration file, and wrong values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from preflight.cli import cli
from tests.command import preflight
from tests.kube import Fail, KubeServer

NO_VARIABLE = {
    ("snapshot", "--output"),  # the file to write: `output` in the environment is the format of a report
}


def every_option(command: click.Command, name: str = "") -> Iterator[tuple[str, str, click.Option]]:
    for param in command.params:
        if isinstance(param, click.Option) and "--version" not in param.opts:
            yield name, next(opt for opt in param.opts if opt.startswith("--")), param
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for word in command.list_commands(ctx):
            below = command.get_command(ctx, word)
            assert below is not None
            yield from every_option(below, f"{name} {word}".strip())


def test_every_flag_of_every_command_has_its_environment_variable() -> None:
    found = list(every_option(cli))
    assert len(found) > 100
    for name, flag, param in found:
        wanted = None if (name, flag) in NO_VARIABLE else "HARVESTER_PREFLIGHT_" + flag[2:].replace("-", "_").upper()
        assert param.envvar == wanted, (name, flag)


@pytest.mark.parametrize("name", ["check", "fix", "rollback", "snapshot", "why"])
def test_the_help_of_a_command_with_many_options_is_in_groups(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    text = command.get_help(click.Context(command, info_name=name, help_option_names=["-h", "--help"]))
    sections = {part.partition(":")[0]: part for part in text.split("\n\n")}
    assert list(sections)[-2:] == ["Other options", list(sections)[-1]]
    shown = [flag for _, flag, _ in every_option(command) if re.search(rf"^  .*{flag}\b", text, re.MULTILINE)]
    assert len(shown) == len(list(every_option(command)))
    assert "JOURNAL" not in sections["Other options"]
    left_over = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", sections["Other options"], re.MULTILINE))
    assert left_over <= {"--config", "--help"}
    assert "--kubeconfig" in sections["Cluster"]


def with_config(folder: Path, text: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    path = folder / "c.yaml"
    path.write_text(text)
    done = preflight(*arguments, "--config", path, cwd=folder, env=env)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("defaults", "code"),
    [
        ("{timeout: 30, request-timeout: 5s, wait: 0}", 3),
        ("{timeout: 1.5h}", 3),
        ("{select: addon-stuck}", 3),
        ("{select: [clock-skew, node-ready], skip: node-ready}", 0),
        ("{now: 2025-02-10T18:33:12Z, from: v1.4.0}", 3),
        ("{quiet: true, verbose: 2}", 3),
        ("{quiet: no, verbose: true}", 3),
        ("{all-contexts: false, no-plugins: off}", 3),
        ("{fail-on: never, report: json=r.json}", 0),
        ("{require: addon-settled, select: addons}", 3),
        ("{namespace: other, only: addon-stuck}", 3),  # flags of other commands
    ],
)
def test_a_default_of_each_kind_is_taken(tmp_path: Path, defaults: str, code: int) -> None:
    found, _, errors = with_config(tmp_path, f"defaults: {defaults}\n", "check", "--source", "demo")
    assert found == code, errors
    assert (tmp_path / "r.json").exists() == ("r.json" in defaults)


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ("{quiet: [1]}", "c.yaml:1:19: defaults.quiet: [1] is not true or false"),
        ("{timeout: soon}", "c.yaml:1:21: defaults.timeout: 'soon' is not a duration"),
        ("{timeout: true}", "takes a value"),
        ("{fail-on: banana}", "c.yaml:1:21: defaults.fail-on: "),
        ("{output: banana}", "c.yaml:1:20: defaults.output: "),
        ("{to: [v1.4.1, v1.4.2]}", "takes one value"),
        ("{bogus: 1}", "c.yaml:1:19: defaults.bogus: no command has a flag --bogus"),
    ],
)
def test_a_wrong_default_is_blamed_on_its_line(tmp_path: Path, defaults: str, words: str) -> None:
    code, _, errors = with_config(tmp_path, f"defaults: {defaults}\n", "check", "--source", "demo")
    assert code == 2
    assert words in errors
    assert errors.count("\n") == 1


def test_a_format_that_only_check_knows_is_no_reason_for_other_commands_to_fail(tmp_path: Path) -> None:
    for text, env in (("defaults: {output: junit}\n", {}), ("", {"HARVESTER_PREFLIGHT_OUTPUT": "junit"})):
        code, listed, _ = with_config(tmp_path, text, "list", env=env)
        assert code == 0
        assert listed.startswith("ID ")
        code, found, _ = with_config(tmp_path, text, "check", "--source", "demo", env=env)
        assert code == 3
        assert found.startswith("<?xml")
    assert json.loads(with_config(tmp_path, "defaults: {output: json}\n", "list")[1])["checks"]
    assert preflight("list", "-o", "junit").returncode == 2


def test_the_format_of_reports_is_never_the_file_of_a_snapshot(tmp_path: Path) -> None:
    env = {"HARVESTER_PREFLIGHT_OUTPUT": "json"}
    code, _, errors = with_config(tmp_path, "defaults: {output: json}\n", "snapshot", "--source", "demo", env=env)
    assert code == 2
    assert "--output" in errors
    assert not (tmp_path / "json").exists()


def test_a_dates_quotes_may_be_left_out(tmp_path: Path) -> None:
    text = "waivers:\n- {check: clock-skew, object: Node/*, reason: r, owner: o, expires: 2025-03-01}\n"
    code, found, errors = with_config(tmp_path, text, "check", "--source", "demo", "-o", "json")
    assert code == 3, errors
    assert json.loads(found)["summary"]["waived"] == 1


def test_an_empty_configuration_is_valid_where_it_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("# nothing yet\n")
    assert preflight("validate", path).returncode == 0


def test_a_wrong_threshold_or_waiver_names_its_line(tmp_path: Path) -> None:
    text = "thresholds:\n  clock-skew:\n    nope: 1\n"
    code, _, errors = with_config(tmp_path, text, "check", "--source", "demo")
    assert (code, "c.yaml:3:11: thresholds.clock-skew.nope: " in errors) == (2, True)
    text = "waivers:\n- {check: nope, object: x, reason: r, owner: o, expires: 2025-03-01}\n"
    code, _, errors = with_config(tmp_path, text, "check", "--source", "demo")
    assert (code, "c.yaml:2:3: waivers.0: no check is called 'nope'" in errors) == (2, True)


def test_an_exit_code_that_a_baseline_makes_is_explained(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(preflight("check", "--source", "demo", "-o", "json").stdout)
    done = preflight("check", "--source", "demo", "--baseline", before)
    assert (done.returncode, done.stdout[:8]) == (0, "BLOCKED ")
    assert "nothing is new or worse" in done.stderr
    left_out = preflight("check", "--source", "demo", "--baseline", before, "--select", "nic-rename")
    assert left_out.returncode == 4


def test_a_check_is_repaired_by_its_other_name_too() -> None:
    plan = preflight("fix", "--source", "demo", "--only", "addon-settled:harvester-system/*")
    assert plan.returncode == 0, plan.stderr
    assert "PLAN: 1 step" in plan.stdout


def test_waivers_that_hold_are_no_check_that_ran(tmp_path: Path) -> None:
    text = (
        "attestations:\n- {check: passive-image-sparse, nodes: [x], who: me, when: 2025-02-01, expires: 2025-03-01}\n"
    )
    arguments = ("check", "--source", "demo", "--select", "nic-rename")
    assert preflight(*arguments).returncode == 4
    code, found, _ = with_config(tmp_path, text, *arguments)
    assert code == 4
    assert found.startswith("UNDECIDED")
    assert "no gate was judged" in preflight(*arguments).stdout


def test_a_snapshot_is_whole_when_only_what_checks_can_do_without_is_missing(tmp_path: Path) -> None:
    saved = tmp_path / "s.json"
    with KubeServer([]) as server:
        kubeconfig = server.kubeconfig(tmp_path)
        rules = ("snapshot", "-o", saved, "--kubeconfig", kubeconfig)
        optional = preflight(*rules, "--select", "passive-image-sparse")
        server.faults.on(Fail(403, "no"), path="/api/v1/nodes", times=None)
        needed = preflight(*rules, "--select", "node-ready")
    assert "not read: nodes/files: node-only" in optional.stderr
    assert "not read: nodes: forbidden" in needed.stderr
    assert (optional.returncode, needed.returncode) == (0, 4)


def test_a_connection_flag_that_names_nothing_is_a_usage_error(tmp_path: Path) -> None:
    with KubeServer([]) as server:
        kubeconfig = server.kubeconfig(tmp_path)
        check = ("check", "--to", "v1.4.1", "--kubeconfig")
        for arguments in (
            (*check, tmp_path / "absent"),
            (*check, kubeconfig, "--context", "absent"),
            (*check, kubeconfig, "--user", "absent"),
            (*check, kubeconfig, "--certificate-authority", tmp_path / "absent"),
            (*check, kubeconfig, "--as-group", "ops"),
        ):
            done = preflight(*arguments)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert server.requests == []
