"""A node that our storage team has marked must not be drained by an upgrade.

Rule: our own; label storage.example/maintenance=true on a Node, set by hand while disks are being replaced.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Phase,
    View,
    check,
    kubectl,
    loses_data,
    name_of,
    need,
    ref_of,
)


@check(
    id="storage-team-maintenance",
    title="No node is in storage maintenance",
    category="storage-team",
    needs=(need("nodes", "metadata.labels"),),
    docs="https://wiki.example/storage/maintenance",
    why="The upgrade drains each node in turn; with disks missing elsewhere, volumes would lose their last replica.",
    how="The storage team has set the label while it replaces disks.",
    fix="Wait for the storage team, then take the label off.",
    causes={"in-maintenance": "The node carries the label: wait until the disks are back."},
    consequence=loses_data(Phase.NODE_DRAIN, "Volumes whose other disks are out lose their last replica"),
    options={"label": Option("storage.example/maintenance", "the label that marks a node")},
)
def storage_team_maintenance(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node that carries the label."""
    label = str(view.options["label"])

    def judge(node: JsonObject) -> Iterator[Outcome]:
        if (node["metadata"].get("labels") or {}).get(label) == "true":
            yield Finding(
                severity=FAIL,
                cause="in-maintenance",
                message=f"Node {name_of(node)} is in storage maintenance: label {label} is true",
                hint="Wait for the storage team, then take the label off",
                commands=(kubectl("label node {} {}-", name_of(node), label),),
                resource=ref_of(node),
                evidence={"label": label},
            )

    yield from view.each("nodes", judge)
