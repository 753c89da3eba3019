"""A volume smaller than the image it was made from: a guest that writes past its end loses its file system.

Rule: docs 1.9 to 1.10, and the check.sh they speak of (newer than the one read). 1.10 refuses new requests of that kind
and leaves what exists alone. The claim's request must be at least the image's virtual
or real size, whichever is larger, rounded up to whole GiB. The image is named by annotation harvesterhci.io/imageId
(namespace/name); a golden image is named as its claim.
Units: bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from preflight.api import (
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Unreadable,
    View,
    annotations_of,
    check,
    human_bytes,
    integer_at,
    kubectl,
    loses_data,
    name_of,
    namespace_of,
    need,
    parse_quantity,
    ref_of,
    unknown,
    value_at,
)

from ._vms import full_name

CLAIMS, IMAGES = "persistentvolumeclaims", "virtualmachineimages.harvesterhci.io"
IMAGE_ID, GOLDEN = "harvesterhci.io/imageId", "harvesterhci.io/goldenImage"
GIB = 2**30


@check(
    title="Every volume is as large as the image it was made from",
    needs=(
        need(IMAGES, "status.virtualSize", "status.size"),
        need(
            CLAIMS,
            f"metadata.annotations[{IMAGE_ID}]",
            f"metadata.annotations[{GOLDEN}]",
            "spec.resources.requests.storage",
        ),
    ),
    to_versions=">=1.10.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS, Enforcer.CHECK_SH),
    consequence=loses_data(
        Phase.AFTER,
        "A guest that writes past the end of the volume may lose its file system, and new volumes of that size are refused",
        Certainty.POSSIBLE,
    ),
    docs="https://docs.harvesterhci.io/v1.9/upgrade/v1-9-x-to-v1-10-x",
    why="The target refuses such requests, and a guest that writes past the end of its volume corrupts its file system.",
    how="Older versions did not compare the sizes; usual after a golden image was replaced by a larger one.",
    fix="Expand the claim to the size of its image; stop the machine first where it cannot grow online.",
    causes={"claim-too-small": "The claim asks for less than its image takes: expand it."},
)
def image_volume_size(view: View) -> Iterator[Outcome]:
    """Yield a warning for every claim that is smaller than its image."""
    images = {f"{namespace_of(image)}/{name_of(image)}": image for image in view.objects(IMAGES)}
    yield from view.each(CLAIMS, lambda claim: _judge(claim, images))


def _judge(claim: JsonObject, images: Mapping[str, JsonObject]) -> Iterator[Outcome]:
    notes = annotations_of(claim)
    image_id = full_name(claim) if notes.get(GOLDEN) == "true" else notes.get(IMAGE_ID)
    if not image_id:
        return
    image = images.get(str(image_id))
    if image is None:
        yield unknown(Code.ERROR, f"claim {full_name(claim)} was made from image {image_id}, which was not found")
        return
    size = max(integer_at(image, f"status.{field}") or 0 for field in ("virtualSize", "size"))
    if size <= 0:
        yield unknown(Code.INCOMPLETE, f"image {image_id}, which claim {full_name(claim)} was made from, has no size")
        return
    raw = value_at(claim, "spec.resources.requests.storage")
    request = parse_quantity(raw)
    if request is None:
        raise Unreadable(f"claim {full_name(claim)} requests {raw!r}, not a quantity")
    least = -(-size // GIB) * GIB
    if request < least:
        yield Finding(
            severity=WARN,
            cause="claim-too-small",
            message=f"Claim {full_name(claim)} asks for {human_bytes(request)}, its image {image_id} takes "
            f"{human_bytes(least)}",
            hint="Expand the claim",
            commands=(
                kubectl("patch pvc {} -n {} --type merge -p {}", name_of(claim), namespace_of(claim), _patch(least)),
            ),
            resource=ref_of(claim),
            evidence={"request": int(request), "least": least, "image": str(image_id)},
        )


def _patch(least: int) -> str:
    return json.dumps({"spec": {"resources": {"requests": {"storage": f"{least // GIB}Gi"}}}}, separators=(",", ":"))
