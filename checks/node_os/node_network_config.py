"""The upgrade to 1.7 writes the nodes' network anew from the installer's files; what is missing there stops it.

Rule: check.sh check_network_config (running 1.6.x, not for release candidates; here for those too) and the script of
the target, which retries for ever: /oem/90_custom.yaml exists (only 99_custom.yaml: installed by 1.0), harvester.config
exists, holds no install.networks (the schema of 1.0) and one of managementinterface or management_interface, which from
target 1.7.1 on must name its interfaces (the installer that writes the network rejects it otherwise). Without
90_custom.yaml the script of the target goes on, but has nowhere to keep the new settings: check.sh alone fails.
Docs: ifcfg files that somebody added by CloudInit are ignored after the upgrade. Whether 90_custom.yaml itself was
edited by hand cannot be told from its text.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    lies_in,
    list_at,
    name_of,
    need,
    ref_of,
    text_at,
    value_at,
)

from ._files import (
    INSTALL_CONFIG,
    NODES,
    OEM_90,
    OEM_99,
    each_given,
    file_of,
    has_oem,
    install_config,
    management_interface,
    node_only,
)
from ._network_faults import FIX, finding

COMMAND = "ls /oem; grep -nE '^install|networks|management_?interface' /oem/harvester.config"


@check(
    id="node-network-config",
    title="The network of every node can be written anew",
    category="node_os",
    needs=(
        NODES,
        need("nodes/files", f"files[{OEM_90}]", f"files[{OEM_99}]", f"files[{INSTALL_CONFIG}]", optional=True),
        need("cloudinits.node.harvesterhci.io", "spec.contents", values=("ifcfg-",), unserved_is_empty=True),
    ),
    from_versions=">=1.6.0 <1.7.0",
    to_versions=">=1.7.0",
    enforced_by=(Enforcer.CHECK_SH, Enforcer.SCRIPTS, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="1.7 configures the network by NetworkManager and generates it from these files; without them the job of the "
    "node retries for ever.",
    how="The node was first installed by an old release, or somebody moved or edited the files.",
    fix="Bring the files under /oem into the form that 1.1 and later installers write.",
    causes={
        **FIX,
        "cloudinit-ifcfg": "A CloudInit resource writes ifcfg files, which 1.7 ignores: configure it in the new way.",
    },
)
def node_network_config(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose network cannot be generated, and for ifcfg files in CloudInit."""
    if not view.missing("cloudinits.node.harvesterhci.io"):
        yield from view.each("cloudinits.node.harvesterhci.io", _judge_cloudinit)
    named = lies_in(view.upgrade.to_version, ">=1.7.1") is not False
    yield from each_given(view, COMMAND, lambda node, given: _judge_node(node, given, named))


def _judge_cloudinit(cloudinit: JsonObject) -> Iterator[Outcome]:
    if "ifcfg-" in text_at(cloudinit, "spec.contents"):
        yield Finding(
            severity=WARN,
            cause="cloudinit-ifcfg",
            message=f"CloudInit {name_of(cloudinit)} writes ifcfg files, which have no effect from 1.7.0 on",
            hint="Move what it configures to NetworkManager or to a cluster network",
            commands=(kubectl("get cloudinits.node.harvesterhci.io {} -o yaml", name_of(cloudinit)),),
            resource=ref_of(cloudinit),
            enforced_by=(Enforcer.DOCS,),
            consequence=degrades(
                Phase.NODE_UPGRADE, "What these files configure is gone after the upgrade of the node"
            ),
        )


def _judge_node(node: JsonObject, given: JsonObject, named: bool) -> Iterator[Outcome]:
    """`named`: the target wants the management interface to name its interfaces."""
    name = name_of(node)
    if not has_oem(given):
        yield node_only(name, COMMAND)
        return
    if file_of(given, OEM_90) is None:
        yield finding(node, "oem-file-missing" if file_of(given, OEM_99) is None else "oem-file-old-name")
    config = install_config(given)
    if config is None:
        yield finding(node, "install-config-missing")
        return
    if value_at(config, "install.networks"):
        yield finding(node, "install-networks-schema")
    elif (interface := management_interface(config)) is None:
        yield finding(node, "management-interface-missing")
    elif named and not list_at(interface, "interfaces"):
        yield finding(node, "management-interface-empty")
