"""Files that decide what is written to a cluster: read only where nobody but the user could have put them there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from preflight.errors import RemediationError

LIMIT = 16 * 2**20
"""Bytes of one journal or saved object; etcd takes a tenth of it."""
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_own(path: Path, what: str) -> bytes:
    """Return a file's content. Raises OSError when it cannot be read, RemediationError when it is not to be trusted."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RemediationError(f"{what} {path} is no ordinary file, so it is not used")
        _must_be_own(found, what, path)
        content = file.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise RemediationError(f"{what} {path} is larger than {LIMIT // 2**20} MiB, so it is not used")
    return content


def must_be_own_folder(folder: Path) -> None:
    """Raise RemediationError for a folder in which somebody else could exchange a file between two reads."""
    try:
        found = folder.stat()
    except OSError as error:
        raise RemediationError(f"cannot look at {folder}: {error.strerror or error}") from None
    _must_be_own(found, "the folder", folder)


def is_link(error: OSError) -> bool:
    """Say whether a file was refused because it is a link."""
    import errno

    return error.errno in (errno.ELOOP, getattr(errno, "EMLINK", None))


def _must_be_own(found: os.stat_result, what: str, path: Path) -> None:
    if not hasattr(os, "geteuid"):  # no such notion on this system
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise RemediationError(f"{what} {path} belongs to another user (uid {found.st_uid}), so it is not used")
    if found.st_mode & OTHERS_WRITE:
        raise RemediationError(
            f"{what} {path} can be written by others (mode {stat.S_IMODE(found.st_mode):04o}), so it is not used: "
            "chmod go-w it once you know what is in it"
        )
