"""The upgrade stores its ISO image, and the repository made from it, on Longhorn: without room it fails late.

Rule: nobody's. Running up to 1.6 (pkg/controller/master/upgrade upgrade_repo.go): the image and a volume of 10 GiB for the
repository, in as many copies as the default storage class of Longhorn wants (three where there is none). Running 1.7 and
later: the image alone, but CDI fetches it into a scratch volume of the same size first; from 1.7.1 on its class is
longhorn-static, in 1.7.0 one made for the upgrade, and neither says a number of replicas unless somebody set it: then
Longhorn's setting default-replica-count does. No disk with room: the image never becomes ready. Fewer nodes than
copies: a degraded volume, which the drain may wait for.
Edges: a node that Longhorn must know and of which nothing was read is unknown.
Units: bytes. Room is what Longhorn's scheduler would allow (checks/longhorn/_disks.py). The size of the ISO is not
known before the download: an option.
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
    Option,
    Outcome,
    Phase,
    ResourceRef,
    Unreadable,
    View,
    annotations_of,
    check,
    fails,
    hangs,
    human_bytes,
    integer_at,
    kubectl,
    lies_in,
    mapping_at,
    name_of,
    need,
    unknown,
)

from .._settings import LONGHORN_SETTINGS, longhorn_number
from ._disks import Disk, disks_of, needed_gib
from ._volumes import unlisted

CLASSES, STATIC = "storageclasses.storage.k8s.io", "longhorn-static"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
GIB = 2**30
ESTIMATED = "(the size of the image is an estimate)"
NEVER_READY = hangs(
    Phase.IMAGE, f"The image never becomes ready, and nothing limits the wait for it {ESTIMATED}", Certainty.LIKELY
)
NOT_FETCHED = fails(Phase.IMAGE, f"The image cannot be stored, and the Upgrade is Failed {ESTIMATED}", Certainty.LIKELY)
MAY_WAIT = hangs(
    Phase.NODE_DRAIN,
    f"The volume of the repository may stay degraded, and the drain may then wait for it {ESTIMATED}",
    Certainty.POSSIBLE,
)


@check(
    id="longhorn-iso-space",
    title="Longhorn has room for the image of the upgrade",
    category="longhorn",
    needs=(
        need("nodes"),
        need(
            "nodes.longhorn.io",
            "spec.allowScheduling",
            "spec.disks",
            "status.diskStatus.*.storageMaximum",
            "status.diskStatus.*.storageAvailable",
            "status.diskStatus.*.storageScheduled",
            "status.conditions",
        ),
        need(LONGHORN_SETTINGS, "value", "default"),
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
        "too-few-nodes-with-room": "Fewer nodes have room than the volume of the image will have replicas.",
    },
    options={
        "isoGiB": Option(0, "GiB the ISO image takes (0: what is known of the target)", minimum=0),
        "repoGiB": Option(-1, "GiB taken beside it (-1: what is known of the running version)", minimum=-1),
    },
)
def longhorn_iso_space(view: View) -> Iterator[Outcome]:
    """Yield a finding when too few nodes have a disk with room for image and repository."""
    cdi = lies_in(view.upgrade.from_version, ">=1.7.0")
    if cdi is None:
        yield unknown(Code.ERROR, "where the image of the upgrade is stored depends on the running version")
        return
    over = longhorn_number(view, "storage-over-provisioning-percentage")
    minimal = longhorn_number(view, "storage-minimal-available-percentage")
    disks: list[Disk] = []
    for node in view.objects("nodes.longhorn.io"):
        try:
            disks += disks_of(node)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"{error}")
    yield from unlisted(view)
    if not disks:
        yield unknown(Code.ERROR, "no Longhorn node reports the size of a disk")
        return
    need_bytes = needed_gib(view, cdi=cdi) * GIB
    best = max(disks, key=lambda disk: disk.room(over, minimal))
    most = best.room(over, minimal)
    fitting = {disk.node for disk in disks if disk.room(over, minimal) >= need_bytes}
    nodes = {disk.node for disk in disks}
    wanted = min(_replicas(view, cdi), len(nodes))
    if len(fitting) >= wanted:
        return
    yield Finding(
        severity=WARN if fitting else FAIL,
        cause="too-few-nodes-with-room" if fitting else "no-disk-with-room",
        message=f"{len(fitting)} of {len(nodes)} nodes have a disk with room for {human_bytes(need_bytes)}, the image "
        f"of the upgrade and {'its copy while it is fetched' if cdi else 'its repository'}; {wanted} are wanted; the "
        f"emptiest disk, {best.name} of {best.node}, has {human_bytes(max(most, 0))}",
        hint="Delete images, snapshots and volumes nobody needs, or add a disk",
        commands=(kubectl("get nodes.longhorn.io -n longhorn-system -o yaml"),),
        resource=ResourceRef("longhorn.io/v1beta2", "Node", "longhorn-system", best.node),
        evidence={"neededBytes": need_bytes, "bestRoomBytes": most, "nodesWithRoom": sorted(fitting), "wanted": wanted},
        enforced_by=(Enforcer.NONE,) if fitting else (Enforcer.SCRIPTS,),
        consequence=MAY_WAIT if fitting else NEVER_READY if cdi else NOT_FETCHED,
    )


def _replicas(view: View, cdi: bool) -> int:
    for found in view.objects(CLASSES):
        ours = name_of(found) == STATIC if cdi else annotations_of(found).get(DEFAULT_CLASS) == "true"
        if ours and _is_longhorn(found):
            count = integer_at(mapping_at(found, "parameters"), "numberOfReplicas")
            return longhorn_number(view, "default-replica-count") if count is None else count
    return longhorn_number(view, "default-replica-count") if cdi else 3


def _is_longhorn(found: JsonObject) -> bool:
    return found.get("provisioner") == "driver.longhorn.io"
