"""A Longhorn node that no longer exists, or has no instance manager, hangs the upgrade of the system services.

Rule: upgrade_manifests.sh of every target waits without limit. With two or more managed nodes besides witnesses: one
running instance manager (label longhorn.io/instance-manager-type=aio) for every nodes.longhorn.io object. With any number:
numberReady of DaemonSet longhorn-manager equals the number of managed nodes that are no witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    hangs,
    integer_at,
    kubectl,
    labels_of,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._volumes import is_managed, is_witness, read, unlisted

MANAGERS, DAEMONSETS = "instancemanagers.longhorn.io", "daemonsets.apps"
COUNTS = hangs(
    Phase.SYSTEM_SERVICES, "After Longhorn is upgraded, the script waits without limit until exactly so many are ready"
)


@check(
    id="longhorn-node-stale",
    title="Longhorn runs on every node, and on no node that is gone",
    category="longhorn",
    needs=(
        need("nodes"),
        need("nodes.longhorn.io"),
        need(MANAGERS, "status.currentState", "spec.nodeID"),
        need(DAEMONSETS, "status.numberReady", "status.desiredNumberScheduled", namespaces=("longhorn-system",)),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="After Longhorn is upgraded the script waits, without limit, for its pods on every node Longhorn knows.",
    how="A node was removed from the cluster but not from Longhorn, or a taint keeps Longhorn's pods away.",
    fix="Delete the nodes.longhorn.io object of the node that is gone; remove the taint, or repair the pod.",
    consequence=hangs(
        Phase.SYSTEM_SERVICES, "After Longhorn is upgraded, the script waits for the pods of that node without limit"
    ),
    explains=(Explains("longhorn-volume-health", Tie.NODE, causes=("node-gone", "no-instance-manager")),),
    causes={
        "node-gone": "Longhorn still knows a node the cluster has not: delete its nodes.longhorn.io object.",
        "no-instance-manager": "No instance manager runs for this Longhorn node: look at its pods and the node.",
        "manager-pods-missing": "longhorn-manager is not ready on as many nodes as the script waits for.",
    },
)
def longhorn_node_stale(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Longhorn node and DaemonSet the script would wait for in vain."""
    nodes = view.objects("nodes")
    if not nodes:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
        return
    names = {name_of(node) for node in nodes}
    managers = read(view, MANAGERS)
    wanted = sum(is_managed(node) and not is_witness(node) for node in nodes)
    running = None
    if managers is not None and not managers and read(view, "nodes.longhorn.io"):
        yield unknown(Code.ERROR, "Longhorn knows nodes, but not one instance manager was found")
    elif managers is not None and wanted > 1:
        running = {_node_of(manager) for manager in managers if text_at(manager, "status.currentState") == "running"}
    yield from _daemonset(view, wanted)
    yield from unlisted(view)

    def judge(node: JsonObject) -> Iterator[Outcome]:
        name = name_of(node)
        if name not in names:
            yield _stale(node, "node-gone", f"Longhorn still knows node {name}, which the cluster has not")
        elif running is not None and name not in running:
            yield _stale(node, "no-instance-manager", f"No instance manager of Longhorn runs on node {name}")

    yield from view.each("nodes.longhorn.io", judge)


def _node_of(manager: JsonObject) -> str:
    return str(labels_of(manager).get("longhorn.io/node") or text_at(manager, "spec.nodeID"))


def _stale(node: JsonObject, cause: str, problem: str) -> Finding:
    name, gone = name_of(node), cause == "node-gone"
    return Finding(
        severity=FAIL,
        cause=cause,
        message=problem,
        hint="Delete what Longhorn remembers of it" if gone else "Find out why its pod does not run",
        commands=(
            kubectl("delete nodes.longhorn.io {} -n longhorn-system", name)
            if gone
            else kubectl("get pods -n longhorn-system -o wide --field-selector spec.nodeName={}", name),
        ),
        resource=ref_of(node),
    )


def _daemonset(view: View, wanted: int) -> Iterator[Outcome]:
    if view.missing(DAEMONSETS):
        return
    found = view.find(DAEMONSETS, "longhorn-manager", "longhorn-system")
    if found is None:
        yield unknown(Code.ERROR, "there is no DaemonSet longhorn-system/longhorn-manager")
        return
    ready = integer_at(found, "status.numberReady") or 0
    if ready != wanted:
        yield Finding(
            severity=FAIL,
            cause="manager-pods-missing",
            message=f"longhorn-manager is ready on {ready} nodes, not on exactly {wanted}, the managed nodes that are no "
            "witnesses",
            hint="Compare its pods with the nodes, their taints and the label harvesterhci.io/managed",
            commands=(
                kubectl("get pods -n longhorn-system -l app=longhorn-manager -o wide"),
                kubectl("get nodes -L harvesterhci.io/managed"),
            ),
            resource=ref_of(found),
            evidence={"numberReady": ready, "wanted": wanted},
            consequence=COUNTS,
        )
