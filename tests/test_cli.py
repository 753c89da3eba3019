"""The command line as a user and a script meet it: exit codes, streams, settings and their order, broken pipes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest

from preflight import __version__
from tests.command import command, environment, pipe, preflight, shown, started, terminal

FIXTURES = Path(__file__).parent / "fixtures"
STUCK = ("check", "--source", str(FIXTURES / "job-predates.yaml"), "--now", "2026-11-23T18:42:58Z")


def report(*arguments: str, **more: Any) -> dict[str, Any]:
    done = preflight(*arguments, "-o", "json", **more)
    loaded: dict[str, Any] = json.loads(done.stdout)
    assert loaded["exitCode"] == done.returncode, done.stderr
    return loaded


def findings(document: dict[str, Any], check: str) -> list[dict[str, Any]]:
    (found,) = [entry for entry in document["checks"] if entry["id"] == check]
    made: list[dict[str, Any]] = found["findings"]
    return made


def test_version_and_help() -> None:
    assert preflight("--version").stdout == f"harvester-preflight, version {__version__}\n"
    for word in (
        "check",
        "why",
        "fix",
        "rollback",
        "list",
        "explain",
        "snapshot",
        "report",
        "rbac",
        "schema",
        "validate",
    ):
        assert f"\n  {word} " in preflight("--help").stdout
        assert preflight(word, "--help").returncode == 0


def test_the_stuck_addons_of_the_real_dump() -> None:
    document = report(*STUCK, "--to", "v1.4.1")
    assert document["exitCode"] == 3
    stuck = findings(document, "addon-stuck")
    assert [entry["resource"]["name"] for entry in stuck] == ["rancher-logging", "harvester-vm-dhcp-controller"]
    assert {entry["cause"] for entry in stuck} == {"job-predates-operation"}
    (skew,) = findings(document, "clock-skew")
    assert skew["resource"]["name"] == "harv-node-2"
    assert "15 s" in skew["message"]


def test_the_same_from_standard_input_and_from_a_snapshot(tmp_path: Path) -> None:
    text = (FIXTURES / "job-predates.yaml").read_text()
    direct = report(*STUCK)
    piped = report("check", "--source", "-", "--now", "2026-11-23T18:42:58Z", stdin=text)
    saved = tmp_path / "snapshot.json"
    made = preflight("snapshot", "-o", saved, *STUCK[1:])
    assert saved.stat().st_mode & 0o777 == 0o600, made.stderr
    again = report("check", "--source", str(saved))
    for check in ("addon-stuck", "clock-skew"):
        assert findings(direct, check) == findings(piped, check) == findings(again, check)
        assert findings(direct, check)


def test_a_healthy_dump_has_no_addon_finding_and_is_still_not_ready() -> None:
    document = report("check", "--source", str(FIXTURES / "healthy.yaml"))
    assert findings(document, "addon-stuck") == []
    assert document["verdict"] != "ready"


def test_an_image_that_cannot_be_pulled_is_named() -> None:
    document = report("check", "--source", str(FIXTURES / "image-pull.yaml"))
    by_name = {entry["resource"]["name"]: entry for entry in findings(document, "addon-stuck")}
    assert {name: entry["cause"] for name, entry in by_name.items()} == {
        "pcidevices-controller": "job-image-pull",
        "vm-import-controller": "job-retrying",
    }
    assert ":" in by_name["pcidevices-controller"]["evidence"]["image"]
    assert by_name["vm-import-controller"]["evidence"]["lastTerminated"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check", "--source", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["check", "--source", "demo:nope"], 2, "stuck-addon"),
        (["check", "--source", "demo", "--select", "nope"], 2, "nope"),
        (["check", "--source", "demo", "-o", "nope"], 2, "nope"),
        (["check", "--source", "demo", "--now", "today"], 2, "RFC 3339"),
        (["check", "--source", "demo", "--report", "json"], 2, "FORMAT=PATH"),
        (["check", "--source", "demo", "--config", "absent.yaml"], 2, "absent.yaml"),
        (["check", "--source", "demo", "--context", "a,b"], 2, "--source live only"),
        (["check", "--source", "demo", "--wait", "1m"], 2, "use --source live"),
        (["check", "--source", "demo", "--remediate"], 2, "use --source live"),
        (["check", "--nope"], 2, "--nope"),
        (["check"], 2, "no cluster to read"),
        (["check", "--all-contexts"], 2, "no kubeconfig was found"),
        (["check", "--source", "."], 2, "not a Harvester support bundle"),
        (["check", "--source", "-"], 2, "standard input is empty"),
        (["nope"], 2, "nope"),
        (["explain", "node-redy"], 2, "did you mean node-ready"),
        (["schema", "nope"], 2, "report"),
        (["validate", "absent.json"], 2, "absent.json"),
        (["report", "absent.json"], 2, "absent.json"),
    ],
)
def test_errors_are_one_line_and_have_their_exit_code(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = preflight(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    *usage, line = done.stderr.splitlines()
    assert words in line
    assert len(usage) <= 3  # click's: how it is used, where the help is, an empty line
    assert "Traceback" not in done.stderr


def test_every_flag_has_an_environment_variable_and_the_order_is_flag_environment_file_default(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "defaults: {source: demo, output: name, fail-on: never, select: [addon-stuck]}\n"
    )
    config = {"HARVESTER_PREFLIGHT_CONFIG": "config.yaml"}
    from_file = preflight("check", cwd=tmp_path, env=config)
    assert from_file.returncode == 0
    assert from_file.stdout.startswith("addon.harvesterhci.io/rancher-logging -n cattle-logging-system\n")
    env = {**config, "HARVESTER_PREFLIGHT_OUTPUT": "json", "HARVESTER_PREFLIGHT_FAIL_ON": "fail"}
    from_env = preflight("check", cwd=tmp_path, env=env)
    assert from_env.returncode == 3
    assert json.loads(from_env.stdout)["kind"] == "PreflightReport"
    from_flag = preflight("check", "-o", "name", "--fail-on", "never", cwd=tmp_path, env=env)
    assert (from_flag.returncode, from_flag.stdout) == (0, from_file.stdout)
    selected = {entry["id"] for entry in json.loads(from_env.stdout)["checks"] if entry["status"] != "skipped"}
    assert selected == {"addon-stuck"}


def test_every_registered_check_is_in_every_report() -> None:
    listed = preflight("list", "-o", "json")
    ids = {entry["id"] for entry in json.loads(listed.stdout)["checks"]}
    document = report("check", "--source", "demo", "--select", "node-ready")
    assert {entry["id"] for entry in document["checks"]} == ids
    assert document["summary"]["skipped"] == len(ids) - 1


def test_every_report_file_is_written_and_standard_output_carries_only_the_report(tmp_path: Path) -> None:
    done = preflight(
        "check",
        "--source",
        "demo",
        "-o",
        "json",
        "--report",
        f"yaml={tmp_path}/r.yaml",
        "--report",
        f"table={tmp_path}/r.txt",
    )
    assert done.returncode == 3
    assert done.stderr == ""
    assert (tmp_path / "r.txt").read_text().startswith("BLOCKED")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.txt", "r.yaml"]


def test_a_report_that_cannot_be_written_is_a_failure_of_the_tool(tmp_path: Path) -> None:
    done = preflight("check", "--source", "demo", "--report", f"json={tmp_path}/no/r.json")
    assert done.returncode == 1
    assert "no/r.json" in done.stderr
    assert done.stdout.startswith("BLOCKED")


def test_a_full_disk_behind_standard_output_is_a_failure_of_the_tool() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("check", "--source", "demo"), stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert done.returncode == 1
    assert os.strerror(errno.ENOSPC).encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with pipe() as (reader, writer):
        reader.close()
        pipes: dict[str, Any] = {"stdout": writer, "stderr": subprocess.PIPE}
        done = subprocess.run(command("check", "--source", "demo"), env=environment(), check=False, **pipes)
    assert (done.returncode, done.stderr) == (3, b"")


def test_no_colour_and_no_cursor_codes_unless_it_is_a_terminal() -> None:
    assert "\x1b" not in preflight("check", "--source", "demo").stdout
    assert "\x1b[" in preflight("check", "--source", "demo", "--color", "always").stdout
    assert "\x1b[" in preflight("check", "--source", "demo", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b" not in preflight("check", "--source", "demo", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b" not in preflight("check", "--source", "demo", "--color", "always", "-o", "json").stdout


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colour(variables: dict[str, str], coloured: bool) -> None:
    variables = {"TERM": "xterm", **variables}
    with terminal() as (screen, given):
        pipes = {"stdout": given, "stderr": subprocess.DEVNULL}
        with started("check", "--source", "demo", "-q", env=variables, **pipes) as process:
            text = shown(screen, given)
            assert process.wait() == 3
    assert (b"\x1b[" in text) is coloured


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_130(number: int) -> None:
    with pipe() as (reader, writer):
        pipes = {"stdin": reader, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with started("check", "--source", "-", env={"PYTHONUNBUFFERED": "1"}, **pipes) as process:
            reader.close()
            # The first bytes are taken only once the process waits for more: then the handler is in place.
            while writer.write(b"# waiting for the rest\n" * 4096) and not _is_reading(process.pid):
                pass
            process.send_signal(number)
            out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in error
    assert b"Traceback" not in error


def _is_reading(pid: int) -> bool:
    return "preflight" in Path(f"/proc/{pid}/cmdline").read_text()


def test_our_own_defects_say_how_to_report_them(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import preflight.report\ndef broken(*a): raise ZeroDivisionError('ours')\npreflight.report.decide = broken\n"
    )
    env = environment()
    done = preflight("check", "--source", "demo", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "defect of harvester-preflight" in done.stderr
    assert "issues" in done.stderr


def test_as_a_kubectl_plugin_it_calls_itself_so(tmp_path: Path) -> None:
    plugin = tmp_path / "kubectl-harvester_preflight"
    plugin.write_text(f"#!{command()[0]}\nfrom preflight.cli import main\nmain()\n")
    plugin.chmod(0o755)
    done = subprocess.run([plugin, "--help"], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.startswith("Usage: kubectl harvester-preflight ")


def test_saved_reports_are_printed_compared_and_used_as_a_baseline(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(preflight("check", "--source", "demo:healthy", "-o", "json").stdout)
    new.write_text(preflight("check", "--source", "demo", "-o", "json").stdout)
    shown = preflight("report", new)
    assert (shown.returncode, shown.stdout) == (3, preflight("check", "--source", "demo").stdout)
    compared = preflight("report", "diff", old, new, "-o", "json")
    assert compared.returncode == 3
    assert {entry["check"] for entry in json.loads(compared.stdout)["new"]} >= {"addon-stuck", "clock-skew"}
    assert preflight("report", "diff", old, old).returncode == 0
    assert preflight("check", "--source", "demo", "--baseline", new).returncode == 0
    assert preflight("check", "--source", "demo", "--baseline", old).returncode == 3
    assert preflight("validate", new).stdout.endswith("valid (report)\n")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "PreflightReport"}', '{"kind": "Pod"}', "\x00"])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    done = preflight("report", path)
    assert done.returncode == 4
    assert "r.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_control_characters_in_messages_are_made_visible() -> None:
    done = preflight("check", "--source", "demo", "--select", "\x1b[31mred")
    assert "\x1b" not in done.stderr
    assert "\\x1b[31mred" in done.stderr


def test_a_list_that_is_piped_has_a_line_for_each_check_unless_columns_are_given() -> None:
    piped = preflight("list").stdout.splitlines()
    (line,) = [line for line in piped if line.startswith("addon-stuck ")]
    assert "with no operation in" in line
    assert max(map(len, preflight("list", env={"COLUMNS": "80"}).stdout.splitlines())) <= 80


@pytest.mark.parametrize("columns", [80, 120, 185, 200])
def test_the_list_fits_the_terminal(columns: int) -> None:
    with terminal() as (screen, given):
        fcntl.ioctl(given, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        with started("list", env={"TERM": "xterm"}, stdout=given) as process:
            text = shown(screen, given)
            assert process.wait() == 0
    lines = text.decode().replace("\r", "").splitlines()
    assert any(line.startswith("addon-stuck ") for line in lines)
    assert max(map(len, lines)) <= columns
    assert ("APPLIES TO" in lines[0]) == (columns == 200)
    assert "to >=1.5.0" in " ".join(" ".join(lines).split())
