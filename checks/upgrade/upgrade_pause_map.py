"""With node upgrades in manual mode the nodes wait, one by one, until somebody says go: nobody should be surprised.

Rule: mutator.go patchPauseNodeAnnotations (v1.7.0 to v1.9.0-rc6): setting upgrade-config with
nodeUpgradeOption.strategy.mode "manual" pauses all nodes, or those of pauseNodes that exist; names of nodes that do
not exist are dropped in silence. The annotation node-upgrade-pause-map of the new Upgrade itself cannot be seen yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    INFO,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    delays,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
    texts_at,
)

from ._settings import SETTINGS, find_setting, json_value

NAME = "upgrade-config"
MODE, NODES = "nodeUpgradeOption.strategy.mode", "nodeUpgradeOption.strategy.pauseNodes"
EDIT = kubectl("edit settings.harvesterhci.io upgrade-config")


@check(
    id="upgrade-pause-map",
    title="No node waits for a person during the upgrade",
    category="upgrade",
    needs=(need(SETTINGS, "value", "default", values=("upgrade-config",)), need("nodes")),
    worst=WARN,
    from_versions=">=1.7.0",
    enforced_by=(Enforcer.NONE,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="A paused node waits without limit before it is drained; the upgrade looks stuck to whoever does not know.",
    how="Setting upgrade-config has the node upgrade mode manual, for all nodes or for those it lists.",
    fix="Set the mode to auto in setting upgrade-config, or be ready to unpause each node in the Upgrade's annotation.",
    causes={
        "nodes-will-wait": "These nodes wait for an explicit unpause. Plan for it, or set the mode to auto.",
        "pause-nodes-unknown": "pauseNodes lists nodes that do not exist; the server drops them, so a node meant to "
        "pause is upgraded at once. Correct the names.",
    },
)
def upgrade_pause_map(view: View) -> Iterator[Outcome]:
    """Yield which nodes will wait, and which listed ones do not exist."""
    setting = find_setting(view, NAME)
    config: dict[str, Any] = json_value(setting, NAME)
    if text_at(config, MODE) != "manual":
        return
    existing = {name_of(node) for node in view.objects("nodes")}
    listed = texts_at(config, NODES)
    waiting = sorted(existing & set(listed)) if listed else sorted(existing)
    unknown = sorted(set(listed) - existing)
    if waiting:
        yield Finding(
            severity=INFO,
            cause="nodes-will-wait",
            message=f"{len(waiting)} node(s) will wait for an explicit unpause: {', '.join(waiting)}",
            hint="Unpause each in the annotation harvesterhci.io/node-upgrade-pause-map of the Upgrade, or use auto",
            commands=(EDIT,),
            resource=ref_of(setting),
            evidence={"mode": "manual", "nodes": waiting},
            consequence=delays(
                Phase.NODE_DRAIN,
                "Each of these nodes waits before its drain until somebody unpauses it",
                Certainty.CERTAIN,
            ),
        )
    if unknown:
        yield Finding(
            severity=WARN,
            cause="pause-nodes-unknown",
            message=f"pauseNodes of setting upgrade-config lists nodes that do not exist: {', '.join(unknown)}",
            hint="Correct the node names; the server ignores those it does not know",
            commands=(EDIT,),
            resource=ref_of(setting),
            evidence={"mode": "manual", "unknownNodes": unknown},
            consequence=degrades(
                Phase.NODE_DRAIN, "A node that was meant to wait may be upgraded at once", Certainty.POSSIBLE
            ),
        )
