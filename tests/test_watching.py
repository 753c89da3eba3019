"""`check --watch` over HTTP: what is told when, and how it ends. Nobody sleeps: the test is what happens in between."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from preflight.cli import run
from preflight.cli.check import look
from preflight.cli.output import deliver
from preflight.cli.request import Output, Request
from preflight.cli.watching import CLEAR, substance_of, watch
from preflight.cluster.connection import Connection
from preflight.flow import registered_checks
from preflight.settings import Settings
from tests.command import started
from tests.kube import Fail, KubeServer

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]}
SETTING = {
    "apiVersion": "harvesterhci.io/v1beta1",
    "kind": "Setting",
    "metadata": {"name": "server-version"},
    "value": "v1.4.0",
}


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def request_for(server: KubeServer, folder: Path, **output: Any) -> Request:
    settings = Settings(to_version="v1.4.1", select=("node-ready",))
    connection = Connection(kubeconfig=str(server.kubeconfig(folder)), request_timeout=5)
    return Request(settings=settings, connection=connection, output=Output(watch=30, **output))


def watched(request: Request, *between: Callable[[], Any]) -> int:
    """Watch; before each further look one of `between` is done, and after the last Ctrl-C is pressed."""
    left = list(between)

    def sleep(seconds: float) -> None:
        assert seconds == 30
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    tell = partial(deliver, output=request.output, checks=partial(registered_checks, request.settings))
    return watch(partial(look, request, None), tell, request, sleep=sleep, substance=substance_of)


def nothing() -> None:
    """Let everything be as it is."""


def test_a_log_gets_a_report_when_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with KubeServer([{**NODE, "status": NOT_READY}, SETTING]) as server:
        heal = partial(server.put, {**NODE, "status": READY})
        code = watched(request_for(server, tmp_path), nothing, heal, nothing)
    printed = capsys.readouterr()
    assert code == 0
    firsts = [part.lstrip().split()[0] for part in printed.out.split("exit code")[:-1]]
    assert printed.out.startswith("BLOCKED")
    assert printed.out.count("exit code") == 2, firsts
    assert "\n\nREADY" in printed.out
    assert "\x1b" not in printed.out
    assert "exit code 0" in printed.err


def test_report_files_are_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.txt"
    with KubeServer([{**NODE, "status": READY}, SETTING]) as server:
        request = request_for(server, tmp_path, format="name", reports=(("table", path),))
        assert watched(request) == 0
        assert path.read_text().startswith("READY")
        assert watched(request, partial(server.put, {**NODE, "status": NOT_READY})) == 3
        assert path.read_text().startswith("BLOCKED")


def test_a_terminal_is_drawn_anew_at_each_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    with KubeServer([{**NODE, "status": READY}, SETTING]) as server:
        assert watched(request_for(server, tmp_path), nothing, nothing) == 0
    before, *screens = screen.getvalue().split(CLEAR)
    assert (before, len(screens)) == ("", 3)
    assert all("READY" in one for one in screens)
    assert capsys.readouterr().err.count("again every 30 s; Ctrl-C ends it with exit code 0") == 3


def test_a_cluster_that_goes_away_is_undecided_and_is_looked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with KubeServer([{**NODE, "status": READY}, SETTING]) as server:
        request = request_for(server, tmp_path)
        assert watched(request, partial(server.faults.on, Fail(401), times=None), nothing) == 4
    out = capsys.readouterr().out
    assert out.startswith("READY")
    assert "UNDECIDED" in out


def test_an_interrupt_before_the_first_report_is_no_verdict(tmp_path: Path) -> None:
    def interrupted() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(interrupted, lambda _document: True, Request(output=Output(watch=1)), substance=substance_of)


def test_a_reader_that_goes_away_ends_it() -> None:
    document = {"upgrade": {}, "verdict": "ready", "checks": []}
    looks: list[int] = []

    def one() -> tuple[dict[str, Any], int]:
        looks.append(1)
        return document, 3

    assert watch(one, lambda _document: False, Request(output=Output(watch=1)), substance=substance_of) == 3
    assert looks == [1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "demo", "--watch", "0"], "at least 1 s"),
        (["--source", "-", "--watch"], "standard input"),
        (["--watch", "--remediate"], "leave out --remediate"),
        (["--watch", "5", "--wait", "1m"], "leave out --remediate"),
        (["--watch", "5", "--publish"], "leave out --remediate"),
    ],
)
def test_what_does_not_go_with_it(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_from_the_command_line_it_ends_with_the_last_exit_code(tmp_path: Path) -> None:
    with KubeServer([{**NODE, "status": READY}, SETTING]) as server:
        arguments = ("check", "--watch", "1", "--kubeconfig", server.kubeconfig(tmp_path), "--to", "v1.4.1")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with started(*arguments, "--select", "node-ready", "-q", **pipes) as process:
            assert process.stdout
            lines = iter(process.stdout.readline, b"")
            assert next(lines).startswith(b"READY")
            server.put({**NODE, "status": NOT_READY})
            assert any(line.startswith(b"BLOCKED") for line in lines)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in error) == (3, False)
