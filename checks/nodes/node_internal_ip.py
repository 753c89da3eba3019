"""The webhook asks every kubelet how full its node is; it finds the kubelet by an annotation and a port.

Rule: validator.go checkDiskSpace (v1.4.0 to v1.9.0-rc6): annotation rke2.io/internal-ip and
status.daemonEndpoints.kubeletEndpoint.Port make the address; without the annotation, or when the kubelet does not
answer within 20 s, creation fails with 500. check.sh asks through the API server and never notices.
Edges: not looked at when the disk check is skipped by its annotation (Version object on 1.5.0, Upgrade from 1.5.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    annotations_of,
    check,
    integer_at,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

ANNOTATION = "rke2.io/internal-ip"
PORT = "status.daemonEndpoints.kubeletEndpoint.Port"


@check(
    id="node-internal-ip",
    title="Every node says where its kubelet is",
    category="nodes",
    needs=(need("nodes", f"metadata.annotations[{ANNOTATION}]", PORT),),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server asks each kubelet for its disk usage at that address; without it the Upgrade is refused (500).",
    how="The annotation was removed, or the node was not joined by rke2 in the usual way.",
    fix="Restart rke2-server or rke2-agent on the node, which sets the annotation again.",
    causes={
        "internal-ip-missing": "The annotation rke2.io/internal-ip is absent or empty: restart rke2 on the node.",
        "kubelet-port-missing": "The node reports no kubelet port: the kubelet has not registered completely.",
    },
    waived_by="harvesterhci.io/skipGarbageCollectionThresholdCheck",
)
def node_internal_ip(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose kubelet the webhook could not address."""
    if not view.objects("nodes"):
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
    yield from view.each("nodes", _judge)


def _judge(node: JsonObject) -> Iterator[Outcome]:
    name, address = name_of(node), text_at(annotations_of(node), f"[{ANNOTATION}]")
    problems = []
    if not address:
        problems.append(("internal-ip-missing", f"has no annotation {ANNOTATION}"))
    if not integer_at(node, PORT):
        problems.append(("kubelet-port-missing", "reports no kubelet port"))
    for cause, text in problems:
        yield Finding(
            severity=FAIL,
            cause=cause,
            message=f"Node {name} {text}, so the server cannot ask its kubelet for the disk usage",
            hint="Restart rke2 on the node (systemctl restart rke2-server, or rke2-agent), then look again\n"
            f"kubectl get node {name} -o yaml",
            resource=ref_of(node),
            evidence={"internalIP": address or None, "kubeletPort": integer_at(node, PORT)},
            enforced_by=(Enforcer.WEBHOOK,),
        )
