"""Run the command line in a process of its own, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

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
