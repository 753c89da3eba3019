"""A Longhorn node or disk that is being evicted crashes longhorn-manager in upgrades around 1.4.

Rule: check.sh check_longhorn_eviction_status (running version 1.4.x); docs (target 1.4.x). Either applies
here. check.sh ends at its first hit and skips everything after it; here every node gets its finding and all other
checks still run.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    boolean_at,
    check,
    lies_in,
    mapping_at,
    name_of,
    need,
    ref_of,
    unknown,
)

from ._volumes import patch

AFFECTED = ">=1.4.0 <1.5.0"


@check(
    id="longhorn-eviction-requested",
    title="No Longhorn node or disk is being evicted",
    category="longhorn",
    needs=(need("nodes.longhorn.io", "spec.evictionRequested", "spec.disks.*.evictionRequested"),),
    enforced_by=(Enforcer.CHECK_SH, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="From or to 1.4.x longhorn-manager crashes while an eviction is requested; elsewhere the move leaves "
    "volumes degraded.",
    how="Somebody requested the eviction to empty a node or disk and never took the request back.",
    fix="Let the eviction finish, set evictionRequested to false on the node and its disks, and wait for the volumes.",
    links=("https://github.com/harvester/harvester/issues/7717",),
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
        merge = {"node": '"evictionRequested":false'} if whole else {}
        if evicted:
            merge["disks"] = f'"disks":{{{",".join(_off(disk) for disk in evicted)}}}'
        yield Finding(
            severity=FAIL if enforcers else WARN,
            cause="node-eviction" if whole else "disk-eviction",
            message=f"Eviction is requested for {what}"
            + ("; longhorn-manager crashes in this upgrade" if enforcers else "; its volumes are degraded meanwhile"),
            hint="Let the eviction finish, then take the request back and wait until all volumes are healthy\n"
            + patch("nodes.longhorn.io", name, f'{{"spec":{{{",".join(merge.values())}}}}}'),
            resource=ref_of(node),
            evidence={"node": bool(whole), "disks": evicted},
            enforced_by=enforcers or (Enforcer.NONE,),
        )

    yield from view.each("nodes.longhorn.io", judge)


def _off(disk: str) -> str:
    return f'"{disk}":{{"evictionRequested":false}}'
