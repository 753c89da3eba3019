"""From a request to the reader of a source. The one place of the command line that knows of live clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from preflight.check import Check, Need
from preflight.cli.request import Request
from preflight.cli.stdin import standard_input
from preflight.errors import UsageError
from preflight.flow import Later
from preflight.inventory import Collected, Inventory
from preflight.model import UpgradePair, Via
from preflight.sources import Reader, open_source


def reader_for(request: Request, progress: Callable[[str], None]) -> Reader:
    """Return what reads the source that was asked for. Nothing is read, and nothing connected, yet."""

    settings = request.settings

    def live(needs: Sequence[Need]) -> Inventory:
        from preflight.sources.live.reader import read

        inventory: Inventory = read(
            needs, request.connection, now=settings.now, timeout=settings.timeout, progress=progress
        )
        return inventory

    return open_source(settings.source, now=settings.now, live=live, stdin=standard_input())


def later_for(request: Request, progress: Callable[[str], None]) -> Later | None:
    """Return what --ask-server and --probe-nodes read once the versions are known; None when neither is asked for.

    Raises UsageError for a source that is no cluster.
    """
    settings = request.settings
    if not settings.ask_server and not settings.probe_nodes:
        return None
    if settings.ask_server and settings.via is not Via.UPGRADE:
        raise UsageError("--ask-server asks with an Upgrade: leave it out with --via upgrade-plan")
    if settings.source != "live":
        flag = "--ask-server" if settings.ask_server else "--probe-nodes"
        raise UsageError(f"{flag} goes with --source live only: a copy of a cluster cannot be asked")

    def later(inventory: Inventory, pair: UpgradePair, checks: Sequence[Check]) -> dict[str, Collected]:
        from preflight.sources.live.on_purpose import ask_on_purpose

        needs = [need for check in checks for need in check.needs]
        return ask_on_purpose(request.connection, settings, inventory, pair, needs, progress)

    return later
