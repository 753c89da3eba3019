"""Network scripts stored as one escaped line are cut off by the upgrade to 1.6: the node stays in Waiting Reboot.

Rule: docs 1.5 to 1.6: nodes first installed by 1.2.1 or older whose management VLAN is unset or 1, with the scripts
setup_bond.sh and setup_bridge.sh in /oem/90_custom.yaml written as double-quoted, escaped strings.
Edges: a support bundle's file was rewritten by yq, which keeps the style of strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    integer_at,
    name_of,
    need,
    on_node,
    ref_of,
)

from ._files import INSTALL_CONFIG, NODES, OEM_90, each_given, file_of, install_config, management_interface, node_only

COMMAND = "grep -nE -A2 'setup_(bond|bridge).sh' /oem/90_custom.yaml"
_ENTRY = re.compile(r"^(?P<dash>\s*)- ", re.MULTILINE)
_SCRIPT = re.compile(r"path:\s*[\"']?/etc/wicked/scripts/(setup_(?:bond|bridge)\.sh)")
_ESCAPED = re.compile(r"^\s*(?:- )?content:\s*\"", re.MULTILINE)


@check(
    id="oem-yaml-v2-scripts",
    title="The network scripts of every node survive the upgrade's edits",
    category="node_os",
    needs=(NODES, need("nodes/files", f"files[{OEM_90}]", f"files[{INSTALL_CONFIG}]", optional=True)),
    from_versions=">=1.5.0 <1.6.0",
    to_versions=">=1.6.0 <1.7.0",
    enforced_by=(Enforcer.DOCS, Enforcer.SCRIPTS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-5-x-to-v1-6-x",
    why="sed cuts an escaped string off, which leaves the node in Waiting Reboot.",
    how="Installers up to 1.2.1 stored the scripts as one double-quoted line.",
    fix="Rewrite the two entries in /oem/90_custom.yaml as block text (`content: |`) before the upgrade.",
    links=("https://github.com/harvester/harvester/issues/9033",),
    causes={"script-as-escaped-string": "A network script is one escaped line: rewrite it as block text."},
    consequence=hangs(Phase.NODE_UPGRADE, "sed cuts the script off and the node never gets past Waiting Reboot"),
)
def oem_yaml_v2_scripts(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose network scripts are stored as escaped strings."""
    yield from each_given(view, COMMAND, _judge)


def _judge(node: JsonObject, given: JsonObject) -> Iterator[Outcome]:
    text, config = file_of(given, OEM_90), install_config(given)
    if text is None:
        yield node_only(name_of(node), COMMAND)
        return
    interface = management_interface(config) if config else None
    vlan = integer_at(interface, "vlan_id") if interface else None
    escaped = escaped_scripts(text)
    if escaped and (vlan or 1) <= 1:
        yield Finding(
            severity=FAIL,
            cause="script-as-escaped-string",
            message=f"Node {name_of(node)} stores {' and '.join(escaped)} as an escaped string in /oem/90_custom.yaml",
            hint=f"On node {name_of(node)} rewrite the entries as block text (content: |)",
            commands=(on_node(COMMAND),),
            resource=ref_of(node),
            evidence={"scripts": escaped, "vlanId": vlan},
        )


def escaped_scripts(text: str) -> list[str]:
    """Name the scripts whose list entry has a double-quoted content, whatever the order of its keys."""
    starts = [match.start() for match in _ENTRY.finditer(text)] or [0]
    found = set()
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        entry = text[begin:end]
        script = _SCRIPT.search(entry)
        if script and _ESCAPED.search(entry):
            found.add(script.group(1))
    return sorted(found)
