"""From parsed parameters to the reader of a source. The one place of the command line that knows of live clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from preflight.check import Check, Need
from preflight.cli.stdin import standard_input
from preflight.errors import UsageError
from preflight.flow import Later
from preflight.inventory import Collected, Inventory
from preflight.model import UpgradePair
from preflight.settings import Settings
from preflight.sources import Reader, open_source

if TYPE_CHECKING:
    from preflight.cluster.connection import Connection


def reader_for(params: dict[str, Any], settings: Settings, progress: Callable[[str], None]) -> Reader:
    """Return what reads the source that was asked for. Nothing is read, and nothing connected, yet."""

    def live(needs: Sequence[Need]) -> Inventory:
        from preflight.sources.live.reader import read

        inventory: Inventory = read(
            needs, connection_from(params), now=settings.now, timeout=settings.timeout, progress=progress
        )
        return inventory

    return open_source(settings.source, now=settings.now, live=live, stdin=standard_input())


def connection_from(params: dict[str, Any]) -> Connection:
    """Gather the connection flags."""
    from preflight.cluster.connection import Connection

    return Connection(
        kubeconfig=params.get("kubeconfig") or "",
        context=params.get("context") or "",
        cluster=params.get("cluster") or "",
        user=params.get("user") or "",
        as_=params.get("as_") or "",
        as_groups=tuple(params.get("as_groups") or ()),
        server=params.get("server") or "",
        token=params.get("token") or "",
        certificate_authority=params.get("certificate_authority") or "",
        insecure_skip_tls_verify=bool(params.get("insecure_skip_tls_verify")),
        request_timeout=params.get("request_timeout"),
    )


def later_for(params: dict[str, Any], settings: Settings, progress: Callable[[str], None]) -> Later | None:
    """Return what --ask-server and --probe-nodes read once the versions are known; None when neither is asked for.

    Raises UsageError for a source that is no cluster.
    """
    if not settings.ask_server and not settings.probe_nodes:
        return None
    if settings.source != "live":
        flag = "--ask-server" if settings.ask_server else "--probe-nodes"
        raise UsageError(f"{flag} goes with --source live only: a copy of a cluster cannot be asked")

    def later(inventory: Inventory, pair: UpgradePair, checks: Sequence[Check]) -> dict[str, Collected]:
        from preflight.sources.live.on_purpose import ask_on_purpose

        needs = [need for check in checks for need in check.needs]
        return ask_on_purpose(connection_from(params), settings, inventory, pair, needs, progress)

    return later
