"""The upgrade stores its ISO image, and the repository made from it, on Longhorn: without room it fails late.

Rule: nobody's. Per copy the image itself and the repository's volume (10 GiB up to running 1.6; the size of the image
later) must find room on a disk, on as many nodes as the default storage class wants replicas. No disk with room: the
image never becomes ready. Fewer than wanted: a fragile repository, and a degraded volume the drain waits for.
Units: bytes. Room is what Longhorn's scheduler would allow (checks/longhorn/_disks.py). The size of the ISO is not
known before the download: an option.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotCollected,
    Option,
    Outcome,
    Reason,
    ResourceRef,
    Unreadable,
    View,
    annotations_of,
    check,
    effective_value,
    human_bytes,
    integer_at,
    mapping_at,
    need,
    unknown,
)

from ._disks import Disk, disks_of

CLASSES, SETTINGS = "storageclasses.storage.k8s.io", "settings.longhorn.io"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
GIB = 2**30


@check(
    id="longhorn-iso-space",
    title="Longhorn has room for the image of the upgrade",
    category="longhorn",
    needs=(
        need(
            "nodes.longhorn.io",
            "spec.allowScheduling",
            "spec.disks",
            "status.diskStatus.*.storageMaximum",
            "status.diskStatus.*.storageAvailable",
            "status.diskStatus.*.storageScheduled",
            "status.conditions",
        ),
        need(SETTINGS, "value", "default"),
        need(CLASSES, f"metadata.annotations[{DEFAULT_CLASS}]", "provisioner", "parameters.numberOfReplicas"),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The image is downloaded into Longhorn after admission; without room the Upgrade ends there, or the volume of "
    "the repository stays degraded and the drain waits for it.",
    how="Disks are full or over-committed, or closed for new replicas.",
    fix="Delete images, snapshots and volumes nobody needs, or add a disk.",
    causes={
        "no-disk-with-room": "No disk has room for one copy: the Upgrade would fail while it fetches its image.",
        "too-few-nodes-with-room": "Fewer nodes have room than the default storage class wants replicas.",
    },
    options={
        "isoGiB": Option(8, "GiB the ISO image takes", minimum=1),
        "repoGiB": Option(10, "GiB the volume of the repository takes", minimum=0),
    },
)
def longhorn_iso_space(view: View) -> Iterator[Outcome]:
    """Yield a finding when too few nodes have a disk with room for image and repository."""
    over = _percent(view, "storage-over-provisioning-percentage")
    minimal = _percent(view, "storage-minimal-available-percentage")
    disks: list[Disk] = []
    for node in view.objects("nodes.longhorn.io"):
        try:
            disks += disks_of(node)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"{error}")
    if not disks:
        yield unknown(Code.ERROR, "no Longhorn node reports the size of a disk")
        return
    need_bytes = (int(view.options["isoGiB"]) + int(view.options["repoGiB"])) * GIB
    best = max(disks, key=lambda disk: disk.room(over, minimal))
    most = best.room(over, minimal)
    fitting = {disk.node for disk in disks if disk.room(over, minimal) >= need_bytes}
    nodes = {disk.node for disk in disks}
    wanted = min(_replicas(view), len(nodes))
    if len(fitting) >= wanted:
        return
    yield Finding(
        severity=WARN if fitting else FAIL,
        cause="too-few-nodes-with-room" if fitting else "no-disk-with-room",
        message=f"{len(fitting)} of {len(nodes)} nodes have a disk with room for {human_bytes(need_bytes)}, the image "
        f"of the upgrade and its repository; {wanted} are wanted; the emptiest disk, {best.name} of {best.node}, "
        f"has {human_bytes(max(most, 0))}",
        hint="Delete images, snapshots and volumes nobody needs, or add a disk\n"
        "kubectl get nodes.longhorn.io -n longhorn-system -o yaml",
        resource=ResourceRef("longhorn.io/v1beta2", "Node", "longhorn-system", best.node),
        evidence={"neededBytes": need_bytes, "bestRoomBytes": most, "nodesWithRoom": sorted(fitting), "wanted": wanted},
        enforced_by=(Enforcer.NONE,) if fitting else (Enforcer.SCRIPTS,),
    )


def _percent(view: View, name: str) -> int:
    setting = view.find(SETTINGS, name, "longhorn-system")
    if setting is None:
        raise NotCollected(Reason(Code.ERROR, f"Longhorn has no setting {name}"))
    value = effective_value(setting)
    if not value.isdigit():
        raise Unreadable(f"Longhorn's setting {name} is {value!r}, not a percentage")
    return int(value)


def _replicas(view: View) -> int:
    for found in view.objects(CLASSES):
        if annotations_of(found).get(DEFAULT_CLASS) == "true" and _is_longhorn(found):
            return integer_at(mapping_at(found, "parameters"), "numberOfReplicas") or 3
    return 3


def _is_longhorn(found: JsonObject) -> bool:
    return found.get("provisioner") == "driver.longhorn.io"
