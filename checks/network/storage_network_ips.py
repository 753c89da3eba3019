"""Without free addresses on the storage network the new Longhorn pods never start.

Rule: check.sh check_storage_network_ip_availability: one address more per instance manager and backing image manager,
and one for the repository of the upgrade when share volumes use the network too (they do in the repository from running
1.7.0 on; on older versions only check.sh wants it). Share volumes: setting rwx-network (1.8.0 and later) where it has a
value, else Longhorn's setting (read by ParseBool; where it is missing before 1.8.0, nobody can tell). They use the network
but there is none: fails; no pool for the range: fails; a value without a range is a network too, and fails.
Edges: stopped or old instance managers are counted, so the need is rather too high than too low.
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
    NotApplicable,
    Outcome,
    Phase,
    ResourceRef,
    Unknown,
    View,
    boolean_at,
    check,
    hangs,
    harmless,
    kubectl,
    lies_in,
    need,
    text_at,
    texts_at,
    unknown,
)

from .._settings import longhorn_boolean
from ._ranges import POOLS, SETTINGS, allocated, pool_name, setting_map, usable

LONGHORN, MANAGERS, IMAGES = "settings.longhorn.io", "instancemanagers.longhorn.io", "backingimagemanagers.longhorn.io"
RWX_SETTING = "storage-network-for-rwx-volume-enabled"
RESOURCE = ResourceRef("harvesterhci.io/v1beta1", "Setting", "", "storage-network")
STOPPERS = (Enforcer.SCRIPTS, Enforcer.CHECK_SH)
STUCK = hangs(
    Phase.SYSTEM_SERVICES,
    "New Longhorn pods without an address never start; counted as check.sh does, which takes stopped ones for running",
    Certainty.LIKELY,
)


@check(
    id="storage-network-ips",
    title="The storage network has addresses for the new Longhorn pods",
    category="network",
    needs=(
        need(
            SETTINGS,
            "value",
            "default",
            values=(
                "storage-network",
                "rwx-network",
            ),
        ),
        need(LONGHORN, "value", "default", optional=True),
        need(MANAGERS),
        need(IMAGES),
        need(POOLS, "spec.allocations", unserved_is_empty=True),
    ),
    enforced_by=STOPPERS,
    docs="https://docs.harvesterhci.io/v1.8/advanced/storagenetwork",
    why="Old and new Longhorn pods run side by side during the upgrade, and each has an address of its own.",
    how="The range is small, or much of it is excluded.",
    fix="Widen the range of setting storage-network (all machines must be stopped for it), or free addresses.",
    causes={
        "too-few-addresses": "The range has fewer free addresses than the upgrade takes: widen it.",
        "pool-missing": "The range has no whereabouts pool: look at the range and at the pods of Longhorn.",
        "range-missing": "Setting storage-network has a value without a range: no address can be handed out. Set it.",
        "no-network-to-share": "Share volumes are to use the storage network and there is none: set it or unset that.",
    },
)
def storage_network_ips(view: View) -> Iterator[Outcome]:
    """Yield a finding when the storage network is short of addresses."""
    network = setting_map(view, "storage-network")
    if network is None:
        yield unknown(Code.ERROR, "there is no setting storage-network")
        return
    shared = _shared(view)
    if isinstance(shared, Unknown):
        yield shared
        shared = False
    span = text_at(network, "range")
    if network and not span:
        yield _finding("range-missing", "Setting storage-network has a value, and that names no range", {})
        return
    if not span:
        if shared:
            yield _finding("no-network-to-share", "Share volumes are to use the storage network, and none is set", {})
        else:
            yield NotApplicable("no storage network is set")
        return
    managers = len(view.objects(MANAGERS)) + len(view.objects(IMAGES))
    used = allocated(view, span)
    if used is None:
        yield _finding("pool-missing", f"The storage network {span} has no address pool {pool_name(span)}", {})
        return
    room = usable(span, texts_at(network, "exclude"))
    wanted = managers + bool(shared)
    if room - used >= wanted:
        return
    spared = lies_in(view.upgrade.from_version, "<1.7.0") and room - used >= managers
    yield _finding(
        "too-few-addresses",
        f"The storage network {span} has {room - used} free addresses ({room} usable, {used} in use); the upgrade "
        f"takes {wanted}" + (" by the count of check.sh" if spared else ""),
        {"free": room - used, "usable": room, "used": used, "wanted": wanted},
        advisory=bool(spared),
    )


def _shared(view: View) -> bool | Unknown:
    network = setting_map(view, "rwx-network")
    if network:
        return bool(boolean_at(network, "share-storage-network"))
    if missing := view.missing(LONGHORN):
        return Unknown(missing.noting("whether share volumes use the storage network"))
    if lies_in(view.upgrade.from_version, ">=1.8.0") and view.find(LONGHORN, RWX_SETTING, "longhorn-system") is None:
        return False  # from 1.8.0 on setting rwx-network has the word, and Longhorn may drop its own
    return longhorn_boolean(view, RWX_SETTING)


def _finding(cause: str, problem: str, evidence: JsonObject, *, advisory: bool = False) -> Finding:
    return Finding(
        severity=WARN if advisory else FAIL,
        cause=cause,
        message=problem,
        hint="Widen the range or repair the setting; machines must be stopped for it",
        commands=(
            kubectl("get settings.harvesterhci.io storage-network -o yaml"),
            kubectl("get {} -n kube-system", POOLS),
        ),
        resource=RESOURCE,
        evidence=evidence,
        enforced_by=(Enforcer.CHECK_SH,) if advisory else None,
        consequence=harmless("On this version the repository of the upgrade takes no address") if advisory else STUCK,
    )
