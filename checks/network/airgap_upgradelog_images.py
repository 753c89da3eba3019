"""Without a registry the upgrade's log collector never starts where its images are not on the nodes.

Rule: docs, running 1.4.1 to 1.4.3 to 1.4.3 or 1.5.x, with logging of the upgrade switched on: three images must be on
every node. The kubelet reports at most its fifty largest images, so an image that is not among fifty may be there all
the same; a support bundle's containerd-images.log says for certain. Whether the nodes reach a registry is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    check,
    judged,
    maps_at,
    name_of,
    need,
    ref_of,
    text_at,
    texts_at,
    unknown,
    value_at,
)

IMAGES = (
    "ghcr.io/kube-logging/fluentd:v1.15-ruby3",
    "ghcr.io/kube-logging/config-reloader:v0.0.5",
    "fluent/fluent-bit:2.1.8",
)
LOG = "logs/containerd-images.log"
KUBELET_REPORTS = 50
COMMAND = "crictl images | grep -E 'fluentd|config-reloader|fluent-bit'"


@check(
    id="airgap-upgradelog-images",
    title="The images of the upgrade's log collector are on every node",
    category="network",
    needs=(
        need("nodes", "status.images.names"),
        need("nodes/files", f"files[{LOG}]", optional=True),
    ),
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
)
def airgap_upgradelog_images(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node that lacks an image of the log collector."""
    given = {} if view.missing("nodes/files") else {name_of(obj): obj for obj in view.objects("nodes/files")}
    nodes = view.objects("nodes")
    if not nodes:
        yield unknown(Code.ERROR, "no Node objects were read, and a cluster has at least one")
    yield from judged(nodes, lambda node: _judge(node, given.get(name_of(node))))


def _judge(node: JsonObject, given: JsonObject | None) -> Iterator[Outcome]:
    reported = [texts_at(image, "names") for image in maps_at(node, "status.images")]
    names = {name for group in reported for name in group}
    log = text_at(given, f"files.[{LOG}]") if given and value_at(given, f"files.[{LOG}]") is not None else None
    missing = [image for image in IMAGES if not _reported(image, names) and not (log and _logged(image, log))]
    if not missing:
        return
    if log is None and not 0 < len(reported) < KUBELET_REPORTS:
        yield unknown(Code.NODE_ONLY, f"run `{COMMAND}` on the node itself", node=name_of(node))
        return
    yield Finding(
        severity=WARN,
        cause="image-missing",
        message=f"Node {name_of(node)} lacks {', '.join(missing)}: without a registry the upgrade waits for its log "
        "collector for ever",
        hint="Load the images onto the node, or switch spec.logEnabled of the Upgrade off\n" + COMMAND,
        resource=ref_of(node),
        evidence={"missing": missing},
        enforced_by=(Enforcer.DOCS,),
    )


def _reported(image: str, names: set[str]) -> bool:
    return image in names or f"docker.io/{image}" in names


def _logged(image: str, log: str) -> bool:
    repository, _, tag = image.rpartition(":")
    return re.search(rf"{re.escape(repository)}[:\s]+{re.escape(tag)}(?![\w.-])", log) is not None
