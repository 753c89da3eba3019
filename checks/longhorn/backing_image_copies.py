"""An image of which Longhorn keeps too few copies can be lost with a node, and VMs made from it cannot start.

Rule: check.sh check_images: minNumberOfCopies 0 fails, 1 and 2 warn. Harvester copies the number from the
storage class, so fewer than three are right on small clusters: the limit is min(3, data nodes). A missing field is 0
to Longhorn, though check.sh does not see such an image.
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
    Option,
    Outcome,
    View,
    check,
    integer_at,
    name_of,
    need,
    ref_of,
    unknown,
    value_at,
)

from ._volumes import is_witness, patch


@check(
    id="backing-image-copies",
    title="Every backing image is kept in enough copies",
    category="longhorn",
    needs=(need("nodes"), need("backingimages.longhorn.io", "spec.minNumberOfCopies")),
    enforced_by=(Enforcer.CHECK_SH, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Nodes go down one by one; an image whose only copy is on such a node is not there when a VM needs it.",
    how="The image was made with minNumberOfCopies unset, or with a storage class of fewer replicas.",
    fix="Raise spec.minNumberOfCopies of the backing image.",
    causes={
        "no-copies-kept": "minNumberOfCopies is 0: Longhorn may drop every copy. Set it to the number of data nodes, 3 "
        "at most.",
        "few-copies": "Fewer copies are kept than this cluster has nodes for.",
    },
    options={"copies": Option(3, "copies that are enough on any cluster", minimum=1)},
)
def backing_image_copies(view: View) -> Iterator[Outcome]:
    """Yield a finding for every backing image kept in fewer copies than the cluster can hold."""
    images = view.objects("backingimages.longhorn.io")
    nodes = None if view.missing("nodes") else view.objects("nodes")
    if nodes is not None and not nodes:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
    data_nodes = sum(not is_witness(node) for node in nodes or ())
    limit = min(int(view.options["copies"]), data_nodes) if nodes else 1

    def judge(image: JsonObject) -> Iterator[Outcome]:
        copies = integer_at(image, "spec.minNumberOfCopies") or 0
        if copies >= limit and copies > 0:
            return
        unset = value_at(image, "spec.minNumberOfCopies") is None
        yield Finding(
            severity=WARN if copies > 0 else FAIL,
            cause="few-copies" if copies > 0 else "no-copies-kept",
            message=f"Backing image {name_of(image)} is kept in {copies} copies{' (not set)' if unset else ''}; "
            f"{limit} are wanted on {data_nodes} data nodes",
            hint="Raise the number of copies\n"
            + patch("backingimages.longhorn.io", name_of(image), f'{{"spec":{{"minNumberOfCopies":{limit}}}}}'),
            resource=ref_of(image),
            evidence={"minNumberOfCopies": copies, "wanted": limit},
            enforced_by=(Enforcer.NONE,) if unset else (Enforcer.CHECK_SH,),
        )

    if images:
        yield from view.each("backingimages.longhorn.io", judge)
