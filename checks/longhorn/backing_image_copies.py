"""An image of which Longhorn keeps too few copies can be lost with a node, and VMs made from it cannot start.

Rule: check.sh check_images: minNumberOfCopies 0 fails, 1 and 2 warn. Harvester copies the number from the
storage class, so fewer than three are right on small clusters: the limit is min(3, data nodes). An image without the
field check.sh does not see at all; to Longhorn it is 0, but nobody stops for it: a warning.
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
    View,
    check,
    integer_at,
    loses_data,
    name_of,
    need,
    ref_of,
    stops_workload,
    unknown,
    value_at,
)

from ._volumes import is_witness, patch

DROPPED = loses_data(
    Phase.NODE_UPGRADE,
    "Longhorn may drop every copy of the image while nodes restart, and machines made from it then do not start",
    Certainty.POSSIBLE,
)


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
    consequence=stops_workload(
        Phase.NODE_DRAIN,
        "While the nodes with the copies are down, machines made from the image may not start",
        Certainty.POSSIBLE,
    ),
    causes={
        "no-copies-kept": "minNumberOfCopies is 0: Longhorn may drop every copy. Set it to the number of data nodes, 3 "
        "at most.",
        "few-copies": "Fewer copies are kept than this cluster has nodes for.",
    },
    options={"copies": Option(3, "copies that are enough on any cluster", minimum=1)},
)
def backing_image_copies(view: View) -> Iterator[Outcome]:
    """Yield a finding for every backing image kept in fewer copies than the cluster can hold."""
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
            severity=FAIL if copies <= 0 and not unset else WARN,
            cause="few-copies" if copies > 0 else "no-copies-kept",
            message=f"Backing image {name_of(image)} is kept in {copies} copies{' (not set)' if unset else ''}; "
            f"{limit} are wanted on {data_nodes} data nodes",
            hint="Raise the number of copies",
            commands=(
                patch("backingimages.longhorn.io", name_of(image), f'{{"spec":{{"minNumberOfCopies":{limit}}}}}'),
            ),
            resource=ref_of(image),
            evidence={"minNumberOfCopies": copies, "wanted": limit},
            enforced_by=(Enforcer.NONE,) if unset else (Enforcer.CHECK_SH,),
            consequence=None if copies > 0 else DROPPED,
        )

    yield from view.each("backingimages.longhorn.io", judge)
