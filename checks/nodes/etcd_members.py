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

from preflight.api import (
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
    degrades,
    hangs,
    judged,
    kubectl,
    labels_of,
    name_of,
    need,
    text_at,
    unknown,
)

from ._etcd import is_etcd, member_finding, membership, pod_readiness

ROLE = "node-role.kubernetes.io/etcd"
NO_QUORUM = hangs(
    Phase.NODE_UPGRADE,
    "The quorum may be lost with the first node that restarts, and Rancher then waits without limit for the member that is "
    "missing (read in the code, not tried)",
    Certainty.LIKELY,
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
        yield from judged(members, lambda node: membership(node, view.now))
        yield from _pods(view, members)
        if len(members) == 2:
            yield _two(sorted(map(name_of, members)))


def _pods(view: View, members: list[JsonObject]) -> Iterator[Outcome]:
    pods = [pod for pod in view.objects("pods") if is_etcd(pod)]
    if not pods:
        yield unknown(Code.INCOMPLETE, f"not one etcd pod was read, and {len(members)} nodes have one")
        return
    yield from judged(pods, lambda pod: pod_readiness(pod, view.now))
    listed, with_pod = {name_of(node) for node in members}, {text_at(pod, "spec.nodeName") for pod in pods}
    for name in sorted(with_pod - listed):
        text = f"an etcd pod runs on node {name or '(none)'}, which is not among the etcd nodes that were read"
        yield unknown(Code.INCOMPLETE, text, node=name)
    for node in members:
        if name_of(node) not in with_pod:
            yield member_finding(
                node, "etcd-pod-not-ready", f"Node {name_of(node)} is to run etcd and has no etcd pod", None, {}
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
