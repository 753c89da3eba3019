"""The files of a support bundle, in its zip or extracted, read in place and never outside of it.

Shape: paths are relative to the bundle's top folder, with forward slashes.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from preflight.errors import NoSource, SourceError
from preflight.sources.text.encoding import MAX_INPUT_BYTES, to_utf8

MAX_FILES = 1_000_000
MAX_LINE_BYTES = 16 * 1024 * 1024
"""The API server takes no object above 3 MiB; in a bundle a line is a part of one."""
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What the kit writes. zipfile unpacks the others a whole input block at a time, be that gigabytes."""
_IS_BUNDLE = re.compile(r"(?:[^/]+/)?(?:yamls/(?:cluster|namespaced)/.+|metadata\.yaml)")

_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, NotImplementedError, ValueError,
    struct.error,
)  # fmt: skip
"""What zipfile raises for one damaged, encrypted or unusually compressed file; ValueError: a broken offset."""


class FileProblem(Exception):
    """Why one file of a bundle could not be read; the text goes into a gap."""


@dataclass(frozen=True)
class Layout:
    """The files of one bundle."""

    name: str
    """What the user calls it."""
    top: str
    """The name of its top folder, which carries the time it was made."""
    files: Mapping[str, Any]
    """By path; what to give to `opener`."""
    opener: Callable[[Any], BinaryIO]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Paths that are there but are not opened, and why."""
    newest: datetime | None = None
    """The newest time stamp of a file in a zip or tar."""
    what: str = "zip"
    """What holds the files, for a message."""

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file. Raises FileProblem, also for whatever goes wrong while it is read."""
        if path in self.refused:
            raise FileProblem(f"{path} {self.refused[path]}")
        try:
            with self.opener(self.files[path]) as file:
                yield file
        except _UNREADABLE as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise FileProblem(f"{path} cannot be read: {' '.join(reason.split())}") from None

    def size(self, path: str) -> int:
        """Return how large a file says it is; no more than that is ever read of one in an archive."""
        handle = self.files[path]
        return int(handle.stat().st_size if isinstance(handle, Path) else handle.file_size)

    def lines(self, path: str, limit: int | None = None) -> Iterator[bytes]:
        """Yield the lines of a file. Raises FileProblem, above `limit` (MAX_INPUT_BYTES) too."""
        size, limit = 0, limit or MAX_INPUT_BYTES
        with self.open(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                size += len(line)
                if len(line) > MAX_LINE_BYTES:
                    raise FileProblem(f"{path} has a line of more than {MAX_LINE_BYTES // 1024**2} MiB")
                if size > limit:
                    raise FileProblem(f"{path} is larger than {limit // 1024**2} MiB")
                yield line

    def text(self, path: str, limit: int = MAX_INPUT_BYTES) -> bytes:
        """Return a file's text as UTF-8. Raises FileProblem."""
        with self.open(path) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise FileProblem(f"{path} is larger than {limit // 1024} KiB")
        try:
            return to_utf8(data, path)
        except SourceError as error:
            raise FileProblem(error.message) from None


@contextmanager
def open_layout(path: Path) -> Iterator[Layout]:
    """Look at a zip or a folder. Raises NoSource when it is no support bundle or cannot be read."""
    try:
        folder = _folder(path) if path.is_dir() else None
        file = None if folder else path.open("rb")
    except OSError as error:
        raise NoSource(f"cannot read {path}: {error.strerror or error}") from None
    if folder:
        yield folder
    elif file:
        with file:
            yield zip_layout(file, str(path))


def zip_layout(file: BinaryIO, name: str, *, top: str | None = None) -> Layout:
    """Look at a zip. With `top`, everything below that folder counts, bundle or not. Raises NoSource."""
    try:
        archive = zipfile.ZipFile(file)
    except _UNREADABLE as error:
        raise NoSource(f"{name} is a damaged or incomplete zip ({error}): copy or download it again") from None
    entries = [entry for entry in archive.infolist() if entry.filename and not entry.filename.endswith("/")]
    top = top_of([entry.filename for entry in entries], name, "zip") if top is None else top
    files: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for entry in entries:
        path = below(entry.filename, top)
        if path is None:
            continue
        if path in files or path in refused:
            refused[path] = "stands in the zip more than once"
        elif entry.flag_bits & 0x1:
            refused[path] = "is encrypted: make the bundle anew without a password"
        elif entry.compress_type not in _BOUNDED:
            refused[path] = "is compressed in a way that support bundles are not"
        elif stat.S_ISLNK(entry.external_attr >> 16):
            refused[path] = "is a symbolic link, which is not followed"
        files[path] = entry
    times = [entry.date_time for entry in entries]

    def opener(entry: zipfile.ZipInfo) -> BinaryIO:
        return io.BufferedReader(cast(io.RawIOBase, archive.open(entry)), 1 << 18)

    return Layout(name, top.rstrip("/"), files, opener, refused, _newest(times))


def _folder(path: Path) -> Layout:
    names: list[str] = []
    links: list[str] = []
    for folder, folders, found in os.walk(path, followlinks=False):
        at = Path(folder).relative_to(path)
        for name in [*found, *(name for name in folders if (Path(folder) / name).is_symlink())]:
            full = (at / name).as_posix()
            names.append(full)
            if not stat.S_ISREG((Path(folder) / name).lstat().st_mode):
                links.append(full)
        if len(names) > MAX_FILES:
            raise NoSource(f"{path} holds more than {MAX_FILES} files: give the folder of the bundle itself")
    top = top_of([name for name in names if name not in links], str(path), "folder")
    files = {inner: path / name for name in names if (inner := below(name, top)) is not None}
    refused = {inner: "is no regular file, and links are not followed" for name in links
               if (inner := below(name, top)) is not None}  # fmt: skip
    return Layout(str(path), top.rstrip("/") or path.resolve().name, files, lambda file: open(file, "rb"), refused)


def top_of(names: list[str], source: str, what: str) -> str:
    """Return the bundle's top folder with its slash, empty when there is none."""
    tops = {name.partition("/")[0] + "/" if name.split("/")[1:2] and not name.startswith("yamls/") else ""
            for name in names if _IS_BUNDLE.fullmatch(name) and _safe(name)}  # fmt: skip
    with_yamls = {top for top in tops if any(name.startswith(f"{top}yamls/") for name in names)}
    if not with_yamls:
        raise NoSource(
            f"{source} is a {what} but not a Harvester support bundle (there is no yamls/cluster in it): "
            "give a bundle, a snapshot, or a file of objects"
        )
    if len(with_yamls) > 1:
        shown = ", ".join(sorted(with_yamls)[:5])
        raise NoSource(f"{source} holds several support bundles ({shown}): give one of them")
    return with_yamls.pop()


def below(name: str, top: str) -> str | None:
    """Return the path of a file below the top folder, None when it is not below it or its name leads out of it."""
    return name[len(top) :] if name.startswith(top) and _safe(name) else None


def _safe(name: str) -> bool:
    """Say whether a name stays below its folder; backslashes and drive letters have no business here either."""
    return not (name.startswith("/") or "\\" in name or ":" in name.partition("/")[0][1:2] or ".." in name.split("/"))


def _newest(times: list[tuple[int, int, int, int, int, int]]) -> datetime | None:
    try:
        return datetime(*max(times), tzinfo=UTC) if times else None
    except ValueError:
        return None
