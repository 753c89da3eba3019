"""Whether a journal is the one that this user wrote: a keyed digest, with a key that stays in the user's own folder.

A journal says what is deleted, created and put back. Where it was edited on the way, or comes from somebody else, its
seal does not fit, and nothing of it is carried out unless the user says so after reading the plan.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preflight.errors import RemediationError
from preflight.remediation.trust import read_own

KEY_BYTES = 32


def seal(document: Mapping[str, Any]) -> str:
    """Return the seal of a journal; empty where this user has no place to keep a key."""
    key = _key(make=True)
    return _digest(document, key) if key else ""


def why_unsealed(document: Mapping[str, Any]) -> str:
    """Say why a journal may not be the one that was written; empty when it is."""
    told, key = document.get("seal"), _key(make=False)
    if not isinstance(told, str) or not told:
        return "it carries no seal"
    if key is None:
        return "the key it was sealed with is not on this machine, or belongs to another user"
    return "" if hmac.compare_digest(told, _digest(document, key)) else "it was changed after it was written"


def _digest(document: Mapping[str, Any], key: bytes) -> str:
    content = {name: value for name, value in document.items() if name != "seal"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _key(*, make: bool) -> bytes | None:
    path = _key_path()
    try:
        return _read_key(path) or (_make_key(path) if make else None)
    except (OSError, RemediationError):
        return None


def _key_path() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or ""
    folder = Path(state) if state.startswith("/") else Path("~/.local/state").expanduser()
    return folder / "harvester-preflight" / "journal.key"


def _read_key(path: Path) -> bytes | None:
    try:
        found = bytes.fromhex(read_own(path, "the key of the journals").decode("ascii").strip())
    except (FileNotFoundError, ValueError):
        return None
    return found if len(found) == KEY_BYTES else None


def _make_key(path: Path) -> bytes | None:
    """Make the key once; whoever comes at the same moment uses the one that was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = secrets.token_hex(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return bytes.fromhex(text)
