"""Run commands and take the operating system's account of them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.command import environment

MIB = 1024  # ru_maxrss counts KiB on Linux


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command."""

    wall: float
    cpu: float
    peak_mib: float
    exit_code: int


@dataclass(frozen=True, slots=True)
class Series:
    """Several runs of one command."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def wall(self) -> float:
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def peak_mib(self) -> float:
        return max(sample.peak_mib for sample in self.samples)

    def spread(self, what: str, scale: float = 1.0, digits: int = 2) -> str:
        """Write median, least and most of `wall` or `cpu`."""
        values = [getattr(sample, what) * scale for sample in self.samples]
        return " / ".join(f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def run(argv: Sequence[str], *, fine: Sequence[int] = (0,)) -> Sample:
    """Run a command to its end. Raises RuntimeError for an exit code that is not fine."""
    began = time.perf_counter()
    # Bytecode is there as after an installation with pip, whatever this process was told.
    env = {key: value for key, value in environment().items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    process.stderr.close()
    if process.returncode not in fine:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MIB, process.returncode)


def alternate(commands: Mapping[str, Sequence[str]], runs: int, *, fine: Sequence[int] = (0,)) -> dict[str, Series]:
    """Run the commands in turn, so that a noisy minute falls on all of them, and not in the account of one."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, argv in commands.items():
            samples[name].append(run(argv, fine=fine))
    return {name: Series(name, tuple(found)) for name, found in samples.items()}
