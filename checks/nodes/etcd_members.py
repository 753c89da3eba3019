"""Every etcd member must vote: an upgrade restarts one node after the other, and without a quorum there is no API.

Rule: RKE2's server process that leads etcd (k3s pkg/etcd setEtcdStatusCondition) writes condition EtcdIsVoter on every
node with label node-role.kubernetes.io/etcd=true, every 15 s: False when the member is a learner, does not answer, or is
none. Its heartbeat moves every five minutes at most; older than 15 minutes, nobody writes it any more, and it proves
nothing either way. Rancher looks at no membership before it drains a node: with one of three members gone the first node
that restarts takes the quorum along. An etcd pod that is not ready says the same of its member. Five minutes are allowed
for either, as RKE2 allows a learner.
Edges: with one etcd node there is no other member to lose. A witness is a member like any other; whether a leader on a
witness writes the condition is not known. Nodes without the label are not looked at, whatever is left on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Explains,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    ResourceRef,
    Tie,
    View,
    check,
    condition,
    degrades,
    hangs,
    human_duration,
    judged,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    need,
    on_node,
    ref_of,
    text_at,
    time_at,
    unknown,
)

VOTER, ROLE = "EtcdIsVoter", "node-role.kubernetes.io/etcd"
GRACE, STALE = timedelta(minutes=5), timedelta(minutes=15)
NO_QUORUM = hangs(
    Phase.NODE_UPGRADE,
    "The quorum may be lost with the first node that restarts, and Rancher then waits without limit for the member that is "
    "missing (read in the code, not tried)",
    Certainty.LIKELY,
)
IF_IT_LASTS = hangs(
    Phase.NODE_UPGRADE,
    "If the member stays away, the API may be gone while another node restarts, and the upgrade may not get on",
    Certainty.POSSIBLE,
)
AWAY = degrades(Phase.NODE_UPGRADE, "The API may be away for as long as either of the two nodes restarts")


@check(
    title="Every etcd member votes",
    needs=(
        need("nodes", "status.conditions"),
        need("pods", "spec.nodeName", "status.conditions", namespaces=("kube-system",)),
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade restarts the nodes one by one. Where a member is missing already, the next one takes the quorum and "
    "with it the API along, and nothing goes on.",
    how="A node was rebuilt or restored and never became a full member, its disk is too slow, or its etcd does not start.",
    fix="Look at the log of rke2 and of etcd on the node; a member that cannot be mended is removed by removing its node.",
    links=("https://github.com/harvester/harvester/issues/6286",),
    causes={
        "member-not-voting": "The member is a learner, does not answer or is none: bring it back before the upgrade.",
        "etcd-pod-not-ready": "The etcd pod of the node is missing or not ready: read its log.",
        "two-members": "With two members neither may be lost: while either node restarts there is no quorum.",
    },
    consequence=NO_QUORUM,
    explains=(Explains("pod-health", Tie.POD, folds=True), Explains("control-plane-workloads", Tie.NODE)),
)
def etcd_members(view: View) -> Iterator[Outcome]:
    """Yield a finding for every etcd member that does not vote or is not ready."""
    members = [node for node in view.some("nodes") if text_at(labels_of(node), f"[{ROLE}]") == "true"]
    if not members:
        yield unknown(
            Code.INCOMPLETE, f"no node carries the label {ROLE}, and every cluster has at least one that does"
        )
    elif len(members) == 1:
        yield NotApplicable("one node runs etcd, so no other member can be missing")
    else:
        yield from judged(members, lambda node: _membership(node, view.now))
        yield from _pods(view, members)
        if len(members) == 2:
            yield _two(sorted(map(name_of, members)))


def _membership(node: JsonObject, now: datetime) -> Iterator[Outcome]:
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
    yield _finding(
        node,
        "member-not-voting",
        f"The etcd member on node {name} does not vote: {why} ({VOTER} is {status or 'empty'})",
        None if since is None else now - since,
        {"status": status or None, "reason": text_at(voter, "reason") or None},
    )


def _pods(view: View, members: list[JsonObject]) -> Iterator[Outcome]:
    pods = [pod for pod in view.objects("pods") if _is_etcd(pod)]
    if not pods:
        yield unknown(Code.INCOMPLETE, f"not one etcd pod was read, and {len(members)} nodes have one")
        return
    yield from judged(pods, lambda pod: _pod(pod, view.now))
    listed, with_pod = {name_of(node) for node in members}, {text_at(pod, "spec.nodeName") for pod in pods}
    for name in sorted(with_pod - listed):
        text = f"an etcd pod runs on node {name or '(none)'}, which is not among the etcd nodes that were read"
        yield unknown(Code.INCOMPLETE, text, node=name)
    for node in members:
        if name_of(node) not in with_pod:
            yield _finding(
                node, "etcd-pod-not-ready", f"Node {name_of(node)} is to run etcd and has no etcd pod", None, {}
            )


def _is_etcd(pod: JsonObject) -> bool:
    return namespace_of(pod) == "kube-system" and labels_of(pod).get("component") == "etcd"


def _pod(pod: JsonObject, now: datetime) -> Iterator[Outcome]:
    ready = condition(pod, "Ready")
    if ready is not None and text_at(ready, "status") == "True":
        return
    since = (time_at(ready, "lastTransitionTime") if ready else None) or time_at(pod, "metadata.creationTimestamp")
    why = text_at(ready, "message") or text_at(ready, "reason") if ready else "no Ready condition"
    yield _finding(
        pod,
        "etcd-pod-not-ready",
        f"Pod {name_of(pod)} on node {text_at(pod, 'spec.nodeName')} is not ready: {why or 'no reason given'}",
        None if since is None else now - since,
        {},
    )


def _finding(
    obj: JsonObject, cause: str, message: str, age: timedelta | None, evidence: dict[str, str | None]
) -> Finding:
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


def _two(names: list[str]) -> Finding:
    return Finding(
        severity=WARN,
        cause="two-members",
        message=f"Two nodes run etcd ({' and '.join(names)}): while either of them restarts there is no quorum",
        hint="Add a third node, which may be a witness, or expect the API to be away for some minutes",
        commands=(kubectl("get nodes -l {}=true", ROLE),),
        resource=ResourceRef("cluster.x-k8s.io/v1beta1", "Cluster", "fleet-local", "local"),
        evidence={"nodes": names},
        consequence=AWAY,
        touches={"node": tuple(names)},
    )
