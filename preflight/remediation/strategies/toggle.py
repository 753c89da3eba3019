"""Disable a failed Addon and enable it again: the way its controller means a failure to be cleared.

Rule: with OperationFailed True the addon controller does nothing more until the Addon is disabled; InProgress is then
False, so the webhook lets the edit pass. Disabling uninstalls the chart, enabling installs it.
"""

from __future__ import annotations

from preflight.fields import condition_status
from preflight.remediation.case import Case, addon_enabled, in_progress, settled_goal, target_with_uid
from preflight.remediation.plan import Action, Refused, Step, Target

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
    if condition_status(addon, "OperationFailed") != "True":
        raise Refused("its condition OperationFailed is not True, so disabling it would clear nothing")
    target = target_with_uid(addon)
    # The second edit meets an object that the first one and the controller have changed: only the uid is known now.
    later = Target(target.api_version, target.kind, target.namespace, target.name, target.uid)
    return [_edit(case, target, enabled=False), _edit(case, later, enabled=True)]


def _edit(case: Case, target: Target, *, enabled: bool) -> Step:
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
            f"kubectl -n {case.namespace} patch addons.harvesterhci.io {case.name} --type merge -p '{patch}'",
            f"kubectl -n {case.namespace} wait addons.harvesterhci.io {case.name} --timeout 15m "
            f"--for jsonpath='{{.status.status}}'={'AddonDeploySuccessful' if enabled else 'AddonDisabled'}",
        ),
        also=() if enabled else (Target("helm.cattle.io/v1", "HelmChart", case.namespace, case.name),),
        body={"spec": {"enabled": enabled}},
        goal=settled_goal(target, enabled=enabled),
    )
