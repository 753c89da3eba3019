"""The new images must fit on every node without filling it so far that the kubelet starts to throw images away.

Rule: validator.go checkDiskSpace (all tags) and check.sh check_free_space: (used + 13 GiB) / capacity above 85 % is
refused. Webhooks of 1.4.0 to 1.4.3 also want 30 GiB available, or what annotation minFreeDiskSpaceGB of the Version
says; check.sh forgets that rule, we keep both. From 1.5 on the 30 GiB are advice of the docs only: a warning.
Units: bytes of node.fs, the partition at /usr/local. Both limits are strict: exactly 85 % and exactly 30 GiB pass.
Edges: the webhook looks for the kubelet's own threshold in the wrong place of /configz and always uses 85; we report
both. A kubelet that answers without the numbers makes the webhook answer 500; one that does not answer is unknown,
where check.sh only warns and leaves the node out.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    Code,
    Enforcer,
    Explains,
    JsonObject,
    Option,
    Outcome,
    Tie,
    Unknown,
    Unreadable,
    View,
    check,
    integer_at,
    lies_in,
    name_of,
    need,
    unknown,
)

from ._disk import GIB, read_disk
from ._disk_findings import MINIMUM_FREE, SKIP, Limits, incomplete, judge_disk, read_limits
from ._target_version import VERSIONS

STATS, CONFIGZ = "nodes/stats-summary", "nodes/configz"
THRESHOLD = "kubeletconfig.imageGCHighThresholdPercent"


@check(
    title="Every node has room for the new images",
    needs=(
        need("nodes"),
        need(STATS, "node.fs"),
        need(CONFIGZ, THRESHOLD),
        need(VERSIONS, f"metadata.annotations[{MINIMUM_FREE}]", f"metadata.annotations[{SKIP}]", optional=True),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade; beyond the threshold the kubelet deletes the very images that were preloaded.",
    how="Images of earlier versions, logs, or workloads that write to the system partition fill it.",
    fix="On the node remove unused images (crictl rmi --prune), or run harv-purge-images-v2.sh of upgrade-helpers.",
    links=(
        "https://github.com/harvester/harvester/issues/4611",
        "https://github.com/harvester/harvester/issues/6155",
        "https://github.com/harvester/harvester/issues/7131",
        "https://github.com/harvester/harvester/issues/6620",
    ),
    causes={
        "disk-too-full": "With the new images the partition passes the server's threshold: free some space.",
        "free-space-below-minimum": "Less is available than a 1.4.x server demands: free some space.",
        "free-space-below-advice": "Less is available than the docs advise; the server accepts it.",
        "kubelet-threshold-lower": "This kubelet starts deleting images earlier than the server assumes.",
        "kubelet-reply-incomplete": "The kubelet answers without its disk numbers, to which the server answers 500. "
        "It does so while it starts; restart rke2 on the node if it stays.",
        "version-annotation-invalid": "An annotation of the Version object is not a value the server can read; it "
        "refuses the Upgrade for it.",
    },
    options={
        "thresholdPercent": Option(85, "percent used after loading the images, above which a node fails", minimum=1),
        "imagesGiB": Option(13, "GiB the new images are taken to need", minimum=0),
        "minFreeGiB": Option(30, "GiB that must be available (1.4.x) or should be (later)", minimum=0),
    },
    waived_by="harvesterhci.io/skipGarbageCollectionThresholdCheck",
    explains=(Explains("node-pressure", Tie.NODE, causes=("disk-too-full", "free-space-below-minimum")),),
)
def node_disk_space(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node without room for the images of the new version."""
    if lies_in(view.upgrade.from_version, "<1.5.1") is not False and (missing := view.missing(VERSIONS)):
        yield Unknown(missing.noting("its annotations move the limits of 1.4.x and 1.5.0"))
    limits = yield from read_limits(view)
    thresholds = {} if view.missing(CONFIGZ) else {name_of(obj): obj for obj in view.objects(CONFIGZ)}
    yield from view.each(STATS, lambda summary: _judge(summary, thresholds.get(name_of(summary)), limits))
    yield from _unanswered(view)


def _judge(summary: JsonObject, configz: JsonObject | None, limits: Limits) -> Iterator[Outcome]:
    disk = read_disk(summary)
    if disk is None and limits.skipped:
        raise Unreadable(f"the kubelet of node {name_of(summary)} answers without its disk usage (node.fs)")
    if disk is None:
        yield incomplete(summary)
        return
    kubelet = integer_at(configz, THRESHOLD) if configz else None
    yield from judge_disk(name_of(summary), disk, kubelet, limits)
    if limits.unplaced and disk.available < limits.minimum_free:
        text = f"only {disk.available / GIB:.1f} GiB are available, which a server of 1.4.x refuses"
        yield unknown(Code.ERROR, f"node {name_of(summary)}: {text}, and the running version is no release")


def _unanswered(view: View) -> Iterator[Outcome]:
    if view.missing(STATS):
        return
    named = {gap.node for gap in view.gaps(STATS)}
    answered = {name_of(summary) for summary in view.objects(STATS)}
    for name in map(name_of, view.some("nodes")):
        if name not in answered and name not in named:
            yield unknown(Code.UNREACHABLE, f"the kubelet of node {name} gave no statistics", node=name)
