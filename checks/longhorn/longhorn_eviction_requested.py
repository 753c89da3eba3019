"""A Longhorn node or disk that is being evicted crashes longhorn-manager in upgrades around 1.4.

Rule: check.sh check_longhorn_eviction_status (running version 1.4.x); docs (target 1.4.x). Either applies
here. check.sh ends at its first hit and skips everything after it; here every node gets its finding and all other
checks still run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    boolean_at,
    check,
    degrades,
    hangs,
    judged,
    lies_in,
    mapping_at,
    name_of,
    need,
    ref_of,
    unknown,
)

from ._volumes import patch, unlisted

AFFECTED = ">=1.4.0 <1.5.0"
CRASHES = hangs(
    Phase.SYSTEM_SERVICES,
    "longhorn-manager crashes in this upgrade, and the script waits for it without limit",
)
WEAKENS = degrades(
    Phase.NODE_DRAIN, "Volumes may be degraded while their replicas move, and the server refuses degraded volumes"
)


@check(
    id="longhorn-eviction-requested",
    title="No Longhorn node or disk is being evicted",
    category="longhorn",
    needs=(need("nodes"), need("nodes.longhorn.io", "spec.evictionRequested", "spec.disks.*.evictionRequested")),
    enforced_by=(Enforcer.CHECK_SH, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="From or to 1.4.x longhorn-manager crashes while an eviction is requested; elsewhere the move leaves "
    "volumes degraded.",
    how="Somebody requested the eviction to empty a node or disk and never took the request back.",
    fix="Let the eviction finish, set evictionRequested to false on the node and its disks, and wait for the volumes.",
    links=("https://github.com/harvester/harvester/issues/7717",),
    explains=(Explains("longhorn-volume-health", Tie.NODE),),
    causes={
        "node-eviction": "The node's replicas are to move away: finish it and take the request back.",
        "disk-eviction": "A disk's replicas are to move away: finish it and take the request back.",
    },
)
def longhorn_eviction_requested(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Longhorn node with an eviction requested on it or on its disks."""
    running, target = (lies_in(version, AFFECTED) for version in (view.upgrade.from_version, view.upgrade.to_version))
    enforcers = (
        *((Enforcer.CHECK_SH,) if running else ()),
        *((Enforcer.DOCS,) if target else ()),
    )

    def judge(node: JsonObject) -> Iterator[Outcome]:
        name, disks = name_of(node), mapping_at(node, "spec.disks")
        whole = boolean_at(node, "spec.evictionRequested")
        evicted = sorted(disk for disk in disks if boolean_at(node, f"spec.disks.[{disk}].evictionRequested"))
        if not whole and not evicted:
            return
        if not enforcers and None in (running, target):
            yield unknown(Code.ERROR, f"whether the eviction on {name} stops the upgrade depends on the versions")
        what = (
            f"disk {', '.join(evicted)} of Longhorn node {name}" if evicted and not whole else f"Longhorn node {name}"
        )
        merge: dict[str, Any] = {"evictionRequested": False} if whole else {}
        if evicted:
            merge["disks"] = {disk: {"evictionRequested": False} for disk in evicted}
        yield Finding(
            severity=FAIL if enforcers else WARN,
            cause="node-eviction" if whole else "disk-eviction",
            message=f"Eviction is requested for {what}",
            hint="Let the eviction finish, then take the request back and wait until all volumes are healthy",
            commands=(patch("nodes.longhorn.io", name, json.dumps({"spec": merge}, separators=(",", ":"))),),
            resource=ref_of(node),
            evidence={"node": bool(whole), "disks": evicted},
            enforced_by=enforcers or (Enforcer.NONE,),
            consequence=CRASHES if enforcers else WEAKENS,
        )

    yield from unlisted(view)
    yield from judged(view.some("nodes.longhorn.io"), judge)
