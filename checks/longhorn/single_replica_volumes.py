"""A volume with one replica goes down with the node that holds it, so the server refuses it.

Rule: validator.go checkSingleReplicaVolumes. v1.4.x: numberOfReplicas 1 and state creating, attached or attaching.
v1.5.0 and later: numberOfReplicas 1 in any state; with skipSingleReplicaDetachedVol the rule of 1.4. Skipped when the
cluster has exactly one Node object, witness counted. check.sh fails detached ones on every version, though a 1.4
server accepts them (a warning here), takes a volume in `creating` for a harmless one (it looks for `create`), and
misses volumes without an engine.
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
    NotApplicable,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    integer_at,
    judged,
    lies_in,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
    unknown,
)

from ._volumes import by_volume, claim_of, patch, read, touches

ACTIVE = ("creating", "attached", "attaching")
REFUSED = refused("The server refuses to create the Upgrade while a volume has a single replica")
ACCEPTED = degrades(
    Phase.NODE_DRAIN,
    "A server of 1.4 accepts it while the volume is unused; it cannot be used while the node with its replica is down",
)


@check(
    id="single-replica-volumes",
    title="Every Longhorn volume has more than one replica",
    category="longhorn",
    needs=(
        need("nodes"),
        need("volumes.longhorn.io", "spec.numberOfReplicas", "status.state", "status.kubernetesStatus"),
        need("engines.longhorn.io", "spec.volumeName", optional=True),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Nodes reboot one after the other; a volume with a single replica is gone while its node is, so the server "
    "refuses the Upgrade on clusters with more than one node.",
    how="A storage class or image with numberOfReplicas 1, often left from a single-node cluster.",
    fix="Raise numberOfReplicas, stop the workload (enough on 1.4.x), or delete the volume.",
    causes={
        "active-single-replica": "A volume in use has one replica: raise it to 2 or 3, or stop what uses it (1.4.x).",
        "detached-single-replica": "An unused volume has one replica. Servers from 1.5.0 refuse it too, unless the "
        "Upgrade carries skipSingleReplicaDetachedVol.",
    },
    waived_by="harvesterhci.io/skipSingleReplicaDetachedVol",
)
def single_replica_volumes(view: View) -> Iterator[Outcome]:
    """Yield a finding for every volume with one replica on a cluster of several nodes."""
    count = len(view.objects("nodes"))
    if count == 1:
        yield NotApplicable("the cluster has one node: the server does not look at single replicas there")
        return
    if not count:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
    engines = read(view, "engines.longhorn.io")
    seen = None if engines is None else frozenset(by_volume(engines)[0])
    any_state = lies_in(view.upgrade.from_version, ">=1.5.0")
    yield from judged(view.objects("volumes.longhorn.io"), lambda volume: _judge(volume, any_state, seen))


def _judge(volume: JsonObject, any_state: bool | None, seen: frozenset[str] | None) -> Iterator[Outcome]:
    replicas = integer_at(volume, "spec.numberOfReplicas")
    name, state = name_of(volume), text_at(volume, "status.state")
    if replicas is None:
        yield unknown(Code.UNPARSABLE, f"Volume {name} has no spec.numberOfReplicas")
    if replicas != 1:
        return
    active = state in ACTIVE
    if not state:
        yield unknown(Code.UNPARSABLE, f"Volume {name} has one replica and no status.state")
    if any_state is None and not active:
        yield unknown(Code.ERROR, f"whether the server refuses the unused volume {name} depends on the running version")
    refused_now = active or any_state is True
    by_script = (Enforcer.CHECK_SH,) if seen is None or name in seen else ()
    enforcers = (*((Enforcer.WEBHOOK,) if refused_now else ()), *by_script) or (Enforcer.NONE,)
    yield Finding(
        severity=FAIL if refused_now else WARN,
        cause="active-single-replica" if active else "detached-single-replica",
        message=f"Volume {name}{claim_of(volume)} is {state or 'in no known state'} and has 1 replica",
        hint="Raise the number of replicas and wait until the volume is healthy, or remove the volume",
        commands=(patch("volumes.longhorn.io", name, '{"spec":{"numberOfReplicas":3}}'),),
        resource=ref_of(volume),
        evidence={"numberOfReplicas": replicas, "state": state or None},
        enforced_by=enforcers,
        consequence=REFUSED if refused_now else ACCEPTED,
        touches=touches(volume),
    )
