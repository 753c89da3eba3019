"""What an upgrade waits for while it upgrades the system services: its Job apply-manifests, Addons, charts.

Rule: upgrade_manifests.sh of the target (v1.4.0 to v1.9.0-rc6) is `bash -e`: one Job, whose first failing command ends
the pod; each retry starts over. It patches Addons, and the addon webhook denies every patch while an operation is in
progress; it waits, without limit, for the ManagedCharts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    boolean_at,
    condition,
    condition_status,
    kubectl,
    name_of,
    namespace_of,
    parse_version,
    ref_of,
    text_at,
    time_at,
    tool,
)

from ._sight import ADDONS, CHARTS, JOBS, PLANS, Looks, Seen, Sight, Wait
from ._steps_before import PLAN_LABEL, job_wait
from ._workloads import full_name, job_ended, newest, quoted

ADDON, MANIFESTS, CHART = "waits-for-addon", "waits-for-manifests", "waits-for-chart"
FLEET = "fleet-local"
UPDATING = "AddonUpdating"
"""The status that the upgrade's own patch of an Addon leads to."""
SETTLES = timedelta(minutes=10)
"""How long an operation may take that began in this step, and so may be the upgrade's own."""
CANNOT_APPLY = ("ErrApplied", "error validating", "cannot patch", "Invalid value", "forbidden", "timed out waiting")
"""Words of a chart's message that do not pass by themselves."""


def look_at_services(sight: Sight) -> Looks:
    """Yield the Addons that refuse the script's patches, its Job, its Plans and the charts it waits for."""
    yield from (_addon(sight, addon) for addon in sight.read(ADDONS) if _refuses(sight, addon))
    jobs = sight.own(JOBS, "manifest") or sight.own(JOBS, "cluster-upgrade")
    job = newest(jobs)
    if job is not None and job_ended(job) != "Complete":
        yield job_wait(sight, job, MANIFESTS)
    elif job is None and JOBS not in sight.unread:
        yield Seen("Job apply-manifests: there is none")
    for plan in (plan for plan in sight.own(PLANS) if "skip-" in name_of(plan)):
        for one in sight.read(JOBS):
            from_plan = _label(one, PLAN_LABEL) == name_of(plan)
            if from_plan and job_ended(one) != "Complete":
                yield job_wait(sight, one, MANIFESTS, f"Plan {name_of(plan)}: ")
    yield from (_chart(chart) for chart in sight.read(CHARTS) if condition_status(chart, "Ready") not in ("", "True"))


def _label(obj: JsonObject, key: str) -> str:
    return text_at(obj, f"metadata.labels[{key}]")


def _refuses(sight: Sight, addon: JsonObject) -> bool:
    """Say whether the scripts of the target write to this Addon, and the webhook will not have it."""
    if condition_status(addon, "InProgress") != "True":
        return False
    named = text_at(sight.run.obj, "spec.version")
    target = (parse_version(named) if named else None) or sight.view.upgrade.to_version
    release = sight.view.release(target)
    if release is None:
        return True
    known = release.addon(namespace_of(addon), name_of(addon))
    if known is None or known.patched == "never":
        return False
    return known.patched != "other-version" or text_at(addon, "spec.version") != known.version or _rewritten(addon)


def _rewritten(addon: JsonObject) -> bool:
    """Say whether the scripts may write to it for its values too, which are not looked at here."""
    return name_of(addon) in ("rancher-logging", "rancher-monitoring")


def _addon(sight: Sight, addon: JsonObject) -> Seen:
    place = full_name(addon)
    entry = condition(addon, "InProgress") or {}
    status = text_at(addon, "status.status") or "without status"
    enabled = "enabled" if boolean_at(addon, "spec.enabled") else "disabled"
    words = f"Addon {place} ({enabled}, {status}): an operation is in progress on it, so every patch of it is denied"
    since = time_at(entry, "lastUpdateTime")
    wait = Wait(
        ADDON,
        words,
        ref_of(addon),
        status != UPDATING or not _may_be_its_own(sight, since),
        "Find out by gate addon-stuck what the Addon waits for, and cure that; the Job's next try then passes",
        (tool("fix --during-upgrade --only {}", f"addon-stuck:{place}"),),
        {"chart": (name_of(addon),)},
        since,
    )
    return Seen(f"Addon {place}: {status}, an operation in progress", wait)


def _may_be_its_own(sight: Sight, began: datetime | None) -> bool:
    """Say whether the upgrade itself may have begun an operation, and it is not overdue."""
    if began is None or sight.run.since is None:
        return False
    return began >= sight.run.since and sight.now - began <= SETTLES


def _chart(chart: JsonObject) -> Seen:
    said = quoted(text_at(condition(chart, "Ready") or {}, "message"))
    words = f"ManagedChart {full_name(chart)}, which is not Ready{f': {said}' if said else ''}"
    wait = Wait(
        CHART,
        words,
        ref_of(chart),
        any(word in said for word in CANNOT_APPLY),
        "Read what fleet could not apply, and undo what stands against it",
        (kubectl("describe bundles.fleet.cattle.io mcc-{} -n {}", name_of(chart), FLEET),),
        {"chart": (name_of(chart),)},
    )
    return Seen(words, wait)
