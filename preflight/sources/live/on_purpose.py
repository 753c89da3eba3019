"""What is read only because somebody asked for it: the server's dry run and the probes of the nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from preflight.check import Need
from preflight.cluster.api import connect
from preflight.cluster.connection import Connection
from preflight.inventory import Collected, Inventory
from preflight.model import UpgradePair
from preflight.settings import Settings
from preflight.sources.live.dry_run import dry_run_upgrade
from preflight.sources.live.probe import Probes
from preflight.sources.live.probe_pod import wanted_of

DRY_RUN, FILES = "upgrades.harvesterhci.io/dry-run", "nodes/files"


def ask_on_purpose(
    connection: Connection,
    settings: Settings,
    inventory: Inventory,
    pair: UpgradePair,
    needs: Sequence[Need],
    progress: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, Collected]:
    """Ask the server and the nodes, as the settings say, for what the needs of the applicable checks still lack.

    Raises SourceError when the server cannot be reached any more.
    """
    wanted = [need for need in needs if need.resource.name in (DRY_RUN, FILES)]
    if not wanted:
        return {}
    api = connect(connection, wait=wait)
    found = {}
    if settings.ask_server and any(need.resource.name == DRY_RUN for need in wanted):
        progress("asking the server for a dry run of the Upgrade")
        found[DRY_RUN] = dry_run_upgrade(api, pair)
    questions = wanted_of(field for need in wanted if need.resource.name == FILES for field in need.fields)
    if settings.probe_nodes and questions:
        progress("probing the nodes")
        nodes = inventory.get("nodes")
        if nodes.missing:
            found[FILES] = Collected(missing=nodes.missing)
        else:
            found[FILES] = Probes(api, questions, settings.probe_image, wait).ask(nodes.objects)
    return found
