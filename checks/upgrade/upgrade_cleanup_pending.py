"""From 1.7 on the server refuses a new Upgrade until the last one has removed its repository and images.

Rule: validator.go Create (v1.7.0 to v1.9.0-rc6): any Upgrade with label harvesterhci.io/upgradeCleanup=Pending gives
409, before skipWebhook is looked at. check.sh does not look.
Edges: an upgrade that ended in either way becomes Pending first; a Pending that stays means the cleanup hangs.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    check,
    condition,
    kubectl,
    labels_of,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

CLEANUP_LABEL = "harvesterhci.io/upgradeCleanup"


@check(
    id="upgrade-cleanup-pending",
    title="The last upgrade has cleaned up after itself",
    category="upgrade",
    needs=(need("upgrades.harvesterhci.io", "spec.version", "status.conditions"),),
    from_versions=">=1.7.0",
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server answers 409 to a new Upgrade while an old one still cleans up; no annotation gets past that.",
    how="An upgrade just ended, or what it wants to remove (repository, images) is gone or held by something else.",
    fix="Give it some minutes. If it stays Pending, delete the ended Upgrade object; the next one can then be created.",
    causes={"cleanup-pending": "An ended Upgrade is still labelled Pending: wait, then delete it if it never moves."},
    consequence=refused("The server answers 409 to the new Upgrade until the old one has cleaned up or is deleted"),
)
def upgrade_cleanup_pending(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Upgrade whose cleanup has not ended."""
    yield from view.each("upgrades.harvesterhci.io", _judge)


def _judge(upgrade: JsonObject) -> Iterator[Outcome]:
    if text_at(labels_of(upgrade), f"[{CLEANUP_LABEL}]") != "Pending":
        return
    name = name_of(upgrade)
    completed = condition(upgrade, "Completed") or {}
    ended = text_at(completed, "lastTransitionTime") or text_at(completed, "lastUpdateTime")
    yield Finding(
        severity=FAIL,
        cause="cleanup-pending",
        message=f"Upgrade {name} to {text_at(upgrade, 'spec.version') or 'an image'} has not finished its cleanup"
        + (f" (it ended {ended})" if ended else ""),
        hint="Wait for the cleanup; if it does not move within some minutes, delete this ended Upgrade",
        commands=(
            kubectl("get upgrades.harvesterhci.io {} -n harvester-system --show-labels", name, why="see if it moves"),
            kubectl("delete upgrades.harvesterhci.io {} -n harvester-system", name, why="only if it never moves"),
        ),
        resource=ref_of(upgrade),
        evidence={"cleanup": "Pending", "endedAt": ended or None},
        transient=True,
    )
