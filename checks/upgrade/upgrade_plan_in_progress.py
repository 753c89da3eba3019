"""An UpgradePlan is another way to upgrade, and neither way sees the other: both at once fight over the same nodes.

Rule: Harvester 1.9's node_down_controller.go (isOnUpgradeV2): an UpgradePlan is in progress in every phase but Succeeded
and Failed, an empty one included. The webhook of Upgrades does not look at UpgradePlans, nor theirs at Upgrades; both
write the same drain options and hooks, and an acknowledgement may go to the wrong one. An UpgradePlan's own admission
refuses a second while one is Progressing.
Edges: the CRD comes with an experimental Addon (from 1.8.0); where it is not served there is no such thing, and nothing to
upgrade by where an UpgradePlan is what is meant. A failed one
leaves Plans labelled management.harvesterhci.io/upgrade-plan, the Deployment NAME-repo and paused ManagedCharts (gate
managed-chart-paused).
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
    NotApplicable,
    Outcome,
    Phase,
    ResourceRef,
    Unknown,
    Via,
    View,
    check,
    condition,
    condition_status,
    degrades,
    hangs,
    kubectl,
    labels_of,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
)

PLANS, LEFT_PLANS, DEPLOYMENTS = (
    "upgradeplans.management.harvesterhci.io",
    "plans.upgrade.cattle.io",
    "deployments.apps",
)
OWNER = "management.harvesterhci.io/upgrade-plan"
ENDED = ("Succeeded", "Failed")
BOTH = hangs(
    Phase.NODE_DRAIN,
    "Two upgrades drive the same nodes and hooks, and one is expected to wait for what the other took; inferred from the "
    "code of both, not tried",
    Certainty.LIKELY,
)


@check(
    id="upgrade-plan-in-progress",
    title="No UpgradePlan is under way",
    category="upgrade",
    needs=(
        need(PLANS, "spec.version", "spec.image", "status.currentPhase", "status.conditions", optional=True),
        need(LEFT_PLANS, optional=True, unserved_is_empty=True),
        need(DEPLOYMENTS, optional=True, namespaces=("harvester-system",)),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The server does not know UpgradePlans: it accepts an Upgrade beside one, and both then drain the same nodes.",
    how="The cluster is being upgraded by the experimental Addon harvester-upgrade-manager, or was and it failed.",
    fix="Let the UpgradePlan end, or delete it while no node is being upgraded; remove what a failed one left.",
    causes={
        "plan-running": "An UpgradePlan has not ended: wait for it, or delete it while no node is being upgraded.",
        "plan-not-served": "An UpgradePlan is meant, and the cluster knows none: enable Addon harvester-upgrade-manager "
        "(1.8.0 and later), or create an Upgrade.",
        "plan-failed": "An UpgradePlan has failed: look for its Plans, its repository and paused ManagedCharts.",
    },
)
def upgrade_plan_in_progress(view: View) -> Iterator[Outcome]:
    """Yield a finding for every UpgradePlan that has not ended, and a warning for every one that has failed."""
    missing, meant = view.missing(PLANS), view.upgrade.via is Via.UPGRADE_PLAN
    if lies_in(view.upgrade.from_version, "<1.8.0"):
        yield _not_served("come with 1.8.0") if meant else NotApplicable("UpgradePlans come with 1.8.0")
    elif missing and missing.code is Code.NOT_SERVED:
        yield _not_served("are not served") if meant else NotApplicable("the cluster does not serve UpgradePlans")
    elif missing:
        yield Unknown(missing)
    else:
        yield from view.each(PLANS, lambda plan: _judge(view, plan))


def _judge(view: View, plan: JsonObject) -> Iterator[Outcome]:
    phase = text_at(plan, "status.currentPhase")
    if phase not in ENDED:
        yield _running(plan, phase, meant=view.upgrade.via is Via.UPGRADE_PLAN)
    elif phase == "Failed":
        yield from _failed(view, plan)


def _not_served(why: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause="plan-not-served",
        message=f"The upgrade is to be made by an UpgradePlan, and UpgradePlans {why}",
        hint="Enable Addon harvester-upgrade-manager, or create an Upgrade instead",
        commands=(kubectl("get addons.harvesterhci.io harvester-upgrade-manager -n harvester-system"),),
        resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", "harvester-system", "harvester-upgrade-manager"),
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused("The server knows no such kind, and refuses to create the UpgradePlan"),
    )


def _running(plan: JsonObject, phase: str, *, meant: bool) -> Finding:
    refuses = meant and condition_status(plan, "Progressing") == "True"
    degraded = condition(plan, "Degraded") or {}
    trouble = text_at(degraded, "message") or text_at(degraded, "reason") if degraded.get("status") == "True" else ""
    target = text_at(plan, "spec.version") or text_at(plan, "spec.image") or "nothing named"
    return Finding(
        severity=FAIL,
        cause="plan-running",
        message=f"UpgradePlan {name_of(plan)} to {target} has not ended: its phase is {phase or 'still empty'}"
        + (f"; it is degraded: {trouble}" if trouble else ""),
        hint="Wait for it to end; delete it only while no node is being upgraded",
        commands=(kubectl("get {} {} -o yaml", PLANS, name_of(plan)),),
        resource=ref_of(plan),
        evidence={"phase": phase or None, "degraded": trouble or None},
        enforced_by=(Enforcer.WEBHOOK if refuses else Enforcer.DOCS,),
        consequence=refused("UpgradePlans' own admission refuses a second while one is Progressing")
        if refuses
        else BOTH,
    )


def _failed(view: View, plan: JsonObject) -> Iterator[Outcome]:
    name = name_of(plan)
    for resource in (LEFT_PLANS, DEPLOYMENTS):
        if missing := view.missing(resource):
            yield Unknown(missing.noting(f"what the failed UpgradePlan {name} left"))
    plans = [found for found in view.read(LEFT_PLANS) if text_at(labels_of(found), f"[{OWNER}]") == name]
    left = [f"Plan {namespace_of(found)}/{name_of(found)}" for found in plans]
    left += [
        f"Deployment {namespace_of(found)}/{name_of(found)}"
        for found in view.read(DEPLOYMENTS)
        if namespace_of(found) == "harvester-system" and name_of(found) == f"{name}-repo"
    ]
    yield Finding(
        severity=WARN,
        cause="plan-failed",
        message=f"UpgradePlan {name} has failed" + (f" and left {', '.join(left)}" if left else ""),
        hint="Delete it and what it left before the next upgrade",
        commands=(
            kubectl("delete {} {}", PLANS, name),
            *(kubectl("delete {} {} -n {}", LEFT_PLANS, name_of(found), namespace_of(found)) for found in plans),
        ),
        resource=ref_of(plan),
        evidence={"left": left},
        enforced_by=(Enforcer.NONE,),
        consequence=degrades(
            Phase.PRELOAD,
            "What it left (Plans, repository, paused charts) may get in the way of the next upgrade",
            Certainty.POSSIBLE,
        ),
    )
