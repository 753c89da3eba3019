"""A share-manager image of a hotfix, left in longhorn-manager, is not what the next release expects.

Rule: docs 1.4.3, to 1.5: the argument after --share-manager-image holds `hotfix`: go back to the stock image first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    maps_at,
    need,
    ref_of,
    texts_at,
    unknown,
)

DAEMONSETS = "daemonsets.apps"
FLAG = "--share-manager-image"
CONTAINERS = "spec.template.spec.containers"


@check(
    id="longhorn-share-manager-hotfix",
    title="longhorn-manager uses the stock share-manager image",
    category="longhorn",
    needs=(
        need(
            DAEMONSETS, f"{CONTAINERS}.command", f"{CONTAINERS}.args", namespaces=("longhorn-system",), values=(FLAG,)
        ),
    ),
    from_versions="=1.4.3",
    to_versions=">=1.5.0 <1.6.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-2-to-v1-5-0",
    why="The hotfix is older than what the target ships, and share volumes would stay on it.",
    how="Somebody applied the hotfix for 1.4.3.",
    fix="Put the image of Longhorn 1.7.3 back into the command of DaemonSet longhorn-manager first.",
    links=("https://github.com/harvester/harvester/issues/8354",),
    consequence=degrades(
        Phase.AFTER, "Volumes that are shared may stay on the hotfix, which is older than what the target ships"
    ),
    causes={"hotfix-image": "The image is a hotfix: go back to the stock one of this version before the upgrade."},
)
def longhorn_share_manager_hotfix(view: View) -> Iterator[Outcome]:
    """Yield a warning when longhorn-manager names a hotfix image."""
    found = view.find(DAEMONSETS, "longhorn-manager", "longhorn-system")
    if found is None:
        yield unknown(Code.ERROR, "there is no DaemonSet longhorn-system/longhorn-manager")
        return
    images = []
    for container in maps_at(found, CONTAINERS):
        words = texts_at(container, "command") + texts_at(container, "args")
        images += [image for flag, image in pairwise(words) if flag == FLAG]
        images += [word.partition("=")[2] for word in words if word.startswith(FLAG + "=")]
    if not images:
        yield unknown(Code.UNPARSABLE, f"longhorn-manager is called without {FLAG}")
    for image in images:
        if "hotfix" in image:
            yield Finding(
                severity=WARN,
                cause="hotfix-image",
                message=f"longhorn-manager uses the share-manager image {image}, a hotfix",
                hint="Put the stock image of Longhorn 1.7.3 back before the upgrade",
                commands=(kubectl("edit daemonset longhorn-manager -n longhorn-system"),),
                resource=ref_of(found),
                evidence={"image": image},
            )
