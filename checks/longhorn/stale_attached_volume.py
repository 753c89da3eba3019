"""A volume that is attached though no running pod uses it may keep its node from being drained.

Rule: check.sh check_attached_volumes: state attached, and workloadsStatus empty or without a Running pod. After a live
migration one Succeeded and one Running entry stand side by side: fine. A null list is an empty one (in a support
bundle it reads as text; the reader undoes that). The webhook does not look.
Edges: false alarms for volumes attached by hand, by a backup or by an image export, hence a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    delays,
    maps_at,
    name_of,
    need,
    ref_of,
    text_at,
)

from ._volumes import claim_of, look, touches


@check(
    id="stale-attached-volume",
    title="Every attached volume is used by a running pod",
    category="longhorn",
    needs=(need("volumes.longhorn.io", "status.state", "status.currentNodeID", "status.kubernetesStatus"),),
    worst=WARN,
    enforced_by=(Enforcer.CHECK_SH,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The drain waits for volumes on the node; one that nobody will ever detach can hold it up.",
    how="A pod died without its volume being detached, or the volume was attached by hand or by a running job.",
    fix="Make sure nothing uses the volume, then detach it in the Longhorn UI and remove a stale attachment ticket.",
    links=("https://github.com/harvester/harvester/issues/3648",),
    consequence=delays(
        Phase.NODE_DRAIN,
        "The drain of the node may wait until somebody detaches the volume",
        Certainty.POSSIBLE,
    ),
    causes={
        "no-workload": "Attached, and no pod is known to use it: detach it, or wait for the backup or export.",
        "workload-not-running": "Attached, and none of the pods that use it runs: repair the workload or detach.",
    },
)
def stale_attached_volume(view: View) -> Iterator[Outcome]:
    """Yield a warning for every attached volume without a running user."""
    yield from view.each("volumes.longhorn.io", _judge)


def _judge(volume: JsonObject) -> Iterator[Outcome]:
    if text_at(volume, "status.state") != "attached":
        return
    users = maps_at(volume, "status.kubernetesStatus.workloadsStatus")
    states = [text_at(user, "podStatus") for user in users]
    if "Running" in states:
        return
    name, node = name_of(volume), text_at(volume, "status.currentNodeID")
    pods = ", ".join(
        f"{text_at(user, 'podName') or '?'} is {state or '?'}" for user, state in zip(users, states, strict=True)
    )
    yield Finding(
        severity=WARN,
        cause="workload-not-running" if users else "no-workload",
        message=f"Volume {name}{claim_of(volume)} is attached to {node or 'a node'} but "
        + (f"no pod that uses it runs: {pods}" if users else "no pod uses it"),
        hint="If no backup or export is using it, detach it in the Longhorn UI",
        commands=(look("volumeattachments.longhorn.io", name),),
        resource=ref_of(volume),
        evidence={"node": node or None, "podStatus": states},
        touches=touches(volume, node),
    )
