"""Write reports to standard output and to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from preflight.cli import say, silence
from preflight.cli.terminal import style_for
from preflight.errors import PreflightError, UsageError
from preflight.files import replace_file
from preflight.render import RENDERERS, Style, render


def print_document(document: dict[str, Any], output: str, *, color: str, verbose: int, quiet: bool) -> None:
    """Write a report or a list of reports to standard output."""
    print_text(render(output, document, style_for(sys.stdout, color, verbose=verbose, quiet=quiet)))


def print_text(text: str) -> None:
    """Write text to standard output. A reader that went away (`| head`) is no failure; a full disk is.

    Raises PreflightError when the text could not be written.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except (OSError, ValueError, AttributeError) as error:
        silence(sys.stdout)
        raise PreflightError(f"could not write the report to standard output: {error}") from None


def parse_reports(values: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Split the values of --report. Raises UsageError for an unknown format, no path, or one path twice."""
    wanted: list[tuple[str, Path]] = []
    for value in values:
        name, sign, path = value.partition("=")
        if not sign or not path or name not in RENDERERS:
            raise UsageError(f"--report {value}: give FORMAT=PATH; formats: {', '.join(RENDERERS)}")
        if any(path == str(other) for _, other in wanted):
            raise UsageError(f"--report {value}: {path} is given twice")
        wanted.append((name, Path(path)))
    return wanted


def write_reports(document: dict[str, Any], wanted: list[tuple[str, Path]]) -> None:
    """Write every --report file, each atomically, after all of them were rendered.

    Raises PreflightError naming the file that could not be written; the others are written all the same.
    """
    plain = Style(colour=False, width=120, ascii=False, verbose=0, quiet=False)
    failed = []
    for name, path in wanted:
        try:
            write_atomically(path, render(name, document, plain))
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
