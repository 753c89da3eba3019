"""A volume that has lost replicas stops the upgrade: at admission, or half-way when the first node is drained.

Rule: three rule sets, the strictest that blocks wins.
Webhook (validator.go, v1.4.0 to v1.9.0-rc6): with three or more Node objects, witness counted, no volume may be
`degraded`; faulted and unknown pass. Pre-drain script of the target (upgrade_node.sh, several nodes): with more than
two data nodes the volume of every running engine must be healthy, else every running engine needs two RW replicas
(one for a single-replica volume). check.sh walks engines, so it misses volumes without one; it fails what the others
accept (two nodes, three replicas; detached with missing replicas): a warning here.
Edges: an attached volume has an engine and replicas: where none was read, it is unknown. An engine whose volume is gone
hangs the drain, and check.sh passes it. `creating` volumes are in motion.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    Code,
    Enforcer,
    Outcome,
    View,
    check,
    judged,
    name_of,
    need,
    unknown,
)

from ._health import Scene
from ._volumes import by_volume, drain_count, is_witness, read


@check(
    id="longhorn-volume-health",
    title="Every Longhorn volume is healthy",
    category="longhorn",
    needs=(
        need("nodes"),
        need(
            "volumes.longhorn.io",
            "status.robustness",
            "status.state",
            "status.kubernetesStatus",
            "spec.numberOfReplicas",
        ),
        need("engines.longhorn.io", "status.currentState", "status.replicaModeMap", "spec.volumeName"),
        need("replicas.longhorn.io", "spec.volumeName", "spec.nodeID", "spec.failedAt", "status.currentState"),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.CHECK_SH, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade for a degraded volume on three nodes or more, and the pre-drain job of every "
    "node waits without limit until the volumes in use are healthy.",
    how="A node or disk was lost, a rebuild is under way, no disk has room for another replica, or a volume wants more "
    "replicas than there are data nodes (a witness holds none).",
    fix="Wait for the rebuild, add disk space, or lower numberOfReplicas to the number of data nodes.",
    causes={
        "volume-degraded": "Replicas are missing from a volume. Let Longhorn rebuild, give it room, or want fewer.",
        "volume-faulted": "No replica of the volume works. Salvage it in the Longhorn UI or restore a backup.",
        "volume-not-healthy": "The volume is in use, in motion or of unknown health. Look at its engine and replicas.",
        "too-few-rw-replicas": "On two data nodes or fewer the drain wants two writable replicas of a volume in use.",
        "replicas-missing": "A detached volume has fewer replicas than it wants; attach it to let them be rebuilt.",
        "engine-without-volume": "An engine still runs for a volume that is gone: see orphan-engine.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def longhorn_volume_health(view: View) -> Iterator[Outcome]:
    """Yield a finding for every volume, and every engine without one, that the server or the scripts stop at."""
    nodes = view.objects("nodes")
    if not nodes:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
    engines, unread_engines = by_volume(read(view, "engines.longhorn.io") or ())
    replicas, unread_replicas = by_volume(read(view, "replicas.longhorn.io") or ())
    yield from unread_engines
    yield from unread_replicas
    known = view.missing("replicas.longhorn.io") is None and not unread_replicas
    data_nodes = sum(not is_witness(node) for node in nodes)
    engines_known = view.missing("engines.longhorn.io") is None and not unread_engines
    scene = Scene(len(nodes), drain_count(view, nodes), data_nodes, engines, replicas if known else None, engines_known)
    volumes = view.objects("volumes.longhorn.io")
    yield from judged(volumes, scene.judge)
    names = {name_of(volume) for volume in volumes}
    orphans = (engine for name, group in engines.items() if name not in names for engine in group)
    yield from judged(tuple(orphans), scene.judge_orphan)
