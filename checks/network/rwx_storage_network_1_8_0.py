"""Share volumes on the storage network hang the last node of an upgrade to 1.8.0.

Rule: docs 1.7 to 1.8; the docs say 1.8.x, the fix is in 1.8.1: target 1.8.0 only. Longhorn's setting
storage-network-for-rwx-volume-enabled is "true" and setting storage-network is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    Outcome,
    View,
    check,
    effective_value,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._ranges import SETTINGS, setting_map

LONGHORN = "settings.longhorn.io"
NAME = "storage-network-for-rwx-volume-enabled"


@check(
    id="rwx-storage-network-1-8-0",
    title="Share volumes do not use the storage network on the way to 1.8.0",
    category="network",
    needs=(need(SETTINGS, "value", "default"), need(LONGHORN, "value", "default")),
    to_versions="=1.8.0",
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-8-x",
    why="The last node never gets past Post-draining.",
    how="Share volumes were put on the storage network in Longhorn's settings.",
    fix="Choose 1.8.1 or later as the target, or set Longhorn's setting to false first.",
    links=("https://github.com/harvester/harvester/issues/10532",),
    causes={"rwx-on-storage-network": "Both are set: take 1.8.1 or later, or switch Longhorn's setting off."},
)
def rwx_storage_network_1_8_0(view: View) -> Iterator[Outcome]:
    """Yield a finding when share volumes use the storage network."""
    setting = view.find(LONGHORN, NAME, "longhorn-system")
    network = setting_map(view, "storage-network")
    if setting is None or network is None:
        missing = f"Longhorn's setting {NAME}" if setting is None else "setting storage-network"
        yield unknown(Code.ERROR, f"there is no {missing}")
        return
    if effective_value(setting) == "true" and network:
        yield Finding(
            severity=FAIL,
            cause="rwx-on-storage-network",
            message=f"Share volumes use the storage network {text_at(network, 'range')}: the last node of an upgrade "
            "to 1.8.0 hangs in Post-draining",
            hint="Take 1.8.1 or later as the target, or switch it off first\n"
            f'kubectl patch settings.longhorn.io {NAME} -n longhorn-system --type merge -p \'{{"value":"false"}}\'',
            resource=ref_of(setting),
            evidence={"value": "true", "range": text_at(network, "range")},
            enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS),
        )
