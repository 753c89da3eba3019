"""Run the command line in a process of its own, as a user would."""

from __future__ import annotations

import contextlib
import functools
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that changes how the tool behaves."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("HARVESTER_PREFLIGHT_", "KUBE")) and key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    return {**kept, "PYTHONPATH": path, "HOME": "/nonexistent", **more}


def preflight(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = "",
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `harvester-preflight ARGUMENTS`; standard output and error as text."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**(env or {})),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def command(*arguments: str | Path) -> Sequence[str]:
    return [sys.executable, "-m", "preflight", *map(str, arguments)]


@contextlib.contextmanager
def started(
    *arguments: str | Path, env: Mapping[str, str] | None = None, **pipes: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `harvester-preflight ARGUMENTS`; it and its pipes are gone when the block ends, however that comes.

    Ctrl-C and SIGTERM reach it also where the tests run with both ignored: a child would inherit that.
    """
    with default_signals():
        process = subprocess.Popen(command(*arguments), env=environment(**(env or {})), **pipes)
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def default_signals() -> Iterator[None]:
    """Handle SIGINT and SIGTERM as an interactive shell leaves them; what is started inside does so too."""
    before = [
        (number, signal.signal(number, handler))
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL))
    ]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextlib.contextmanager
def terminal() -> Iterator[tuple[FileIO, FileIO]]:
    """Open a terminal: the end that reads what is shown, and the end to give to a program."""
    screen, given = pty.openpty()
    with FileIO(screen) as one, FileIO(given, "w") as other:
        yield one, other


@contextlib.contextmanager
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """Open a pipe: where to read, and where to write."""
    reader, writer = os.pipe()
    with FileIO(reader) as one, FileIO(writer, "w") as other:
        yield one, other


def shown(screen: FileIO, given: FileIO) -> bytes:
    """Read what a started program shows on its terminal until it ends."""
    given.close()
    text = b""
    while True:
        try:
            piece = screen.read(65536)
        except OSError:  # how Linux says that the other end was closed
            return text
        if not piece:
            return text
        text += piece


@functools.cache
def package_index() -> bool:
    """Tell whether pip reaches a package index here; tests that install from one are skipped otherwise."""
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "0", "download", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*asked, "--no-deps", "--dest", folder, "semver"], capture_output=True, check=False)
    return done.returncode == 0
