"""What the checks of virtual machines share: when the server skips them, and how a machine is named and stopped."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import (
    Code,
    Command,
    JsonObject,
    Unknown,
    Unreadable,
    View,
    effective_value,
    kubectl,
    labels_of,
    lies_in,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    on_cluster,
    parse_json,
    text_at,
    unknown,
)

WITNESS_LABEL = "node-role.harvesterhci.io/witness"
REPO_VM = "upgrade-repo-hvst-upgrade-"
NODE_LABEL = "kubevirt.io/nodeName"
FINAL = ("Succeeded", "Failed")
SETTINGS = "settings.harvesterhci.io"


def has_witness_label(node: JsonObject) -> bool:
    """Say whether a node is a witness as the webhook sees it (v1.6.0 and later): by the key, whatever its value."""
    return WITNESS_LABEL in labels_of(node)


def count_data_nodes(nodes: Sequence[JsonObject]) -> int:
    """Count the nodes without the witness label key."""
    return sum(not has_witness_label(node) for node in nodes)


def all_stopped(view: View) -> bool:
    """Say whether the upgrade stops every machine anyway, so that none has to migrate.

    Rule: the single-node job, for one Node object; targets from 1.6.0 on do not count witnesses.
    """
    nodes = view.some("nodes")
    if lies_in(view.upgrade.to_version, ">=1.6.0"):
        return count_data_nodes(nodes) == 1
    return len(nodes) == 1


ALL_STOPPED = "the cluster has one node for machines: every machine is stopped, none has to migrate"


def skip_reason(view: View) -> tuple[str, list[Unknown]]:
    """Say why the server skips its rules about running machines, empty when it applies them.

    Rule: validator.go. Before v1.6.0: exactly one Node object, witness counted, restoreVM ignored. v1.6.0 and later:
    exactly one node without the witness label key, or restoreVM in setting upgrade-config (value, else default).
    """
    nodes = view.objects("nodes")
    if not nodes:
        return "", [unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")]
    if len(nodes) == 1:
        return "the cluster has one node: every machine is stopped, and the server does not look", []
    if lies_in(view.upgrade.from_version, ">=1.6.0") is not True:
        return "", []
    if count_data_nodes(nodes) == 1:
        return "the cluster has one node besides witnesses: every machine is stopped", []
    try:
        restored = restore_vm(view)
    except Unreadable as error:
        return "", [unknown(Code.UNPARSABLE, f"{error}")]
    missing = view.missing(SETTINGS)
    if restored is None and missing:
        return "", [Unknown(missing.noting("setting upgrade-config says whether machines are restored"))]
    return "upgrade-config sets restoreVM: machines that cannot migrate are stopped and started again" * bool(
        restored
    ), []


def restore_vm(view: View) -> bool | None:
    """Return restoreVM of setting upgrade-config, None when settings were not read. Raises Unreadable for bad JSON."""
    if view.missing(SETTINGS):
        return None
    setting = view.find(SETTINGS, "upgrade-config")
    text = effective_value(setting) if setting else ""
    config = parse_json(text, "setting upgrade-config") if text else {}
    return isinstance(config, dict) and config.get("restoreVM") is True


def full_name(obj: JsonObject) -> str:
    """Name an object with its namespace."""
    return f"{namespace_of(obj)}/{name_of(obj)}"


def has_machine(vmi: JsonObject) -> bool:
    """Say whether an instance belongs to a VirtualMachine: only then can anybody stop it."""
    return any(owner.get("kind") == "VirtualMachine" for owner in maps_at(vmi, "metadata.ownerReferences"))


def stop(obj: JsonObject) -> tuple[Command, ...]:
    """Give the commands that stop a machine; an instance that belongs to none can only be deleted."""
    if obj.get("kind") == "VirtualMachineInstance" and not has_machine(obj):
        return delete(obj)
    return (on_cluster("virtctl stop {} -n {}", name_of(obj), namespace_of(obj)),)


def delete(vmi: JsonObject) -> tuple[Command, ...]:
    """Give the commands that delete an instance that belongs to no machine: nothing else holds its definition."""
    names = ("virtualmachineinstances.kubevirt.io", name_of(vmi), namespace_of(vmi))
    return (
        kubectl("get {} {} -n {} -o yaml > instance.yaml", *names, why="it is defined nowhere else: keep it"),
        kubectl("delete {} {} -n {}", *names, why="it belongs to no VirtualMachine that could be stopped"),
    )


def home_of(vmi: JsonObject) -> str:
    """Name the node a machine stands on, empty before it has one.

    Rule: the scripts count by the label, which KubeVirt writes when it hands the machine to the node's handler; it is
    the same node as status.nodeName.
    """
    return text_at(labels_of(vmi), f"[{NODE_LABEL}]") or text_at(vmi, "status.nodeName")


def touching(node: str) -> dict[str, tuple[str, ...]]:
    """Say what a finding about a machine touches: the node it stands on, where it has one."""
    return {"node": (node,)} if node else {}


def is_final(obj: JsonObject) -> bool:
    """Say whether a machine or migration has come to its end."""
    return text_at(obj, "status.phase") in FINAL


def host_devices(vmi: JsonObject) -> object:
    """Return spec.domain.devices.hostDevices as it stands, None when it is not there."""
    return mapping_at(vmi, "spec.domain.devices").get("hostDevices")
