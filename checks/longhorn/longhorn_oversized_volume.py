"""A volume far larger than all disks together turns not ready in the upgrade and cannot be deleted any more.

Rule: docs, target 1.4.3 (their example: 999999Gi): spec.size against the sum of storageMaximum of all disks. Over-
provisioned volumes are smaller than that sum, so it is the limit by default.
Units: bytes; spec.size is decimal text.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    human_bytes,
    integer_at,
    name_of,
    need,
    ref_of,
    unknown,
)

from ._disks import sizes_of
from ._volumes import claim_of, look, touches


@check(
    id="longhorn-oversized-volume",
    title="No volume is larger than all disks together",
    category="longhorn",
    needs=(
        need("nodes.longhorn.io", "status.diskStatus.*.storageMaximum"),
        need("volumes.longhorn.io", "spec.size", "status.kubernetesStatus"),
    ),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-1-to-v1-4-3",
    why="After the upgrade Longhorn takes such a volume for not ready and refuses to delete it.",
    how="A typing error in the size of a disk or claim.",
    fix="Delete the volume, or restore its data into one of a sensible size, before the upgrade.",
    links=("https://github.com/harvester/harvester/issues/8096",),
    consequence=degrades(
        Phase.AFTER, "After the upgrade Longhorn takes the volume for not ready and refuses to delete it"
    ),
    causes={"larger-than-all-disks": "The volume can never be filled: replace it by one of a sensible size."},
    options={"timesCapacity": Option(1.0, "how many times the size of all disks a volume may have", minimum=0.1)},
)
def longhorn_oversized_volume(view: View) -> Iterator[Outcome]:
    """Yield a warning for every volume larger than all disks together."""
    capacity = sum(size for node in view.objects("nodes.longhorn.io") for size in sizes_of(node))
    if not capacity:
        yield unknown(Code.ERROR, "no Longhorn node reports the size of a disk")
        return
    limit = capacity * float(view.options["timesCapacity"])

    def judge(volume: JsonObject) -> Iterator[Outcome]:
        size = integer_at(volume, "spec.size")
        if size is None or size < 0:
            yield unknown(Code.UNPARSABLE, f"Volume {name_of(volume)} has no spec.size, or one below zero")
        elif size > limit:
            yield Finding(
                severity=WARN,
                cause="larger-than-all-disks",
                message=f"Volume {name_of(volume)}{claim_of(volume)} is {human_bytes(size)} large; all disks of "
                f"Longhorn together are {human_bytes(capacity)}",
                hint="Replace it by a volume of a sensible size before the upgrade",
                commands=(look("volumes.longhorn.io", name_of(volume)),),
                resource=ref_of(volume),
                evidence={"size": size, "capacity": capacity},
                touches=touches(volume),
            )

    yield from view.each("volumes.longhorn.io", judge)
