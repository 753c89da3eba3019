"""What the terminal can do: colour, width, characters."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from preflight.commandline import Caller
from preflight.render import Style

PLUGIN = "kubectl-harvester_preflight"
CALLED_AS = "HARVESTER_PREFLIGHT_CALLED_AS"
PIPE_WIDTH = 100
"""Columns of text output that goes to a file or pipe and has no COLUMNS."""


def style_for(stream: TextIO, color: str, *, verbose: int, quiet: bool, show: tuple[str, ...] = ()) -> Style:
    """Decide how text for this stream may look."""
    return Style(
        colour=wants_colour(stream, color),
        width=_width(stream),
        ascii=not _speaks_unicode(stream),
        verbose=verbose,
        quiet=quiet,
        show=show,
        caller=caller(),
    )


def caller() -> Caller:
    """Tell by which name this tool was called: kubectl calls its plugins by the name of their file."""
    name = os.path.basename(sys.argv[0] or "")
    if name.startswith(PLUGIN):
        return Caller(("kubectl", "harvester-preflight"))
    if os.environ.get(CALLED_AS):  # a container's entry point tells by which line it was started
        return Caller(tuple(os.environ[CALLED_AS].split()))
    return Caller()


def wants_colour(stream: TextIO, color: str) -> bool:
    """Apply --color, NO_COLOR (wins over FORCE_COLOR and CLICOLOR_FORCE), TERM=dumb and whether it is a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether the stream is a terminal; a closed one is none."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _width(stream: TextIO) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return max(40, min(int(columns), 400))
    if is_terminal(stream):
        return max(40, shutil.get_terminal_size((80, 24)).columns)
    return PIPE_WIDTH


def _speaks_unicode(stream: TextIO) -> bool:
    if os.environ.get("TERM") == "linux" and is_terminal(stream):
        return False  # the console of a node has no such signs in its font
    try:
        "✓✗→│…".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
