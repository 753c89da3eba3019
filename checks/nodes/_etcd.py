"""One etcd member: whether it votes, whether its pod is ready, and what it comes to when not.

Rule: see etcd_members.py: condition EtcdIsVoter of the node (k3s pkg/etcd setEtcdStatusCondition), and condition Ready of
the etcd pod. A heartbeat older than 15 minutes proves nothing; five minutes are allowed, as RKE2 allows a learner.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    condition,
    hangs,
    human_duration,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    on_node,
    ref_of,
    text_at,
    time_at,
    unknown,
)

VOTER = "EtcdIsVoter"
GRACE, STALE = timedelta(minutes=5), timedelta(minutes=15)
IF_IT_LASTS = hangs(
    Phase.NODE_UPGRADE,
    "If the member stays away, the API may be gone while another node restarts, and the upgrade may not get on",
    Certainty.POSSIBLE,
)


def membership(node: JsonObject, now: datetime) -> Iterator[Outcome]:
    """Yield a finding when the member of a node does not vote, and an unknown when nobody tells."""
    name, voter = name_of(node), condition(node, VOTER)
    heard = time_at(voter, "lastHeartbeatTime") if voter else None
    if voter is None or heard is None or now - heard > STALE:
        what = f"was written {human_duration(now - heard)} ago" if heard else "is not there, or has no time"
        text = f"whether etcd on node {name} votes is not told: condition {VOTER} {what}"
        yield unknown(Code.INCOMPLETE, text, node=name)
        return
    status = text_at(voter, "status")
    if status == "True":
        return
    since = time_at(voter, "lastTransitionTime")
    why = text_at(voter, "message") or text_at(voter, "reason") or "no reason given"
    yield member_finding(
        node,
        "member-not-voting",
        f"The etcd member on node {name} does not vote: {why} ({VOTER} is {status or 'empty'})",
        None if since is None else now - since,
        {"status": status or None, "reason": text_at(voter, "reason") or None},
    )


def is_etcd(pod: JsonObject) -> bool:
    """Say whether a pod is one of etcd."""
    return namespace_of(pod) == "kube-system" and labels_of(pod).get("component") == "etcd"


def pod_readiness(pod: JsonObject, now: datetime) -> Iterator[Outcome]:
    """Yield a finding when the etcd pod is not ready."""
    ready = condition(pod, "Ready")
    if ready is not None and text_at(ready, "status") == "True":
        return
    since = (time_at(ready, "lastTransitionTime") if ready else None) or time_at(pod, "metadata.creationTimestamp")
    why = text_at(ready, "message") or text_at(ready, "reason") if ready else "no Ready condition"
    yield member_finding(
        pod,
        "etcd-pod-not-ready",
        f"Pod {name_of(pod)} on node {text_at(pod, 'spec.nodeName')} is not ready: {why or 'no reason given'}",
        None if since is None else now - since,
        {},
    )


def member_finding(
    obj: JsonObject, cause: str, message: str, age: timedelta | None, evidence: dict[str, str | None]
) -> Finding:
    """Build the finding of a node or of its etcd pod; `age` is how long it has been so, None when that is not known."""
    new = age is not None and age <= GRACE
    pod = obj.get("kind") == "Pod"
    node = text_at(obj, "spec.nodeName") if pod else name_of(obj)
    return Finding(
        severity=WARN if new else FAIL,
        cause=cause,
        message=message + (f", for {human_duration(age)}" if age is not None else ""),
        hint="Bring the member back before the upgrade: its log says what keeps it away",
        commands=(
            kubectl("logs {} -n kube-system", name_of(obj) if pod else f"etcd-{node}"),
            on_node("journalctl -u rke2-server", why=f"on {node}"),
        ),
        resource=ref_of(obj),
        evidence={**evidence, "seconds": int(age.total_seconds()) if age is not None else None},
        transient=new,
        consequence=IF_IT_LASTS if new else None,
        touches={"node": (node,)},
    )
