"""What is going on, and for how long: one line that is replaced on a terminal, a line every 30 s in a log."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO, TypeAlias

from preflight.cli.terminal import is_terminal
from preflight.values.foreign_text import visible
from preflight.values.times import human_duration

Ticker: TypeAlias = Callable[[Callable[[], None], float], Callable[[], None]]
"""Calls a function every so many seconds until the function that it returns is called."""
LOG_SECONDS = 30.0
"""How often a log is told that we are still at it."""
TERMINAL_SECONDS = 1.0
SLOW = 10.0
"""From how many seconds on the time that a run took is told unasked."""


def tick_in_thread(tick: Callable[[], None], seconds: float) -> Callable[[], None]:
    """Call `tick` every so many seconds from a thread that never holds the process up."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(seconds):
            tick()

    threading.Thread(target=run, name="progress", daemon=True).start()
    return stopped.set


class Progress:
    """Says on standard error what is going on, from the moment it is made until `done`; with --quiet nothing at all."""

    def __init__(
        self,
        *,
        quiet: bool,
        doing: str = "working",
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        ticker: Ticker = tick_in_thread,
    ) -> None:
        """Decide once how to show anything. `doing` is said until there is something more definite to say."""
        self._stream = stream or sys.stderr
        self._redraws = is_terminal(self._stream) and os.environ.get("TERM") != "dumb"
        self._shown = not quiet
        self._text = doing
        self._monotonic, self._ticker = monotonic, ticker
        self._began = monotonic()
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._start()

    @property
    def elapsed(self) -> float:
        """Seconds since this was made."""
        return self._monotonic() - self._began

    def __call__(self, text: str) -> None:
        """Say something else from now on."""
        self._text = text
        if self._shown and self._redraws:
            self._draw()
        self._start()

    def done(self) -> None:
        """Remove the line and say nothing until the next call."""
        stop, self._stop = self._stop, None
        if stop:
            stop()
        if self._shown and self._redraws:
            self._write("\r\x1b[K")

    def _start(self) -> None:
        if self._shown and self._stop is None:
            self._stop = self._ticker(self._tick, TERMINAL_SECONDS if self._redraws else LOG_SECONDS)

    def _tick(self) -> None:
        if self._stop is None:  # done in the meantime
            return
        if self._redraws:
            self._draw()
        else:
            self._write(f"{human_duration(round(self.elapsed))}: {visible(self._text)}\n")

    def _draw(self) -> None:
        """Replace the line; from the second second on, with the time that has gone by."""
        seconds = int(self.elapsed)
        took = f"  {human_duration(seconds)}" if seconds >= 2 else ""
        room = shutil.get_terminal_size((80, 24)).columns - 1 - len(took)
        self._write("\r\x1b[K" + visible(self._text)[:room] + took)

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._shown = False


def tell_elapsed(seconds: float, *, verbose: int, quiet: bool, say: Callable[[str], None]) -> None:
    """Say how long it took: with -v, and unasked when it took long."""
    if not quiet and (verbose or seconds >= SLOW):
        say(f"took {human_duration(round(seconds, 1))}")
