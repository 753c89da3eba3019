"""A tar archive, packed by gzip or not: gone through once from its start, and what a source may need of it kept aside.

A tar has no table of contents. The files that a support bundle is read from, a small part of it, go to an unnamed
temporary file, so that each can then be opened as in a zip; the logs are passed over.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from preflight.errors import NoSource
from preflight.sources.bundle.layout import MAX_FILES, Layout, below, top_of
from preflight.sources.text.gzipped import DAMAGES, MAGIC, damaged

MAX_TAR_BYTES = 4 * 1024**3
"""The most that is unpacked of one archive, its logs included."""
MAX_IN_MEMORY = 32 * 1024 * 1024
"""Of what is kept; beyond it there is a temporary file."""
MAX_HEADERS_BYTES = 1024 * 1024
"""What stands before a file, its name among it: tarfile takes its size from the archive and reads it as a whole."""
MAX_HEADERS = 100
"""Headers for all files that follow; tarfile keeps them."""
MAX_TOLD = 5
_PART = 1024 * 1024
_USTAR = slice(257, 262)
_OF_A_BUNDLE = re.compile(r"(?:[^/]+/)?(?:yamls/.+|nodes/[^/]+\.zip|[^/]+\.(?:yaml|log))")


@dataclass(frozen=True)
class Kept:
    """Where a file of the archive lies in the temporary file."""

    start: int
    file_size: int


@dataclass
class Unpacked:
    """What was kept of an archive."""

    spool: IO[bytes]
    files: dict[str, Kept] = field(default_factory=dict)
    """By name, as it stands in the archive."""
    refused: dict[str, str] = field(default_factory=dict)
    names: int = 0
    """How many regular files the archive has."""
    newest: float = 0.0

    def open(self, kept: Kept) -> BinaryIO:
        """Open a file that was kept."""
        return io.BufferedReader(_Slice(self.spool, kept), 1 << 18)

    @property
    def is_bundle(self) -> bool:
        """Say whether there is anything of a support bundle in it."""
        return any("yamls/" in name for name in self.files)

    def layout(self, name: str) -> Layout:
        """Return the files as those of a support bundle. Raises NoSource when they are none."""
        top = top_of(list(self.files), name, "tar archive")
        files = {inner: kept for path, kept in self.files.items() if (inner := below(path, top)) is not None}
        refused = {inner: why for path, why in self.refused.items() if (inner := below(path, top)) is not None}
        newest = datetime.fromtimestamp(self.newest, UTC) if 0 < self.newest < 4e9 else None
        return Layout(name, top.rstrip("/"), files, self.open, refused, newest, "tar archive")

    def only(self, name: str) -> tuple[str, Kept]:
        """Return the one file of an archive that is no bundle. Raises NoSource when it has none, or several."""
        if self.names != 1 or len(self.files) != 1:
            held = ", ".join(sorted(self.files)[:MAX_TOLD]) or "nothing to read"
            raise NoSource(
                f"{name} is a tar archive of {self.names} files ({held}) and no Harvester support bundle: give a bundle, "
                "or one snapshot or file of objects"
            )
        return next(iter(self.files.items()))


def is_tar(path: Path, head: bytes) -> bool:
    """Say whether a file is a tar archive, by its first bytes or what they unpack to."""
    if head.startswith(MAGIC):
        try:
            with gzip.open(path) as file:
                head = file.read(512)
        except DAMAGES:
            return False  # whoever reads it says so
    return head[_USTAR] == b"ustar"


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Go through an archive. Raises NoSource when it is damaged, or larger than what is read of one."""
    with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as spool:
        found = Unpacked(cast(IO[bytes], spool))
        try:
            with path.open("rb") as file:
                packed = file.read(2) == MAGIC
                file.seek(0)
                _keep(cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file, str(path), found)
        except (*DAMAGES, tarfile.TarError, ValueError, RecursionError) as error:
            raise damaged(str(path), error) from None
        yield found


def _keep(file: BinaryIO, name: str, found: Unpacked) -> None:
    counted = _Counted(file, name)
    with tarfile.open(fileobj=cast(IO[bytes], counted), mode="r:") as archive:
        for member in archive:
            cast(Any, archive).members.clear()  # tarfile would keep every one of them, be that millions
            found.names += member.isreg()
            if found.names > MAX_FILES:
                raise NoSource(f"{name} holds more than {MAX_FILES} files")
            if len(archive.pax_headers) > MAX_HEADERS:
                raise ValueError("too many headers for all files")
            _take(archive, member, found, counted)
            counted.headers_left = MAX_HEADERS_BYTES
    if len(counted.last) != tarfile.BLOCKSIZE or counted.last.strip(b"\0"):
        raise ValueError("its end is missing")  # tarfile takes a damaged header for the end
    while counted.skip(_PART):  # gzip compares its checksum at the end
        pass


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, found: Unpacked, counted: _Counted) -> None:
    path = member.name.removeprefix("./")
    if member.isdir() or not (_OF_A_BUNDLE.fullmatch(path) or found.names == 1):
        return
    found.newest = max(found.newest, member.mtime)
    if path in found.files:
        found.refused[path] = "stands in the archive more than once"
        return
    found.files[path] = Kept(0, 0)
    if not member.isreg() or member.issparse():
        found.refused[path] = "is no regular file, and links are not followed"
        return
    counted.headers_left = member.size
    start, source = found.spool.tell(), archive.extractfile(member)
    while source is not None and (part := source.read(_PART)):
        found.spool.write(part)
    found.files[path] = Kept(start, found.spool.tell() - start)


class _Counted(io.RawIOBase):
    """A stream that is read forwards only, and counts what it gives: in all, and of headers before one file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._at = 0
        self.headers_left = MAX_HEADERS_BYTES
        """How much may still be read before the next file comes."""
        self.last = b""
        """What was read last."""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        while whence == 0 and self._at < offset and self.skip(min(_PART, offset - self._at)):
            pass
        if whence or self._at > offset:
            raise ValueError("its parts do not follow one another")
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self.headers_left:
            raise ValueError("more stands before a file than a name")
        self.headers_left -= size
        self.last = self.skip(size)
        return self.last

    def skip(self, size: int) -> bytes:
        """Read what is no header."""
        data = self._file.read(size)
        self._at += len(data)
        if self._at > MAX_TAR_BYTES:
            raise NoSource(f"{self._name} is larger than {MAX_TAR_BYTES // 1024**3} GiB when it is unpacked")
        return data


class _Slice(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, file: IO[bytes], kept: Kept) -> None:
        self._file, self._kept, self._at = file, kept, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._kept.file_size)[whence])
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        self._file.seek(self._kept.start + self._at)
        data = self._file.read(max(0, min(len(view), self._kept.file_size - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
