"""Sources: each reads what the checks need, from a cluster or from what somebody saved of one.

Rule for all: what could not be read is said (`Collected.missing`, `Collected.gaps`), never left out; an absent kind is
empty only where the source proves that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

from preflight.check import Need
from preflight.errors import NoSource, UsageError
from preflight.inventory import Inventory

Reader: TypeAlias = Callable[[Sequence[Need]], Inventory]

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def open_source(source: str, *, now: datetime | None, live: Reader, stdin: BinaryIO) -> Reader:
    """Decide what `source` is and return its reader; nothing but the first bytes of a file is read yet.

    `now` is the user's clock (`--now`): it replaces the one that the source carries. Raises UsageError for a path that
    is not there or an unknown demo, NoSource for one that cannot be opened.
    """
    if source == "live":
        return live
    if source == "demo" or source.startswith("demo:"):
        from preflight.sources.saved.demo import known_name, read

        return partial(read, name=known_name(source.partition(":")[2]), now=now)
    if source == "-":
        from preflight.sources.saved.document import read as read_document

        return partial(read_document, opener=lambda: nullcontext(stdin), name="standard input", now=now)
    return _open_path(source, now)


def _open_path(source: str, now: datetime | None) -> Reader:
    path = Path(source)
    try:
        if path.is_dir():
            from preflight.sources.bundle.reader import read as read_bundle

            return partial(read_bundle, path=path, now=now)
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise UsageError(
            f"--source {source}: no such file or folder (known words: live, demo, demo:NAME, - for standard input)"
        ) from None
    except (OSError, ValueError) as error:
        raise NoSource(f"cannot open {source}: {getattr(error, 'strerror', None) or error}") from None
    if head.startswith(_ZIP_MAGIC):
        from preflight.sources.bundle.reader import read as read_bundle

        return partial(read_bundle, path=path, now=now)
    from preflight.sources.saved.document import read as read_document

    if head[257:262] == b"ustar" or head.startswith(b"\x1f\x8b"):
        from preflight.sources.bundle.tar import is_tar

        if is_tar(path, head):
            return partial(_read_tar, path=path, now=now)
    return partial(read_document, opener=lambda: path.open("rb"), name=source, now=now)


def _read_tar(needs: Sequence[Need], *, path: Path, now: datetime | None) -> Inventory:
    """Read the support bundle in an archive, or the one snapshot or file of objects that it holds."""
    from preflight.sources.bundle.reader import read_layout
    from preflight.sources.bundle.tar import unpacked
    from preflight.sources.saved.document import read as read_document

    with unpacked(path) as found:
        if found.is_bundle:
            return read_layout(needs, found.layout(str(path)), now=now)
        name, kept = found.only(str(path))
        return read_document(needs, opener=lambda: found.open(kept), name=f"{path}/{name}", now=now)
