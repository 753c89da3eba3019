"""Whether an image is on a node, as far as anybody but the node can tell.

Rule: the kubelet reports its fifty largest images and no more (nodeStatusMaxImages; neither RKE2 nor Harvester's installer
changes it), so an image that is not among fifty may be there all the same. containerd-images.log of a support bundle's
node archive names all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto

from preflight.api import JsonObject, View, maps_at, name_of, need, text_at, texts_at, value_at

LOG = "logs/containerd-images.log"
KUBELET_REPORTS = 50
REPORTED = need("nodes", "status.images.names")
LISTED = need("nodes/files", f"files[{LOG}]", optional=True)


class Presence(Enum):
    """What is known of an image on one node."""

    THERE = auto()
    MISSING = auto()
    UNKNOWN = auto()


def node_archives(view: View) -> Mapping[str, JsonObject]:
    """Return what the nodes themselves gave, by node; the check must need LISTED."""
    return {name_of(obj): obj for obj in view.read("nodes/files")}


def presence(image: str, node: JsonObject, archive: JsonObject | None) -> Presence:
    """Say whether `image` (repository:tag) is on the node, under whatever registry."""
    reported = [texts_at(found, "names") for found in maps_at(node, "status.images")]
    log = text_at(archive, f"files.[{LOG}]") if archive and value_at(archive, f"files.[{LOG}]") is not None else None
    if any(_is(image, name) for names in reported for name in names) or (log and _logged(image, log)):
        return Presence.THERE
    if log is None and not 0 < len(reported) < KUBELET_REPORTS:
        return Presence.UNKNOWN
    return Presence.MISSING


def absent(images: Iterable[str], node: JsonObject, archive: JsonObject | None) -> tuple[list[str], bool]:
    """Return those of the images that are not known to be there, and whether they are known to be missing."""
    found = {image: presence(image, node, archive) for image in images}
    lacking = [image for image, state in found.items() if state is not Presence.THERE]
    return lacking, Presence.UNKNOWN not in found.values()


def _is(image: str, name: str) -> bool:
    return name == image or name.endswith(f"/{image}")


def _logged(image: str, log: str) -> bool:
    repository, _, tag = image.rpartition(":")
    return re.search(rf"(?<![\w.-]){re.escape(repository)}[:\s]+{re.escape(tag)}(?![\w.-])", log) is not None
