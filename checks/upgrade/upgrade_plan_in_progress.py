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
    hangs,
    kubectl,
    lies_in,
    name_of,
    need,
    refused,
    text_at,
)

from ._diagnosis import CAUSES, PATIENCE, diagnose, finding
from ._failed_plan import DEPLOYMENTS, LEFT_PLANS, PLANS, judge_failed
from ._phases import run_of_plan
from ._reasons import REASONS
from ._sight import NEEDS
from ._steps_before import LOG

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
        need(
            PLANS,
            "spec.version",
            "spec.image",
            "status.currentPhase",
            "status.conditions",
            "status.nodeUpgradeStatuses",
            "status.isoImageID",
            optional=True,
        ),
        need(LEFT_PLANS, optional=True, unserved_is_empty=True),
        need(DEPLOYMENTS, optional=True, namespaces=("harvester-system",)),
        *(one for one in NEEDS if one.resource.name != LEFT_PLANS),
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
        **{cause: text for cause, text in CAUSES.items() if cause != LOG},
    },
    options={"patience": PATIENCE},
    explained_by=REASONS,
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
        yield _running(view, plan, phase, meant=view.upgrade.via is Via.UPGRADE_PLAN)
    elif phase == "Failed":
        yield from judge_failed(view, plan)


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


def _running(view: View, plan: JsonObject, phase: str, *, meant: bool) -> Finding:
    refuses = meant and condition_status(plan, "Progressing") == "True"
    degraded = condition(plan, "Degraded") or {}
    trouble = text_at(degraded, "message") or text_at(degraded, "reason") if degraded.get("status") == "True" else ""
    target = text_at(plan, "spec.version") or text_at(plan, "spec.image") or "nothing named"
    return finding(
        diagnose(view, run_of_plan(plan)),
        cause="plan-running",
        opening=f"UpgradePlan {name_of(plan)} to {target} has not ended: its phase is {phase or 'still empty'}"
        + (f"; it is degraded: {trouble}" if trouble else ""),
        evidence={"phase": phase or None, "degraded": trouble or None},
        enforced_by=(Enforcer.WEBHOOK if refuses else Enforcer.DOCS,),
        consequence=refused("UpgradePlans' own admission refuses a second while one is Progressing")
        if refuses
        else BOTH,
    )
