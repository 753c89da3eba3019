"""What gzip packed, unpacked with every byte counted before it is kept."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO

from preflight.errors import NoSource
from preflight.sources.text.encoding import MAX_INPUT_BYTES, TOO_LARGE, read_bounded

MAGIC = b"\x1f\x8b"
DAMAGES = (EOFError, OSError, zlib.error)
"""What gzip raises for data that are cut off or damaged."""
_PART = 1024 * 1024


def read_input(file: BinaryIO, name: str) -> bytes:
    """Read everything, unpacked where gzip packed it. Raises NoSource above MAX_INPUT_BYTES or when reading fails."""
    if not isinstance(file, io.BufferedReader):
        return _whole(read_bounded(file, name), name)
    packed = file.peek(len(MAGIC))[: len(MAGIC)] == MAGIC
    data = read_bounded(file, name)
    return _whole(data, name) if packed else data


def _whole(data: bytes, name: str) -> bytes:
    if not data.startswith(MAGIC):
        return data
    try:
        size = _count(data, name)
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
            return unpacked.read(size)
    except DAMAGES as error:
        raise damaged(name, error) from None


def damaged(name: str, error: Exception) -> NoSource:
    """Make the error of packed data that cannot be unpacked, in words of ours."""
    if isinstance(error, OSError) and error.errno:
        return NoSource(f"cannot unpack {name}: {error.strerror}")
    return NoSource(f"{name} is packed by gzip or tar, and damaged or cut off: copy or download it again")


def _count(data: bytes, name: str) -> int:
    """Return how much it is unpacked, keeping none of it: a few KiB may stand for gigabytes."""
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
        while part := unpacked.read(_PART):
            size += len(part)
            if size > MAX_INPUT_BYTES:
                raise NoSource(TOO_LARGE.format(name=name, mib=MAX_INPUT_BYTES // 1024**2))
    return size
