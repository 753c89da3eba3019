"""VLAN interfaces somebody added on the management bridge are gone after the upgrade to 1.6.

Rule: docs 1.5 to 1.6: files ifcfg-mgmt-br.VLAN (or mgmt-bo.VLAN), other than that of the management VLAN itself, in
the YAML files under /oem or in CloudInit resources. Target 1.6.1 besides: frames without a tag on access ports no
longer reach VM and storage interfaces, which nothing in the API shows.
"""

from __future__ import annotations

import re
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
    integer_at,
    kubectl,
    mapping_at,
    name_of,
    need,
    on_node,
    ref_of,
    text_at,
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

PATTERN = r"ifcfg-mgmt-(br|bo)\.[0-9]+"
COMMAND = f"grep -nE '{PATTERN}' /oem/*.yaml"
_VLAN = re.compile(r"ifcfg-mgmt-(?:br|bo)\.(\d+)")


@check(
    id="secondary-vlan",
    title="No VLAN was added to the management bridge by hand",
    category="node_os",
    needs=(
        NODES,
        need(
            "nodes/files",
            "files[configs/oem/*]",
            *(f"files[{path}]" for path in (OEM_90, OEM_99, INSTALL_CONFIG)),
            optional=True,
        ),
        need(
            "cloudinits.node.harvesterhci.io",
            "spec.contents",
            "spec.filename",
            values=("ifcfg-",),
            unserved_is_empty=True,
        ),
    ),
    from_versions="<1.6.0",
    to_versions=">=1.6.0 <1.7.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-5-x-to-v1-6-x",
    why="1.6 takes VLANs it does not know off the management bridge and bond, so what used them loses its network.",
    how="An administrator added an ifcfg file under /oem or by a CloudInit resource.",
    fix="Move the traffic to a cluster network, or prepare to add the VLANs again after the upgrade.",
    links=(
        "https://github.com/harvester/harvester/issues/7650",
        "https://github.com/harvester/harvester/issues/8816",
    ),
    causes={
        "vlan-in-oem": "A file under /oem defines an extra VLAN on the management bridge.",
        "vlan-in-cloudinit": "A CloudInit resource defines an extra VLAN on the management bridge.",
    },
    consequence=degrades(Phase.NODE_UPGRADE, "What uses these VLANs loses its network when the node is upgraded"),
)
def secondary_vlan(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node and CloudInit that defines an extra VLAN on the management network."""
    if not view.missing("cloudinits.node.harvesterhci.io"):
        yield from view.each("cloudinits.node.harvesterhci.io", _judge_cloudinit)
    yield from each_given(view, COMMAND, _judge_node)


def _judge_cloudinit(cloudinit: JsonObject) -> Iterator[Outcome]:
    vlans = _vlans(text_at(cloudinit, "spec.contents") + text_at(cloudinit, "spec.filename"))
    if vlans:
        yield _finding(cloudinit, "vlan-in-cloudinit", f"CloudInit {name_of(cloudinit)}", vlans)


def _judge_node(node: JsonObject, given: JsonObject) -> Iterator[Outcome]:
    if not has_oem(given):
        yield node_only(name_of(node), COMMAND)
        return
    config = install_config(given)
    interface = management_interface(config) if config else None
    own = integer_at(interface, "vlan_id") if interface else None
    files = [path for path in mapping_at(given, "files") if path.startswith("configs/oem/")]
    vlans = _vlans("".join(file_of(given, path) or "" for path in files if path.endswith((".yaml", ".yml"))))
    extra = [vlan for vlan in vlans if vlan != own]
    if extra:
        yield _finding(node, "vlan-in-oem", f"/oem on node {name_of(node)}", extra)


def _vlans(text: str) -> list[int]:
    return sorted({int(found) for found in _VLAN.findall(text)})


def _finding(obj: JsonObject, cause: str, where: str, vlans: list[int]) -> Finding:
    return Finding(
        severity=WARN,
        cause=cause,
        message=f"{where} defines VLAN {', '.join(map(str, vlans))} on the management network; 1.6 removes it",
        hint="Move what uses these VLANs to a cluster network before the upgrade",
        commands=(
            on_node("grep -nE {} /oem/90_custom.yaml /oem/99_custom.yaml", PATTERN)
            if cause == "vlan-in-oem"
            else kubectl("get cloudinits.node.harvesterhci.io {} -o yaml", name_of(obj)),
        ),
        resource=ref_of(obj),
        evidence={"vlans": vlans},
    )
