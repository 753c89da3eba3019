"""What is said while a source is read slowly: driven by a clock and a ticker of the test's own."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Callable

import pytest

from preflight.cli.progress import LOG_SECONDS, Progress, tell_elapsed, tick_in_thread
from tests.command import preflight, shown, started, terminal


class Hand:
    """A clock and a ticker that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ticks: list[Callable[[], None]] = []
        self.every: list[float] = []

    def ticker(self, tick: Callable[[], None], seconds: float) -> Callable[[], None]:
        self.ticks.append(tick)
        self.every.append(seconds)
        return lambda: self.ticks.remove(tick)

    def forward(self, seconds: float) -> None:
        self.now += seconds
        for tick in list(self.ticks):
            tick()

    def progress(self, stream: io.StringIO, *, quiet: bool = False) -> Progress:
        return Progress(quiet=quiet, doing="reading x", stream=stream, monotonic=lambda: self.now, ticker=self.ticker)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_is_told_every_thirty_seconds_what_takes_so_long() -> None:
    hand, log = Hand(), io.StringIO()
    progress = hand.progress(log)
    assert hand.every == [LOG_SECONDS]
    assert log.getvalue() == ""
    hand.forward(30)
    progress("list 3 of 7: \x1b[2Jpods")
    hand.forward(45.4)
    assert log.getvalue().splitlines() == ["30 s: reading x", "1 min 15 s: list 3 of 7: \\x1b[2Jpods"]
    progress.done()
    hand.forward(60)
    assert log.getvalue().count("\n") == 2
    progress("again")
    hand.forward(30)
    assert log.getvalue().endswith("2 min 45 s: again\n")


def test_quiet_says_nothing() -> None:
    for stream in (io.StringIO(), Screen()):
        hand = Hand()
        hand.progress(stream, quiet=True)("x")
        assert (hand.ticks, stream.getvalue()) == ([], "")


def test_a_terminal_sees_the_time_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    hand, screen = Hand(), Screen()
    progress = hand.progress(screen)
    assert hand.every == [1.0]
    progress("pods " + "x" * 100)
    hand.forward(1)
    assert "1 s" not in screen.getvalue()
    hand.forward(1)
    lines = screen.getvalue().split("\r\x1b[K")
    assert lines[-1].endswith("x  2 s")
    assert max(map(len, lines)) <= 39
    progress.done()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_a_stream_that_broke_is_left_alone() -> None:
    hand, log = Hand(), io.StringIO()
    hand.progress(log)
    log.close()
    hand.forward(30)
    hand.forward(30)


def test_the_thread_ends_when_it_is_told_to() -> None:
    went = threading.Event()
    stop = tick_in_thread(went.set, 0.001)
    assert went.wait(60)
    stop()
    for thread in threading.enumerate():
        if thread.name == "progress":
            thread.join(60)
            assert not thread.is_alive()


def test_how_long_it_took_is_told_when_asked_or_when_it_was_long() -> None:
    said: list[str] = []
    tell_elapsed(3.21, verbose=0, quiet=False, say=said.append)
    tell_elapsed(300, verbose=1, quiet=True, say=said.append)
    assert said == []
    tell_elapsed(3.21, verbose=1, quiet=False, say=said.append)
    tell_elapsed(95, verbose=0, quiet=False, say=said.append)
    assert said == ["took 3.2 s", "took 1 min 35 s"]


def test_the_time_is_told_on_standard_error_with_v() -> None:
    assert "took " in preflight("check", "--source", "demo", "-v").stderr


def test_on_a_terminal_nothing_is_left_of_the_line() -> None:
    pipes = {"stdout": subprocess.DEVNULL, "env": {"TERM": "xterm"}}
    with terminal() as (screen, given), started("check", "--source", "demo", stderr=given, **pipes) as process:
        text = shown(screen, given)
        assert process.wait() == 3
    assert text.endswith(b"\r\x1b[K")
