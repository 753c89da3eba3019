"""Bytes of unknown origin to UTF-8 text, and the newest time in it; everything bounded."""

from __future__ import annotations

import codecs
import re
from datetime import datetime
from typing import BinaryIO

from preflight.errors import NoSource
from preflight.values.times import parse_time

MAX_INPUT_BYTES = 512 * 1024 * 1024
"""The most that is read of one input or of one file inside a bundle."""
TOO_LARGE = "{name} is larger than {mib} MiB: pass fewer kinds, or take a snapshot with `harvester-preflight snapshot`"
_PART = 1024 * 1024
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)(?=[\"'\s,}\]]|$)")
_KEY = re.compile(rb"([A-Za-z0-9_./-]+)\"?[ \t]*:[ \t\r\n]*[\"']?$")
_AHEAD = re.compile(rb"(?i)notafter|expir|renewal|deletion|next|deadline|until|valid")
"""Fields that hold times still to come: certificates, leases of credentials, grace periods, schedules."""


def read_bounded(file: BinaryIO, name: str) -> bytes:
    """Read everything. Raises NoSource above MAX_INPUT_BYTES or when reading fails."""
    try:
        data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise NoSource(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_INPUT_BYTES:
        raise NoSource(TOO_LARGE.format(name=name, mib=MAX_INPUT_BYTES // 1024**2))
    return data


def to_utf8(data: bytes, name: str) -> bytes:
    """Return the same text as UTF-8 without byte order mark. UTF-16 (what PowerShell's `>` writes) is converted.

    Raises NoSource for text in another encoding and for binary data.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            raise NoSource(f"{name} starts like UTF-16 text but is not: save it as UTF-8") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.startswith(b"\x1f\x8b"):
        raise NoSource(f"{name} is packed by gzip once more: unpack it first (gunzip)")
    if data[257:262] == b"ustar":
        raise NoSource(f"{name} is a tar archive: give it as a file")
    bad = _first_bad_byte(data)
    if bad is not None:
        line = data.count(b"\n", 0, bad) + 1
        raise NoSource(f"{name} is not UTF-8 text (byte {bad}, line {line}): save it as UTF-8")
    if b"\x00" in data[:4096]:
        raise NoSource(f"{name} is binary data, not YAML or JSON")
    return data


def _first_bad_byte(data: bytes) -> int | None:
    """Return where UTF-8 ends, None when all of it is. In parts: decoded as a whole it would be in memory twice."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data) + 1, _PART):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _PART], final=start + _PART > len(data))
        except UnicodeDecodeError as error:
            return start - held + error.start
    return None


def newest_time(data: bytes) -> datetime | None:
    """Return the newest RFC 3339 time that stands as a value anywhere in the text, None when there is none.

    Times in fields that look ahead (`notAfter`, `deletionTimestamp` ...) do not count: they would move the clock.
    """
    best: datetime | None = None
    seen: set[bytes] = set()
    for match in _TIME.finditer(data):
        text = match.group()
        if text in seen:
            continue
        key = _KEY.search(data, max(0, match.start() - 80), match.start())
        if key is not None and _AHEAD.search(key.group(1)):
            continue
        if len(seen) < 100_000:
            seen.add(text)
        moment = parse_time(text.decode())
        if moment is not None and (best is None or moment > best):
            best = moment
    return best
