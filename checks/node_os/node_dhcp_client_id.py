"""A node that gets its address by DHCP may get another one when 1.7.0 changes the DHCP client.

Rule: docs, target 1.7.0 only (1.7.1 and later keep the client id): management interface with method dhcp. Harmless
where the DHCP server pins the address to the MAC.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
)

from ._files import INSTALL_CONFIG, NODES, each_given, install_config, management_interface, node_only

COMMAND = "grep -A15 -E 'management_?interface' /oem/harvester.config"


@check(
    id="node-dhcp-client-id",
    title="No node can lose its address with a new DHCP client",
    category="node_os",
    needs=(NODES, need("nodes/files", f"files[{INSTALL_CONFIG}]", optional=True)),
    from_versions="<1.7.0",
    to_versions="=1.7.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="A node that comes back with another address is a stranger to etcd and to the cluster.",
    how="The new DHCP client sends another client id, which most DHCP servers key their leases on.",
    fix="Pin the addresses by MAC on the DHCP server, or choose 1.7.1 or later.",
    links=("https://github.com/harvester/harvester/issues/9260",),
    causes={"address-by-dhcp": "The management interface uses DHCP: pin its address by MAC or go to 1.7.1 or later."},
    consequence=hangs(
        Phase.NODE_UPGRADE,
        "A node that comes back with another address may not be let in again, and the upgrade waits for it",
        Certainty.POSSIBLE,
    ),
)
def node_dhcp_client_id(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node whose management interface uses DHCP."""
    yield from each_given(view, COMMAND, _judge)


def _judge(node: JsonObject, given: JsonObject) -> Iterator[Outcome]:
    config = install_config(given)
    interface = management_interface(config) if config else None
    if interface is None:
        yield node_only(name_of(node), COMMAND)
    elif text_at(interface, "method") == "dhcp":
        yield Finding(
            severity=WARN,
            cause="address-by-dhcp",
            message=f"Node {name_of(node)} gets its address by DHCP and 1.7.0 sends another client id: the address may "
            "change",
            hint="Make sure the DHCP server pins the address to the MAC, or choose 1.7.1 or later as the target",
            commands=(kubectl("get node {} -o wide", name_of(node)),),
            resource=ref_of(node),
            evidence={"method": "dhcp"},
        )
