"""A Rancher that manages this Harvester from outside must be new enough before Harvester is upgraded.

Rule: docs, upgrade pages: target 1.5 wants Rancher 2.11, 1.6 2.12, 1.7 2.13, 1.8 2.14, 1.9 2.15. Nothing enforces it.
Deployment cattle-system/cattle-cluster-agent exists only on imported clusters, and its image has Rancher's version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    INFO,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    maps_at,
    need,
    ref_of,
    text_at,
    unknown,
)

DEPLOYMENTS = "deployments.apps"
WANTED = {(1, 5): (2, 11), (1, 6): (2, 12), (1, 7): (2, 13), (1, 8): (2, 14), (1, 9): (2, 15)}
AGENT = re.compile(r"rancher-agent:v(\d+)\.(\d+)\.\d+")


@check(
    title="The Rancher that manages this cluster is new enough",
    needs=(need(DEPLOYMENTS, "spec.template.spec.containers.image", namespaces=("cattle-system",)),),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="An older Rancher does not know the new Harvester: the UI extension, the agent and guest clusters can break.",
    how="Harvester was imported into Rancher, and Rancher was not upgraded first.",
    fix="Upgrade Rancher to the minor version the target wants, then Harvester.",
    links=("https://github.com/harvester/harvester/issues/7791",),
    causes={
        "rancher-too-old": "The agent's image is of an older Rancher than the target wants: upgrade Rancher first.",
        "do-not-dismiss": "With Rancher 2.10 and UI extension 1.0.2 to 1.0.4 do not press Dismiss it afterwards.",
    },
)
def rancher_import_version(view: View) -> Iterator[Outcome]:
    """Yield a finding when the agent of the managing Rancher is too old for the target."""
    agent = view.find(DEPLOYMENTS, "cattle-cluster-agent", "cattle-system")
    if agent is None:
        yield NotApplicable("the cluster is not imported into a Rancher (there is no cattle-cluster-agent)")
        return
    images = [text_at(box, "image") for box in maps_at(agent, "spec.template.spec.containers")]
    found = next((match for image in images if (match := AGENT.search(image))), None)
    if found is None:
        yield unknown(Code.UNPARSABLE, f"no Rancher version in the agent's image {', '.join(images) or '(none)'}")
        return
    yield from _judge(view, agent, (int(found[1]), int(found[2])), found[0])


def _judge(view: View, agent: JsonObject, rancher: tuple[int, int], image: str) -> Iterator[Outcome]:
    target = view.upgrade.to_version
    if target is None or target.is_dev:
        yield unknown(Code.ERROR, "the target version is not a release, so no Rancher version is known for it")
        return
    wanted = WANTED.get((target.base.major, target.base.minor))
    if wanted is None and (target.base.major, target.base.minor) > max(WANTED):
        yield unknown(Code.ERROR, f"which Rancher version {target} wants is not known to this tool")
    elif wanted and rancher < wanted:
        yield Finding(
            severity=WARN,
            cause="rancher-too-old",
            message=f"The managing Rancher is {rancher[0]}.{rancher[1]} ({image}); "
            f"{target} wants {wanted[0]}.{wanted[1]} or later",
            hint="Upgrade that Rancher before Harvester",
            commands=(kubectl("get deployment cattle-cluster-agent -n cattle-system -o wide"),),
            resource=ref_of(agent),
            evidence={"image": image, "wanted": f"{wanted[0]}.{wanted[1]}"},
            consequence=degrades(
                Phase.AFTER,
                "That Rancher may not get on with the new Harvester: its UI extension, the agent and guest clusters",
            ),
        )
    if rancher == (2, 10):
        yield Finding(
            severity=INFO,
            cause="do-not-dismiss",
            message="Rancher 2.10 with Harvester UI extension 1.0.2 to 1.0.4: do not press Dismiss it afterwards",
            hint="Upgrade the UI extension before you dismiss the finished upgrade",
            resource=ref_of(agent),
            evidence={"image": image},
            consequence=degrades(
                Phase.AFTER, "Dismissing the finished upgrade may upset the UI extension", Certainty.POSSIBLE
            ),
        )
