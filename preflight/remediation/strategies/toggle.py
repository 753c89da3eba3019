"""Disable a failed Addon and enable it again: the way its controller means a failure to be cleared.

Rule: with OperationFailed True the addon controller does nothing more until the Addon is disabled; InProgress is then
False, so the webhook lets the edit pass. Disabling uninstalls the chart, enabling installs it. The same leads out of
AddonDisabling with spec.enabled true, a state for which the controller has no branch; where the Job that uninstalls the
chart has failed for good, that Job goes first, since nobody tries it again.
"""

from __future__ import annotations

from preflight.fields import condition_status
from preflight.remediation.case import (
    Case,
    addon_enabled,
    addon_status,
    failure_time,
    in_progress,
    settled_goal,
    target_with_uid,
)
from preflight.remediation.plan import Action, Goal, Refused, Step, Target, by_hand
from preflight.remediation.strategies.recreate_job import delete_failed_job, failed_delete_job

RISK = (
    "the chart is uninstalled and installed again: what it serves is away for minutes; it fails once more unless the "
    "reason of the failure was cured first"
)


def steps(case: Case) -> list[Step]:
    """Plan two edits of spec.enabled, each waited for."""
    addon = case.addon
    if not addon_enabled(addon):
        raise Refused("the Addon is disabled already")
    if in_progress(addon):
        raise Refused("an operation is in progress on it, and the webhook refuses every edit until that has ended")
    half_way = addon_status(addon) == "AddonDisabling"
    if condition_status(addon, "OperationFailed") != "True" and not half_way:
        raise Refused("its condition OperationFailed is not True, so disabling it would clear nothing")
    target = target_with_uid(addon)
    # The later edit meets an object that the first one and the controller have changed: only the uid is known now.
    later = Target(target.api_version, target.kind, target.namespace, target.name, target.uid)
    disabled = settled_goal(target, enabled=False, stale=failure_time(addon))
    if half_way and failed_delete_job(case) is not None:
        job = delete_failed_job(case, "toggle")
        return [_edit(case, target, Goal(), enabled=False), job, _edit(case, later, _enabled(later), enabled=True)]
    return [_edit(case, target, disabled, enabled=False), _edit(case, later, _enabled(later), enabled=True)]


def _enabled(target: Target) -> Goal:
    return settled_goal(target, enabled=True)


def _edit(case: Case, target: Target, goal: Goal, *, enabled: bool) -> Step:
    word = str(enabled).lower()
    patch = f'{{"spec":{{"enabled":{word}}}}}'
    return Step(
        action=Action.UPDATE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="toggle",
        reason="enables it again: a fresh installation with a fresh Job" if enabled else "clears the recorded failure",
        risk=RISK,
        undo=f"set spec.enabled to {str(not enabled).lower()}",
        commands=(
            by_hand("-n {} patch addons.harvesterhci.io {} --type merge -p {}", case.namespace, case.name, patch),
            by_hand(
                "-n {} wait addons.harvesterhci.io {} --timeout 15m --for {}",
                case.namespace,
                case.name,
                f"jsonpath={{.status.status}}={'AddonDeploySuccessful' if enabled else 'AddonDisabled'}",
            ),
        ),
        also=() if enabled else (Target("helm.cattle.io/v1", "HelmChart", case.namespace, case.name),),
        body={"spec": {"enabled": enabled}},
        goal=goal,
    )
