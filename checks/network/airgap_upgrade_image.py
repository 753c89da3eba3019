"""Without a registry the images are loaded by an image of the running version, which the node must still have.

Rule: pkg/controller/master/upgrade/common.go preparePlan (v1.4.0 to v1.9.0-rc6): the plan that loads the ISO's images runs
rancher/harvester-upgrade of the running version on every managed node; a pod that cannot pull it is Pending until the
job's deadline of 3600 s, and the Upgrade ends Failed. From 1.7.0 on the repository runs the same image. The installer
brings it; the kubelet's garbage collection may remove it. How an image is told to be there: _images.py.
Edges: spec.upgradeImage of the Upgrade names another image, and a node that reaches a registry pulls it. Nothing in the
API says whether it does: set option airGapped where it does not, and a missing image fails instead of warning.
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
    fails,
    judged,
    labels_of,
    name_of,
    on_node,
    ref_of,
    unknown,
)

from ._images import LISTED, REPORTED, Presence, node_archives, presence

REPOSITORY = "rancher/harvester-upgrade"
MANAGED = "harvesterhci.io/managed"
STARTS = "The plan that loads the images cannot start on this node and the Upgrade ends Failed after an hour"
MAY_NOT_START = (
    "On a node that reaches no registry the plan that loads the images may not start: the Upgrade ends Failed"
)


@check(
    id="airgap-upgrade-image",
    title="The image that runs the upgrade is on every node",
    category="network",
    needs=(REPORTED, LISTED),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="It is needed before the images of the new version are loaded, so a node without a registry must have it.",
    how="The kubelet's garbage collection or a clean-up by hand removed it from a node that cannot pull it again.",
    fix="Load the image onto the node with ctr from another node's export or from the ISO of the running version.",
    causes={"image-missing": "The node lacks the image: load it, unless the node reaches a registry."},
    options={"airGapped": Option(False, "true: the nodes reach no registry, so that a missing image fails")},
)
def airgap_upgrade_image(view: View) -> Iterator[Outcome]:
    """Yield a finding for every managed node that lacks the image of the running version."""
    running = view.upgrade.from_version
    if running is None:
        yield unknown(Code.ERROR, "the running version is not known, and the image is named after it: give --from")
        return
    image, archives = f"{REPOSITORY}:{running.raw}", node_archives(view)
    air_gapped = bool(view.options["airGapped"])
    managed = [node for node in view.some("nodes") if labels_of(node).get(MANAGED) == "true"]
    yield from judged(managed, lambda node: _judge(node, image, archives.get(name_of(node)), air_gapped))


def _judge(node: JsonObject, image: str, archive: JsonObject | None, air_gapped: bool) -> Iterator[Outcome]:
    name, state = name_of(node), presence(image, node, archive)
    if state is Presence.UNKNOWN:
        command = f"crictl images | grep {REPOSITORY}"
        text = f"run `{command}` on the node itself: the kubelet's list of its largest images does not hold {image}"
        yield unknown(Code.NODE_ONLY, text, node=name, cure=command)
    elif state is Presence.MISSING:
        yield Finding(
            severity=FAIL if air_gapped else WARN,
            cause="image-missing",
            message=f"Node {name} lacks image {image}"
            + (", and it reaches no registry" if air_gapped else "; whether it reaches a registry is not known"),
            hint="Load the image onto the node before the upgrade"
            + ("" if air_gapped else ", unless the node can pull it from a registry"),
            commands=(
                on_node("crictl images | grep {}", REPOSITORY),
                on_node("crictl pull docker.io/{}", image, why="with a registry in reach this brings it"),
            ),
            resource=ref_of(node),
            evidence={"image": image, "airGapped": air_gapped},
            consequence=fails(Phase.PRELOAD, STARTS)
            if air_gapped
            else fails(Phase.PRELOAD, MAY_NOT_START, Certainty.POSSIBLE),
        )
