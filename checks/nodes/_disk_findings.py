"""What node-disk-space says about one node, and the limits it measures by."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    View,
    degrades,
    fails,
    human_bytes,
    kubectl,
    lies_in,
    name_of,
    on_node,
    ref_of,
    refused,
)

from .._settings import go_boolean
from ._disk import GIB, Disk
from ._target_version import VERSIONS, version_annotation

MINIMUM_FREE = "harvesterhci.io/minFreeDiskSpaceGB"
SKIP = "harvesterhci.io/skipGarbageCollectionThresholdCheck"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a node is measured by. Units: bytes and percent."""

    percent: float
    images: int
    minimum_free: int
    demanded: bool
    """Whether the running version refuses below minimum_free (1.4.x), and not only the docs advise it."""
    unplaced: bool
    """Whether the running version is no release, so that nobody knows if it does."""
    skipped: bool
    """Whether the Version object tells a 1.5.0 server not to look."""


def read_limits(view: View) -> Generator[Outcome, None, Limits]:
    """Return the limits from options, version and the Version object; yield what is wrong with its annotations."""
    running, options = view.upgrade.from_version, view.options
    demanded = lies_in(running, "<1.5.0")
    minimum_free, skipped = int(options["minFreeGiB"] * GIB), False
    if not view.missing(VERSIONS):
        if demanded:
            text, version = version_annotation(view, MINIMUM_FREE)
            if text is not None and text.isascii() and text.isdecimal():
                minimum_free = int(text) * GIB
            elif text is not None and version is not None:
                yield _bad_annotation(version, MINIMUM_FREE, text)
        if lies_in(running, "=1.5.0"):
            text, version = version_annotation(view, SKIP)
            skipped = text is not None and go_boolean(text) is True
            if text is not None and version is not None and go_boolean(text) is None:
                yield _bad_annotation(version, SKIP, text)
    percent, images = float(options["thresholdPercent"]), int(options["imagesGiB"] * GIB)
    return Limits(percent, images, minimum_free, demanded is True, demanded is None, skipped)


def judge_disk(name: str, disk: Disk, kubelet: int | None, limits: Limits) -> Iterator[Outcome]:
    """Yield the findings about one node's partition."""
    percent = disk.percent_with(limits.images)
    full = f"{percent:.2f} % of {human_bytes(disk.capacity)} used with {human_bytes(limits.images)} of new images"
    server = () if limits.skipped else (Enforcer.WEBHOOK,)
    if percent > limits.percent:
        also = f" (this kubelet itself collects at {kubelet} %)" if kubelet not in (None, limits.percent) else ""
        yield _finding(
            "disk-too-full",
            f"Node {name} will have {full}; the server allows {limits.percent:g} %{also}",
            name,
            disk,
            kubelet,
            limits,
            (*server, Enforcer.CHECK_SH),
        )
    elif kubelet is not None and percent > kubelet:
        yield _finding(
            "kubelet-threshold-lower",
            f"Node {name} will have {full}; the server allows that, but this kubelet deletes images above {kubelet} %",
            name,
            disk,
            kubelet,
            limits,
            (Enforcer.NONE,),
        )
    if disk.available < limits.minimum_free and not limits.unplaced:
        free = f"Node {name} has {human_bytes(disk.available)} available"
        least = human_bytes(limits.minimum_free)
        if limits.demanded:
            text, who = f"{free}; a 1.4.x server demands {least}", (Enforcer.WEBHOOK,)
            yield _finding("free-space-below-minimum", text, name, disk, kubelet, limits, who)
        else:
            text, who = f"{free}; the docs advise {least}", (Enforcer.DOCS,)
            yield _finding("free-space-below-advice", text, name, disk, kubelet, limits, who)


def incomplete(summary: JsonObject) -> Finding:
    """Say that a kubelet answered without the numbers the webhook needs."""
    name = name_of(summary)
    return Finding(
        severity=FAIL,
        cause="kubelet-reply-incomplete",
        message=f"The kubelet of node {name} answers without its disk usage (node.fs), to which the server answers 500",
        hint="Look at the reply; restart rke2 on the node if it stays so",
        commands=(kubectl("get --raw /api/v1/nodes/{}/proxy/stats/summary", name),),
        resource=ResourceRef("v1", "Node", "", name),
        transient=True,
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused("The server answers 500 and does not create the Upgrade"),
    )


def _bad_annotation(version: JsonObject, key: str, text: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause="version-annotation-invalid",
        message=f"Version {name_of(version)} has annotation {key} = {text!r}, which the server cannot read",
        hint="Correct or remove the annotation",
        commands=(kubectl("annotate versions.harvesterhci.io {} -n harvester-system {}-", name_of(version), key),),
        resource=ref_of(version),
        evidence={"annotation": key, "value": text},
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused(),
    )


_BLOCKING = ("disk-too-full", "free-space-below-minimum")
_MEANS: dict[str, Consequence] = {
    "disk-too-full": refused(),
    "free-space-below-minimum": refused(),
    "kubelet-threshold-lower": fails(
        Phase.PRELOAD,
        "The kubelet may delete images that were just loaded, and a step of the upgrade may fail for want of them",
        Certainty.POSSIBLE,
    ),
    "free-space-below-advice": degrades(
        Phase.PRELOAD, "The partition may fill up while the upgrade runs", Certainty.POSSIBLE
    ),
}
_NOT_REFUSED = fails(
    Phase.PRELOAD,
    "The kubelet deletes images that the upgrade has loaded, and a step fails for want of them (the server was told not to "
    "look, so this was not tried)",
    Certainty.LIKELY,
)
"""For a disk that is too full where the Version object tells the server not to look."""


def _finding(
    cause: str, message: str, name: str, disk: Disk, kubelet: int | None, limits: Limits, who: tuple[Enforcer, ...]
) -> Finding:
    return Finding(
        severity=FAIL if cause in _BLOCKING else WARN,
        cause=cause,
        message=message,
        hint=f"On node {name} remove unused images, then look again at /usr/local",
        commands=(on_node("crictl rmi --prune"), on_node("df -h /usr/local")),
        resource=ResourceRef("v1", "Node", "", name),
        evidence={
            "usedBytes": disk.used,
            "availableBytes": disk.available,
            "capacityBytes": disk.capacity,
            "percentAfterImages": round(disk.percent_with(limits.images), 2),
            "serverThresholdPercent": limits.percent,
            "kubeletThresholdPercent": kubelet,
            "minimumFreeBytes": limits.minimum_free,
        },
        enforced_by=who,
        consequence=_NOT_REFUSED if cause == "disk-too-full" and limits.skipped else _MEANS[cause],
    )
