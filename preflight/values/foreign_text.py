"""Text that somebody else wrote, made safe to show: on a terminal, and in one line of a message."""

from __future__ import annotations

from urllib.parse import urlsplit

MAX_LINE = 2000


def clean(text: str, *, keep_newlines: bool = False) -> str:
    """Make control characters of foreign text visible instead of letting a terminal obey them."""
    return "".join(
        char if char.isprintable() or (keep_newlines and char == "\n") else ascii(char)[1:-1] for char in text
    )


def one_line(text: object, limit: int = MAX_LINE) -> str:
    """Make one printable line of a text that somebody else wrote."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[: limit * 4]).split())
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
