"""Standard input that Ctrl-C always ends.

A signal that arrives just before a blocking read is noted but does not end that read: Python would see it only when more
input comes. So we wait for input in short spells and read only what is there.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import BinaryIO, cast

SPELL_SECONDS = 0.2


class _Waiting(io.RawIOBase):
    """A file descriptor that is read only when there is something to read (or its end)."""

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor; it is not closed with this object."""
        self._descriptor = descriptor

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read what is there, waiting in spells so that signals are served."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not select.select([self._descriptor], [], [], SPELL_SECONDS)[0]:
            pass
        data = os.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)


def standard_input() -> BinaryIO:
    """Return standard input for reading bytes; an empty one when the process was started without."""
    if sys.stdin is None:
        return io.BytesIO()
    try:
        return cast(BinaryIO, io.BufferedReader(_Waiting(sys.stdin.fileno())))
    except (OSError, ValueError):  # replaced by something without a descriptor, as in an embedding program
        return sys.stdin.buffer
