"""Without a registry the upgrade's log collector never starts where its images are not on the nodes.

Rule: docs, running 1.4.1 to 1.4.3 to 1.4.3 or 1.5.x, with logging of the upgrade switched on: three images must be on
every node. How that is told: _images.py. Whether the nodes reach a registry is not known, and logging is chosen when the
Upgrade is created: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    judged,
    name_of,
    on_node,
    ref_of,
    unknown,
)

from ._images import LISTED, REPORTED, absent, node_archives

IMAGES = (
    "ghcr.io/kube-logging/fluentd:v1.15-ruby3",
    "ghcr.io/kube-logging/config-reloader:v0.0.5",
    "fluent/fluent-bit:2.1.8",
)
COMMAND = "crictl images | grep -E 'fluentd|config-reloader|fluent-bit'"


@check(
    id="airgap-upgradelog-images",
    title="The images of the upgrade's log collector are on every node",
    category="network",
    needs=(REPORTED, LISTED),
    from_versions=">=1.4.1 <1.5.0",
    to_versions="=1.4.3 || >=1.5.0 <1.6.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-2-to-v1-5-0",
    why="The upgrade waits for its log collector before it does anything else.",
    how="The running version does not ship these images and the cluster reaches no registry.",
    fix="Load the images onto every node, or create the Upgrade with spec.logEnabled false.",
    links=("https://github.com/harvester/harvester/issues/7955",),
    causes={"image-missing": "An image is not on the node: load it, unless the node reaches a registry."},
    consequence=hangs(
        Phase.IMAGE,
        "With logging enabled and no registry in reach the Upgrade may wait for its log collector with no time limit",
        Certainty.POSSIBLE,
    ),
)
def airgap_upgradelog_images(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node that lacks an image of the log collector."""
    archives = node_archives(view)
    yield from judged(view.some("nodes"), lambda node: _judge(node, archives.get(name_of(node))))


def _judge(node: JsonObject, archive: JsonObject | None) -> Iterator[Outcome]:
    missing, certain = absent(IMAGES, node, archive)
    if not missing:
        return
    if not certain:
        text = f"run `{COMMAND}` on the node itself"
        yield unknown(Code.NODE_ONLY, text, node=name_of(node), cure=COMMAND)
        return
    yield Finding(
        severity=WARN,
        cause="image-missing",
        message=f"Node {name_of(node)} lacks {', '.join(missing)}",
        hint="Load the images onto the node, or create the Upgrade with spec.logEnabled false",
        commands=(on_node(COMMAND),),
        resource=ref_of(node),
        evidence={"missing": missing},
    )
