"""Replace a file as a whole, so that no reader ever sees half of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PRIVATE = 0o600


def replace_file(path: Path, pieces: Iterable[str], *, mode: int = PRIVATE, errors: str = "strict") -> None:
    """Write the pieces to a file beside `path` and put it in its place once they are on the disk.

    Raises OSError when it cannot be written; whatever ends it early, Ctrl-C included, leaves nothing behind.
    """
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from the start
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=errors) as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
            if mode != PRIVATE:
                os.fchmod(file.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
