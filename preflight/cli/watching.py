"""`check --watch`: look again and again until interrupted; a terminal is redrawn, a log gets a report when one changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from preflight.cli import say
from preflight.cli.request import Request
from preflight.cli.terminal import is_terminal
from preflight.errors import UsageError
from preflight.render.document import reports
from preflight.report_types import Document
from preflight.values.times import human_duration

Told = TypeVar("Told")
"""The document that is told again and again."""
LEAST_SECONDS = 1.0
CLEAR = "\x1b[H\x1b[2J"
"""Cursor to the first place, and nothing on the screen."""


def check_watch(request: Request) -> None:
    """Refuse what does not go with looking again and again. Raises UsageError."""
    seconds, repair = request.output.watch, request.repair
    if seconds is None:
        return
    if seconds < LEAST_SECONDS:
        raise UsageError(f"--watch: at least {LEAST_SECONDS:g} s lie between two looks")
    if request.settings.source == "-":
        raise UsageError("--watch: standard input can be read only once: name a file, or use --source live")
    if repair.remediate or repair.wait or request.output.publish:
        raise UsageError("--watch only looks: leave out --remediate, --wait and --publish")


def watch(
    look: Callable[[], tuple[Told, int]],
    tell: Callable[[Told], bool],
    request: Request,
    *,
    sleep: Callable[[float], None] = time.sleep,
    substance: Callable[[Told], list[Any]],
) -> int:
    """Look every `request.output.watch` seconds, and tell; returns the exit code of the last look.

    `tell` says whether to go on: not where nobody listens any more. `substance` returns of a document what it is told
    again for, in a log; else that of a report. An interrupt before the first report is one as in every run.
    """
    seconds = request.output.watch or LEAST_SECONDS
    redraws = is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"
    code, told = None, None
    try:
        while True:
            document, code = look()
            now = substance(document)
            if redraws or now != told:
                _begin(request.output.format, first=told is None, redraws=redraws)
                told = now
                if not tell(document):
                    return code
            if redraws and not request.output.quiet:
                say(f"again every {human_duration(seconds)}; Ctrl-C ends it with exit code {code}")
            sleep(seconds)
    except KeyboardInterrupt:
        if code is None:
            raise
        say(f"stopped: exit code {code}, that of the last report")
        return code


def substance_of(document: Document) -> list[Any]:
    """Return what makes two reports different: verdicts, statuses, findings, reasons; no time and no measurement."""
    return [
        [
            report.get("context"),
            report["upgrade"],
            report["verdict"],
            [
                (
                    check["id"],
                    check["status"],
                    sorted((each["code"], each["node"] or "", each["namespace"] or "") for each in check["reasons"]),
                    sorted((each["id"], each["severity"], bool(each["waived"])) for each in check["findings"]),
                )
                for check in report["checks"]
            ],
        ]
        for _, report in reports(document)
    ]


def _begin(form: str, *, first: bool, redraws: bool) -> None:
    if redraws:
        sys.stdout.write(CLEAR)
    elif not first and form in ("table", "wide", "markdown"):
        sys.stdout.write("\n")
