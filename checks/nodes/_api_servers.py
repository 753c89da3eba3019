"""The API servers whose certificates were read, and the nodes of the control plane that have one."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    Code,
    JsonObject,
    Outcome,
    View,
    labels_of,
    maps_at,
    name_of,
    text_at,
    unknown,
)

CERTIFICATES = "endpoints/apiserver-certificates"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def control_plane_addresses(view: View) -> dict[str, set[str]]:
    """Return the addresses of every node that runs an API server, by name; empty when nodes were not read."""
    return {
        name_of(node): {
            text_at(address, "address")
            for address in maps_at(node, "status.addresses")
            if text_at(address, "type") == "InternalIP"
        }
        for node in view.read("nodes")
        if labels_of(node).get(CONTROL_PLANE) == "true"
    }


def not_seen(view: View, nodes: dict[str, set[str]]) -> Iterator[Outcome]:
    """Yield an unknown for every node of the control plane of whose API server no certificate was read."""
    hosts = {host_of(server) for server in view.objects(CERTIFICATES)}
    if not hosts or len(hosts) + len(view.gaps(CERTIFICATES)) >= len(nodes):
        return
    for name, addresses in sorted(nodes.items()):
        if not addresses & hosts:
            yield unknown(Code.INCOMPLETE, f"no certificate of the API server on node {name} was read", node=name)


def host_of(server: JsonObject) -> str:
    """Return the address of an API server without its port and brackets."""
    return name_of(server).rpartition(":")[0].strip("[]")
