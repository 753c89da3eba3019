"""Write reports to standard output and to files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from preflight.check import Check
from preflight.cli import say, silence
from preflight.cli.explained import FORMATS, explained
from preflight.cli.request import Output
from preflight.cli.terminal import caller, style_for
from preflight.errors import PreflightError
from preflight.files import replace_file
from preflight.render import Style, render
from preflight.report_types import Document

Checks: TypeAlias = Callable[[], Sequence[Check]]
"""Returns the registered checks, for the formats that explain them."""


def deliver(document: Document, output: Output, checks: Checks) -> bool:
    """Write a report, or a list of reports, to standard output and to every --report file.

    Returns whether somebody still reads standard output. Raises PreflightError for what could not be written; the rest is
    written all the same.
    """
    try:
        return print_document(document, output, checks)
    finally:
        write_reports(document, output.reports, checks)


def print_document(document: Document, output: Output, checks: Checks) -> bool:
    """Write a report or a list of reports to standard output; returns whether somebody still reads it."""
    style = style_for(sys.stdout, output.color, verbose=output.verbose, quiet=output.quiet, show=output.show)
    return print_text(_rendered(output.format, document, style, checks))


def _rendered(name: str, document: Document, style: Style, checks: Checks) -> str:
    return render(name, explained(document, checks()) if name in FORMATS else document, style)


def print_text(text: str) -> bool:
    """Write text to standard output. A reader that went away (`| head`) is no failure; a full disk is.

    Returns whether somebody still reads. Raises PreflightError when the text could not be written.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        return False
    except (OSError, ValueError, AttributeError) as error:
        silence(sys.stdout)
        raise PreflightError(f"could not write the report to standard output: {error}") from None
    return True


def write_reports(document: Document, wanted: Sequence[tuple[str, Path]], checks: Checks) -> None:
    """Write every --report file, each atomically, after all of them were rendered.

    Raises PreflightError naming the file that could not be written; the others are written all the same.
    """
    plain = Style(colour=False, width=120, ascii=False, verbose=0, quiet=False, caller=caller())
    failed = []
    for name, path in wanted:
        try:
            write_atomically(path, _rendered(name, document, plain, checks))
        except OSError as error:
            say(f"Error: could not write {path}: {error.strerror or error}")
            failed.append(str(path))
    if failed:
        raise PreflightError(f"not written: {', '.join(failed)}")


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace a file as a whole, so that no reader ever sees half of it. Raises OSError."""
    if path.exists() and not path.is_file():  # a pipe or /dev/stdout cannot be replaced, only written to
        path.write_text(text, encoding="utf-8")
        return
    replace_file(path, [text], mode=mode)
