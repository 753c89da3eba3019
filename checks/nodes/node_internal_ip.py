"""The webhook asks every kubelet how full its node is; it finds the kubelet by an annotation and a port.

Rule: validator.go checkDiskSpace (v1.4.0 to v1.9.0-rc6): annotation rke2.io/internal-ip and
status.daemonEndpoints.kubeletEndpoint.Port make the address, word for word: https://ADDRESS:PORT. Without the annotation,
with anything in it that such an address does not work with (a list, which RKE2 writes on dual stack, or an IPv6 address,
which gets no brackets), or when the kubelet does not answer within 20 s, creation fails with 500. check.sh asks through
the API server and never notices.
Edges: not looked at when the disk check is skipped by its annotation (Version object on 1.5.0; from 1.5.1 it stands on
the Upgrade, which does not exist yet).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    View,
    annotations_of,
    check,
    integer_at,
    judged,
    kubectl,
    lies_in,
    name_of,
    need,
    on_node,
    ref_of,
    refused,
    text_at,
)

from .._settings import go_boolean
from ._disk_findings import SKIP
from ._target_version import VERSIONS, version_annotation

ANNOTATION = "rke2.io/internal-ip"
PORT = "status.daemonEndpoints.kubeletEndpoint.Port"


@check(
    title="Every node says where its kubelet is",
    needs=(
        need("nodes", f"metadata.annotations[{ANNOTATION}]", PORT),
        need(VERSIONS, f"metadata.annotations[{SKIP}]", optional=True),
    ),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server asks each kubelet for its disk usage at that address; without it the Upgrade is refused (500).",
    how="The annotation was removed, the node was not joined by rke2 in the usual way, or it has several addresses.",
    fix="Restart rke2-server or rke2-agent on the node, which sets the annotation again; node-ip in the configuration of "
    "rke2 says which addresses it gets.",
    causes={
        "internal-ip-missing": "The annotation rke2.io/internal-ip is absent or empty: restart rke2 on the node.",
        "internal-ip-unusable": "The annotation holds something else than one IPv4 address, which the server cannot ask: "
        "give the node one, or skip the disk check by its annotation on the Upgrade (from 1.5.1).",
        "kubelet-port-missing": "The node reports no kubelet port: the kubelet has not registered completely.",
    },
    waived_by="harvesterhci.io/skipGarbageCollectionThresholdCheck",
    consequence=refused("The server answers 500 and does not create the Upgrade"),
)
def node_internal_ip(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose kubelet the webhook could not address."""
    if _skipped(view):
        yield NotApplicable(f"the Version object tells the server to skip it ({SKIP})")
        return
    yield from judged(view.some("nodes"), _judge)


def _skipped(view: View) -> bool:
    if lies_in(view.upgrade.from_version, "=1.5.0") is not True or view.missing(VERSIONS):
        return False
    text, _ = version_annotation(view, SKIP)
    return text is not None and go_boolean(text) is True


def _judge(node: JsonObject) -> Iterator[Outcome]:
    name, address, port = name_of(node), text_at(annotations_of(node), f"[{ANNOTATION}]"), integer_at(node, PORT)
    problems = []
    if not address:
        problems.append(("internal-ip-missing", f"has no annotation {ANNOTATION}"))
    elif not _is_ipv4(address):
        problems.append(("internal-ip-unusable", f"has {address!r} in annotation {ANNOTATION}, not one IPv4 address"))
    if not port:
        problems.append(("kubelet-port-missing", "reports no kubelet port"))
    for cause, text in problems:
        yield Finding(
            severity=FAIL,
            cause=cause,
            message=f"Node {name} {text}, so the server cannot ask its kubelet for the disk usage",
            hint="Give the node one IPv4 address (node-ip of rke2), or create the Upgrade with the annotation that skips "
            "the disk check"
            if cause == "internal-ip-unusable"
            else "Restart rke2 on the node (rke2-server, or rke2-agent), then look again",
            commands=(
                *((on_node("systemctl restart rke2-server"),) if cause != "internal-ip-unusable" else ()),
                kubectl("get node {} -o yaml", name),
            ),
            resource=ref_of(node),
            evidence={"internalIP": address or None, "kubeletPort": port},
        )


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True
