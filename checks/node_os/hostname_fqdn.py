"""A node whose configured host name is not its node name: 1.7 and later scripts write an override by themselves.

Rule: upgrade_node.sh of 1.7.0 and later; os.hostname in harvester.config against the name of the Node. To be known,
not to be cured.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    INFO,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    check,
    harmless,
    name_of,
    need,
    on_node,
    ref_of,
    text_at,
)

from ._files import INSTALL_CONFIG, NODES, each_given, file_of, install_config, node_only

HOSTNAME = "configs/etc/hostname"
COMMAND = "grep hostname /oem/harvester.config; cat /etc/hostname"


@check(
    id="hostname-fqdn",
    title="Every node is called as its operating system is",
    category="node_os",
    needs=(NODES, need("nodes/files", f"files[{INSTALL_CONFIG}]", f"files[{HOSTNAME}]", optional=True)),
    from_versions="<1.7.0",
    to_versions=">=1.7.0",
    worst=INFO,
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="The new network service may set another host name; the upgrade guards against it with an override file.",
    how="The host was installed with a full domain name, or renamed afterwards.",
    fix="Nothing to do: the script keeps the node's name.",
    causes={"hostname-differs": "The configured host name is not the node's name; the upgrade writes an override."},
    consequence=harmless("The script of the target keeps the node's name by an override file"),
)
def hostname_fqdn(view: View) -> Iterator[Outcome]:
    """Yield a note for every node whose host name is not its node name."""
    yield from each_given(view, COMMAND, _judge)


def _judge(node: JsonObject, given: JsonObject) -> Iterator[Outcome]:
    config, name = install_config(given), name_of(node)
    configured = text_at(config, "os.hostname") if config else ""
    configured = configured or (file_of(given, HOSTNAME) or "").strip()
    if not configured:
        yield node_only(name, COMMAND)
    elif configured != name:
        yield Finding(
            severity=INFO,
            cause="hostname-differs",
            message=f"Node {name} is called {configured} by its operating system; the upgrade writes an override",
            hint="Nothing to do before the upgrade",
            commands=(on_node("hostnamectl status"),),
            resource=ref_of(node),
            evidence={"hostname": configured},
        )
