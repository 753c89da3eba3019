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
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    hangs,
    kubectl,
    lies_in,
    list_at,
    name_of,
    need,
    on_node,
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

COMMAND = "ls /oem; grep -nE '^install|networks|management_?interface' /oem/harvester.config"
FIX = {
    "oem-file-old-name": "Rename /oem/99_custom.yaml to /oem/90_custom.yaml on the node",
    "oem-file-missing": "Restore /oem/90_custom.yaml on the node from a node of the same kind or a backup",
    "install-config-missing": "Restore /oem/harvester.config on the node from the installation's configuration",
    "install-networks-schema": "Rewrite install.networks in /oem/harvester.config as install.management_interface",
    "management-interface-missing": "Add install.management_interface to /oem/harvester.config on the node",
    "management-interface-empty": "Name the interfaces of install.management_interface in /oem/harvester.config on the node",
}

ENFORCERS = {
    "oem-file-old-name": (Enforcer.CHECK_SH,),
    "oem-file-missing": (Enforcer.CHECK_SH,),
    "management-interface-empty": (Enforcer.SCRIPTS,),
}

PROBLEM = {
    "oem-file-old-name": "/oem has 99_custom.yaml instead of 90_custom.yaml",
    "oem-file-missing": "/oem/90_custom.yaml does not exist",
    "install-config-missing": "/oem/harvester.config does not exist",
    "install-networks-schema": "/oem/harvester.config holds install.networks, the schema of 1.0",
    "management-interface-missing": "/oem/harvester.config names no management interface",
    "management-interface-empty": "/oem/harvester.config has a management interface without interfaces",
}
NEVER_DONE = hangs(
    Phase.NODE_UPGRADE, "1.7 cannot generate the node's network, and the job of the node retries for ever"
)
NOWHERE = hangs(
    Phase.NODE_UPGRADE,
    "The new network settings have no file to be kept in, so the node is expected to come back without its network; "
    "check.sh stops for it, and it was not tried",
    Certainty.LIKELY,
)


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
        yield _finding(node, "oem-file-missing" if file_of(given, OEM_99) is None else "oem-file-old-name")
    config = install_config(given)
    if config is None:
        yield _finding(node, "install-config-missing")
        return
    if value_at(config, "install.networks"):
        yield _finding(node, "install-networks-schema")
    elif (interface := management_interface(config)) is None:
        yield _finding(node, "management-interface-missing")
    elif named and not list_at(interface, "interfaces"):
        yield _finding(node, "management-interface-empty")


def _finding(node: JsonObject, cause: str) -> Finding:
    kept = cause.startswith("oem")
    return Finding(
        severity=FAIL,
        cause=cause,
        message=f"Node {name_of(node)}: {PROBLEM[cause]}",
        hint=FIX[cause],
        commands=(on_node("ls -l /oem"),),
        resource=ref_of(node),
        evidence={"file": "/oem/90_custom.yaml" if kept else "/oem/harvester.config"},
        enforced_by=ENFORCERS.get(cause, (Enforcer.CHECK_SH, Enforcer.SCRIPTS)),
        consequence=NOWHERE if kept else NEVER_DONE,
    )
