"""Ctrl-C and SIGTERM between steps, never in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt back until the block is over, then raise KeyboardInterrupt.

    A write whose answer was not read, or that is not in the journal yet, would leave nobody knowing what is so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}  # as by nohup
    for number in before:
        signal.signal(number, lambda got, _frame: pending.append(got))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
    if pending:
        raise KeyboardInterrupt
