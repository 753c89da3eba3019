"""Delete the Job, so that helm-controller makes a new one which the addon controller counts.

Rule: the addon controller ignores a Job older than the operation it belongs to, or one that never ends in a way it
knows. A new install Job is younger, and `helm upgrade --install` of what is already there changes nothing. A delete Job
that failed for good is never tried again either; without it helm-controller makes another (measured: after 55 s) as
long as the HelmChart waits to be deleted. Nothing else is touched: the HelmChart and the release stay.
"""

from __future__ import annotations

from preflight.fields import condition_status, text_at, value_at
from preflight.inventory import JsonObject
from preflight.remediation.case import DEPLOYED, DISABLED, Case, addon_enabled, failure_time, target_with_uid
from preflight.remediation.plan import Action, Goal, Refused, Step, Target, Until, by_hand
from preflight.values.times import format_time

NUDGE = "preflight.harvesterhci.io/reconcile-requested"
DELETE_REASON = (
    "the Job that uninstalls the chart failed for good and is never tried again; helm-controller creates a new one within "
    "a minute or so"
)
DELETE_RISK = "it fails once more unless what made it fail was cured first"
RISK = "helm runs once more with the same values; what is installed stays as it is"


def steps(case: Case) -> list[Step]:
    """Plan one deletion, or a nudge where the Job is absent already."""
    if not addon_enabled(case.addon):
        return [delete_failed_job(case)]
    chart = _chart(case)
    job = case.job("helm-install")
    addon = target_with_uid(case.addon)
    if job is None:
        if case.finding.cause != "job-missing":
            raise Refused(f"Job {case.namespace}/helm-install-{case.name} is gone since: run the check again")
        return [_nudge(case, chart, addon)]
    pod = case.running_pod(job)
    if pod:
        raise Refused(f"pod {case.namespace}/{pod} of the Job is at work: stopping helm half-way would do harm")
    target = target_with_uid(job)
    reason = (
        "helm-controller creates the Job again; the new one is younger than the Addon's operation, so the addon "
        "controller counts it"
    )
    return [_delete(case, target, reason, RISK, _goal(addon, target))]


def failed_delete_job(case: Case) -> JsonObject | None:
    """Return the Job that should uninstall the chart and failed for good; None where there is none."""
    job = case.job("helm-delete")
    return job if job is not None and condition_status(job, "Failed") == "True" else None


def delete_failed_job(case: Case, strategy: str = "recreate-job") -> Step:
    """Plan the deletion of the Job that failed to uninstall the chart. Raises Refused where no new one would come."""
    chart, job = case.helm_chart, failed_delete_job(case)
    if job is None:
        raise Refused(f"the Addon is disabled, and Job helm-delete-{case.name} has not failed for good")
    if chart is None or not value_at(chart, "metadata.deletionTimestamp"):
        raise Refused("no HelmChart waits to be deleted, so helm-controller would not create the Job again")
    target, addon = target_with_uid(job), target_with_uid(case.addon)
    words = f"a new Job {target.name} has run and {addon.words} is AddonDisabled"
    goal = Goal(Until.JOB_RECREATED, words, (addon, target), DISABLED, failure_time(case.addon))
    return _delete(case, target, DELETE_REASON, DELETE_RISK, goal, strategy)


def _delete(case: Case, target: Target, reason: str, risk: str, goal: Goal, strategy: str = "recreate-job") -> Step:
    return Step(
        action=Action.DELETE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy=strategy,
        reason=reason,
        risk=risk,
        undo="none needed: helm-controller has made a new Job",
        commands=(by_hand("-n {} delete job {} --cascade=background", case.namespace, target.name),),
        goal=goal,
    )


def _chart(case: Case) -> JsonObject:
    chart = case.helm_chart
    if chart is None:
        raise Refused("there is no HelmChart, so helm-controller would not create the Job again")
    if value_at(chart, "metadata.deletionTimestamp"):
        raise Refused("its HelmChart is being deleted, so helm-controller would not create the Job again")
    if not case.owned(chart):
        raise Refused("its HelmChart does not belong to this Addon, which therefore waits for nothing it does")
    named = text_at(chart, "status.jobName")
    if named and named != f"helm-install-{case.name}":
        raise Refused(f"its HelmChart names Job {named}, not helm-install-{case.name}")
    return chart


def _goal(addon: Target, job: Target) -> Goal:
    words = f"a new Job {job.name} has run and {addon.words} is {DEPLOYED}"
    return Goal(Until.JOB_RECREATED, words, (addon, job), (DEPLOYED,))


def _nudge(case: Case, chart: JsonObject, addon: Target) -> Step:
    target = target_with_uid(chart)
    now = format_time(case.now)
    job = Target("batch/v1", "Job", case.namespace, f"helm-install-{case.name}")
    return Step(
        action=Action.UPDATE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="recreate-job",
        reason="the Job is absent, so there is nothing to delete: an annotation on the HelmChart makes "
        "helm-controller look at it and create the Job",
        risk=RISK,
        undo=f"remove the annotation {NUDGE}",
        commands=(
            by_hand(
                "-n {} annotate helmcharts.helm.cattle.io {} --overwrite {}={}", case.namespace, case.name, NUDGE, now
            ),
        ),
        body={"metadata": {"annotations": {NUDGE: now}}},
        goal=_goal(addon, job),
    )
