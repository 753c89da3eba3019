"""The report of a source of which nothing could be read: whoever waits for one gets it, and it says why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from preflight.check import Check
from preflight.cli import say
from preflight.cli.request import Request
from preflight.errors import ExitCode, SourceError
from preflight.flow import Examination, examine_unreadable
from preflight.model import Code, Reason, SourceInfo
from preflight.values.foreign_text import visible


def undecided(checks: Sequence[Check], request: Request, error: SourceError) -> Examination:
    """Make the report, every check unknown; with -v the error's details go to standard error.

    Raises the error itself where nothing was asked at all, since then nothing is undecided either.
    """
    if error.exit_code is not ExitCode.UNDECIDED:
        raise error
    if error.detail and request.output.verbose:
        say(visible(error.detail, keep_newlines=True))
    return examine_unreadable(checks, request.settings, unread_source(request, error))


def unread_source(request: Request, error: SourceError) -> SourceInfo:
    """Say what was to be read, and why it was not."""
    source, now = request.settings.source, request.settings.now
    clock = "given with --now" if now else "this machine's clock, since nothing else told a time"
    moment, unread = now or datetime.now(UTC), Reason(Code(error.code), error.message)
    if source != "live":
        bundle = source.endswith(".zip") or os.path.isdir(source)
        kind, name = "support-bundle" if bundle else "objects", "standard input" if source == "-" else source
        return SourceInfo(kind, name, moment, clock, unread=unread)
    from preflight.cluster.connection import flags_of
    from preflight.cluster.kubeconfig import aim_of

    aim = aim_of(request.connection)
    name = aim.server or aim.context or "the API server"
    return SourceInfo("live", name, moment, clock, (), aim.context, flags_of(request.connection), unread=unread)
