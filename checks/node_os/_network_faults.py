"""What can be wrong with the files a node's network is generated from, in words, and what it does to the upgrade."""

from __future__ import annotations

from preflight.api import FAIL, Certainty, Enforcer, Finding, JsonObject, Phase, hangs, name_of, on_node, ref_of

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


def finding(node: JsonObject, cause: str) -> Finding:
    """Report one of these faults of a node."""
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
