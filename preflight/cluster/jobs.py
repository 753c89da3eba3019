"""Do several things at a time, until all are done or the deadline has come.

The threads are daemons on purpose, which those of concurrent.futures are not: when the deadline comes or the user
presses Ctrl-C, a thread that hangs in a read is left behind and never holds up the end of the program.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from preflight.cluster.errors import ApiError
from preflight.errors import SourceError
from preflight.model import Code, Reason
from preflight.values.foreign_text import one_line

T = TypeVar("T")
Result: TypeAlias = tuple[int, T | Exception]


def run_jobs(jobs: Sequence[Callable[[], T]], *, workers: int, deadline: float | None) -> Iterator[Result[T]]:
    """Yield (index, result or exception) of each job as it ends; a job that the deadline cut off is not yielded.

    Jobs start in the order given. `deadline` is on time.monotonic()'s scale.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(jobs)):
        todo.put(index)
    done: queue.SimpleQueue[Result[T]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            try:
                index = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, jobs[index]()))
            except Exception as error:  # one that nobody foresaw must cost its own list only
                done.put((index, error))

    for number in range(min(workers, len(jobs))):
        threading.Thread(target=work, name=f"preflight-read-{number}", daemon=True).start()
    try:
        for _ in jobs:
            yield done.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        return
    finally:
        stopped.set()


def why_failed(error: Exception) -> Reason:
    """Say what the exception of a job means for what it was to read."""
    if isinstance(error, ApiError):
        return error.why
    if isinstance(error, SourceError):
        return Reason(Code.ERROR, error.message)
    return Reason(Code.CRASHED, f"{type(error).__name__}: {one_line(error, 200)}")
