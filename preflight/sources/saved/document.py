"""One file or standard input that is no bundle: a snapshot by its kind, Kubernetes objects otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO

from preflight.check import Need
from preflight.errors import NoSource
from preflight.inventory import Inventory
from preflight.sources.text.encoding import to_utf8
from preflight.sources.text.gzipped import read_input

_SNAPSHOT = re.compile(rb"(?m)^kind: *[\"']?PreflightSnapshot\b|\"kind\" *: *\"PreflightSnapshot\"")


def read(
    needs: Sequence[Need],
    *,
    opener: Callable[[], AbstractContextManager[BinaryIO]],
    name: str,
    now: datetime | None,
) -> Inventory:
    """Read a snapshot or a stream of objects. Raises NoSource when it is neither."""
    try:
        with opener() as file:
            data = to_utf8(read_input(file, name), name)
    except OSError as error:
        raise NoSource(f"cannot open {name}: {error.strerror or error}") from None
    if not data.strip():
        raise NoSource(f"{name} is empty: was the command that wrote it refused? Look at its error output")
    if _SNAPSHOT.search(data):
        from preflight.sources.saved.snapshot import read_snapshot

        inventory = read_snapshot(needs, data, name, now)
        if inventory is not None:
            return inventory
    from preflight.sources.saved.objects import read_objects

    return read_objects(needs, data, name, now)
