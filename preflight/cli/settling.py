"""What `rollback` and `fix --resume` share: the journal of an earlier run, and the cluster it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.cli.options import option
from preflight.cli.request import Request
from preflight.errors import RemediationError, SourceError, UsageError
from preflight.inventory import JsonObject
from preflight.model import SourceInfo

if TYPE_CHECKING:
    from preflight.cluster.writer import Writer
    from preflight.remediation.lease import Mark
    from preflight.remediation.plan import Target

accept_option = option(
    "--accept-journal",
    is_flag=True,
    help="Use a journal that this user did not write on this machine; read it and the saved objects first.",
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run, and what it takes to settle it."""

    path: Path
    document: dict[str, Any]
    writer: Writer
    source: SourceInfo

    @property
    def folder(self) -> Path:
        """Where its saved objects are."""
        return self.path.parent

    @property
    def current(self) -> Callable[[Target], JsonObject | None]:
        """Read an object as it is now."""
        writer = self.writer
        return lambda target: writer.get(target.api_version, target.kind, target.namespace, target.name)

    @property
    def mark(self) -> Mark:
        """What its lease says of it."""
        from preflight.remediation.lease import Mark

        return Mark(self.document.get("id") or "", str(self.path.absolute()), self.document.get("host") or "")


def open_earlier(request: Request, journal: Path, *, accept: bool) -> Earlier:
    """Read a journal and connect to its cluster.

    Raises UsageError for what is no journal, RemediationError for one that is not to be trusted or of another cluster.
    """
    from preflight.cluster.writer import Writer
    from preflight.remediation.apply import cluster_id
    from preflight.remediation.saved import read_journal
    from preflight.sources.live.reader import connect

    path = journal / "journal.json" if journal.is_dir() else journal
    document = read_journal(path, accept=accept)
    writer = Writer(connect(request.connection))
    _must_be_the_same(document, cluster_id(writer), writer.api.server)
    if writer.api.date is None:
        raise SourceError(f"{writer.api.server} tells no time")
    source = SourceInfo(
        "live",
        writer.api.server,
        writer.api.date,
        "the API server's Date header",
        context=writer.api.context,
        connection=writer.api.flags(request.connection),
    )
    return Earlier(path, document, writer, source)


def _must_be_the_same(journal: dict[str, Any], cluster: str, server: str) -> None:
    """Refuse to put back on one cluster what was taken on another."""
    if journal["command"] == "rollback":
        raise UsageError("this is the journal of a rollback: give that of the fix; rollback may be run again on it")
    if cluster and journal["cluster"]:
        if cluster != journal["cluster"]:
            raise RemediationError("this journal is of another cluster (the uid of namespace kube-system differs)")
    elif server != journal["server"]:
        raise RemediationError(f"this journal is of {journal['server']}, and this is {server}")
