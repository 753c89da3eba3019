"""Text that somebody else wrote, made safe to show: on a terminal, in one line of a message, in the log of a pipeline."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from preflight.values.secrets import without_secrets

MAX_LINE = 2000
MAX_SECRET = 4096
"""How far a secret may reach behind the end of what is shown."""
COMMAND_WORD = re.compile(r"(?<!\S)::")
"""What a runner of pipelines takes for a command where a line begins with it: any blank may become a line's end."""
COMMAND_SIGN = "##["
"""What it takes for one anywhere in a line."""
_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str, *, keep_newlines: bool = False) -> str:
    """Write control, format and bidirectional characters, surrogates and noncharacters as escapes one can see.

    Line ends count as control characters unless they are ours: whoever wrote a text may not end a line. What the runner
    of a pipeline would take for a command (`::error::`, `##[group]`) is written so that it is none.
    """
    if not text.isprintable():
        text = "".join(
            _escape(char) if _dangerous(char) and not (keep_newlines and char == "\n") else char for char in text
        )
    return without_commands(text)


def without_commands(text: str) -> str:
    """Escape the first sign of whatever the runner of a pipeline would take for a command in a line of its log."""
    if "::" in text:
        text = COMMAND_WORD.sub(r"\\x3a:", text)
    return text.replace(COMMAND_SIGN, r"\x23#[")


def _dangerous(char: str) -> bool:
    code = ord(char)
    return unicodedata.category(char) in _DANGEROUS or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _escape(char: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def one_line(text: object, limit: int = MAX_LINE) -> str:
    """Make one printable line of a text that somebody else wrote, without secrets: cut, one could not be told any more."""
    clean = without_secrets(str(text)[: limit * 4 + MAX_SECRET])
    line = " ".join("".join(char if char.isprintable() else " " for char in clean[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain_url(url: str) -> str:
    """Return a URL without user name, password, query and fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return one_line(url.rpartition("@")[2])
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return one_line(f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}")
