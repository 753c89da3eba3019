"""What an UpgradePlan that has failed leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Unknown,
    View,
    degrades,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    text_at,
)

PLANS, LEFT_PLANS, DEPLOYMENTS = (
    "upgradeplans.management.harvesterhci.io",
    "plans.upgrade.cattle.io",
    "deployments.apps",
)
OWNER = "management.harvesterhci.io/upgrade-plan"


def judge_failed(view: View, plan: JsonObject) -> Iterator[Outcome]:
    """Yield a warning with what it left, and what could not be looked for."""
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
