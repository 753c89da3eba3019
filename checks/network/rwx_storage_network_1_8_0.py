"""Share volumes on the storage network: 1.8.0 loses the setting, and some settings that Longhorn has not taken over.

Rule, target 1.8.0 from 1.7.x: Harvester's storage_network.go isLHRWXShareStorageNetwork took a setting that is not there
yet for one that is off (1.8.0 only, harvester#10532; the docs say 1.8.x): with Longhorn's
storage-network-for-rwx-volume-enabled true and its storage-network set, the last node stays in Post-draining.
Rule, running 1.8.x: the trace that leaves: setting rwx-network is marked as initialized and stands at nothing, Longhorn's
endpoint-network-for-rwx-volume is empty, and the two old settings are as above.
Rule, running 1.7.0 and later, whose upgrade repository is a share volume: status.applied false on one of these settings
says that Longhorn wants another network while volumes are still attached. Share managers follow the new value at once,
longhorn-csi-plugin does not, and new share volumes are not mounted (inferred, longhorn-manager 1.10 to 1.12). Other
settings stay unapplied for weeks after an upgrade, which is normal: they are not looked at.
Longhorn reads the boolean by Go's ParseBool.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotCollected,
    Outcome,
    Phase,
    Reason,
    View,
    annotations_of,
    check,
    degrades,
    effective_value,
    hangs,
    kubectl,
    lies_in,
    need,
    ref_of,
    text_at,
)

from .._settings import LONGHORN_SETTINGS, go_boolean, longhorn_boolean, longhorn_setting
from ._applied import CNI, DAEMONSETS, not_applied
from ._ranges import SETTINGS, setting_map

SHARED, ENDPOINT, NETWORK = (
    "storage-network-for-rwx-volume-enabled",
    "endpoint-network-for-rwx-volume",
    "storage-network",
)
INITIALIZED = "rwx-network.settings.harvesterhci.io/initialized"


@check(
    id="rwx-storage-network-1-8-0",
    title="Share volumes are on the network that the settings name",
    category="network",
    needs=(
        need(
            SETTINGS,
            "value",
            "default",
            f"metadata.annotations[{INITIALIZED}]",
            values=("storage-network", "rwx-network"),
        ),
        need(LONGHORN_SETTINGS, "value", "default", "status.applied", "metadata.managedFields.time"),
        need(DAEMONSETS, f"spec.template.metadata.annotations[{CNI}]", optional=True, namespaces=("longhorn-system",)),
    ),
    from_versions=">=1.7.0",
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-8-x",
    why="The upgrade's repository is a share volume; where it cannot be mounted, the nodes get nothing to upgrade from.",
    how="Share volumes were put on the storage network, by Longhorn's setting or by rwx-network, while volumes were in use.",
    fix="Choose 1.8.1 or later as the target. Let Longhorn take the setting over: detach the share volumes it waits for.",
    links=("https://github.com/harvester/harvester/issues/10532",),
    causes={
        "rwx-on-storage-network": "Both are set on the way to 1.8.0: take 1.8.1 or later, or switch Longhorn's setting off.",
        "rwx-network-lost": "The upgrade to 1.8.0 emptied Longhorn's endpoint network: set rwx-network to share again.",
        "network-not-applied": "Longhorn has not taken the network over: detach the share volumes until it has.",
    },
)
def rwx_storage_network_1_8_0(view: View) -> Iterator[Outcome]:
    """Yield a finding when share volumes lose their network, have lost it, or wait for it."""
    running = view.upgrade.from_version
    if lies_in(view.upgrade.to_version, "=1.8.0") is not False and lies_in(running, "<1.8.0") is not False:
        yield from _on_the_way(view)
    if lies_in(running, ">=1.8.0 <1.9.0"):
        yield from _lost(view)
    names = (NETWORK, SHARED) if lies_in(running, "<1.8.0") else (NETWORK, ENDPOINT)
    yield from view.each(LONGHORN_SETTINGS, lambda setting: not_applied(view, setting, names))


def _on_the_way(view: View) -> Iterator[Outcome]:
    network = _network(view)
    setting, _ = longhorn_setting(view, SHARED)
    if longhorn_boolean(view, SHARED) and network:
        yield Finding(
            severity=FAIL,
            cause="rwx-on-storage-network",
            message=f"Share volumes use the storage network {network}, which the upgrade to 1.8.0 loses",
            hint="Take 1.8.1 or later as the target, or switch it off first",
            commands=(
                kubectl(
                    "patch {} {} -n longhorn-system --type merge -p {}", LONGHORN_SETTINGS, SHARED, '{"value":"false"}'
                ),
            ),
            resource=ref_of(setting),
            evidence={"value": "true", "range": network},
            enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS),
            consequence=hangs(Phase.NODE_UPGRADE, "The last node of an upgrade to 1.8.0 never gets past Post-draining"),
        )


def _network(view: View) -> str:
    """Say which storage network is set: Longhorn's word, or that of Harvester's setting; empty when there is none.

    Raises NotCollected when there is neither setting.
    """
    setting = view.find(LONGHORN_SETTINGS, NETWORK, "longhorn-system")
    if setting is not None and effective_value(setting):
        return effective_value(setting)
    ours = setting_map(view, NETWORK)
    if ours is None and setting is None:
        raise NotCollected(Reason(Code.ERROR, f"there is no setting {NETWORK}"))
    return (text_at(ours, "range") or "(without a range)") if ours else ""


def _lost(view: View) -> Iterator[Outcome]:
    ours = view.find(SETTINGS, "rwx-network")
    found = {name: view.find(LONGHORN_SETTINGS, name, "longhorn-system") for name in (SHARED, ENDPOINT, NETWORK)}
    values = {name: effective_value(setting) if setting else "" for name, setting in found.items()}
    if ours is None or found[ENDPOINT] is None or values[ENDPOINT] or not values[NETWORK]:
        return
    if go_boolean(values[SHARED]) and _is_initialized(ours) and not text_at(ours, "value"):
        yield Finding(
            severity=WARN,
            cause="rwx-network-lost",
            message=f"Share volumes were on the storage network {values[NETWORK]}, and setting rwx-network is empty",
            hint="Set rwx-network to share the storage network again, with the share volumes detached",
            commands=(kubectl("edit settings.harvesterhci.io rwx-network"),),
            resource=ref_of(ours),
            evidence={SHARED: values[SHARED], ENDPOINT: "", NETWORK: values[NETWORK]},
            enforced_by=(Enforcer.NONE,),
            consequence=degrades(
                Phase.NODE_DRAIN, "Share volumes that move to another node may not be mounted there", Certainty.POSSIBLE
            ),
        )


def _is_initialized(setting: JsonObject) -> bool:
    return text_at(annotations_of(setting), f"[{INITIALIZED}]") == "true"
