"""What to say and what to do about each cause: a sentence, the next commands, and the repair that fits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from preflight.api import Remediation, UpgradePair, human_duration, lies_in, name_of, namespace_of, text_at

from ._causes import Cause, last_terminated, predates, pull_problem, restarts, unschedulable
from ._commands import shell
from ._facts import CHARTS, DISABLED, JOBS, PODS, Facts
from ._timeline import release_status

LIKELY_SKEW = timedelta(minutes=5)
"""Clocks that differ by more are noticed otherwise, so a larger gap has likely another reason."""


def sentence(facts: Facts, cause: Cause) -> str:
    """Say in one sentence what holds the Addon up."""
    job = name_of(facts.job) if facts.job else facts.job_name or f"helm-install-{name_of(facts.addon)}"
    in_vain = _IN_VAIN if facts.latched and cause.id in _STILL_AT_WORK else ""
    return _SENTENCES[cause.id](facts, job) + in_vain


_STILL_AT_WORK = ("job-missing", "job-image-pull", "job-accounting-stale", "job-retrying", "job-running")
_IN_VAIN = ", and whatever comes of it goes unnoticed, since an earlier failure is recorded until the Addon is disabled"


def _finalizers(facts: Facts) -> str:
    held = (facts.chart or {}).get("metadata", {}).get("finalizers") or []
    return f", held by {', '.join(map(str, held))}" if isinstance(held, list) and held else ""


def _predating(facts: Facts, job: str) -> str:
    assert facts.began is not None
    assert facts.created is not None
    gap = human_duration(facts.began - facts.created)
    done = "succeeded" if facts.completed else "failed"
    return (
        f"its Job {job} {done}, but was created {gap} before the operation is said to have begun, so the controller "
        f"ignores it for ever ({_why_older(facts.began - facts.created)})"
    )


def _why_older(gap: timedelta) -> str:
    clock = "the clock of the harvester pod's node was ahead of the API server's"
    if gap <= LIKELY_SKEW:
        return f"most likely {clock}"
    return f"probably the operation began anew and helm-controller saw no reason for a new Job, or {clock}"


def _running(facts: Facts, job: str) -> str:
    why = unschedulable(facts)
    text = f"its Job {job} is still running" + (f"; its pod finds no node: {why}" if why else "")
    return text + (
        ", and will be ignored when it ends, since it is older than the operation" if predates(facts) else ""
    )


def _image(facts: Facts, job: str) -> str:
    image, reason = pull_problem(facts) or ("?", "?")
    return f"the pod of its Job {job} cannot pull the image {image} ({reason})"


def _retrying(facts: Facts, job: str) -> str:
    said = last_terminated(facts)
    failures = facts.count("failed")
    tries = f"{failures} failed pods" if failures else f"{restarts(facts)} container restarts"
    return f"its Job {job} keeps failing ({tries})" + (f"; the container said last: {said}" if said else "")


def _disabling(facts: Facts, job: str) -> str:
    unread = [facts.unread[name] for name in (CHARTS, JOBS, PODS) if name in facts.unread]
    if unread:
        return f"it is to be disabled, and how far that got could not be read ({'; '.join(unread)})"
    if facts.in_progress and facts.status != "AddonDisabling":
        older = ", which is older than that operation and so is ignored" if facts.finished and predates(facts) else ""
        return f"it is to be disabled, and its controller first waits for the operation before that to end: Job {job}{older}"
    if facts.chart is None:
        return "it is to be disabled, its HelmChart is gone, and the status does not follow"
    pods = ", ".join(f"{name_of(pod)} is {text_at(pod, 'status.phase') or 'without a phase'}" for pod in facts.pods)
    where = f"the Job {job} {'exists' if facts.job else 'does not exist'}" + (f", its pod {pods}" if pods else "")
    return f"it is to be disabled and the HelmChart is still there{_finalizers(facts)}; {where}"


def _undecided(facts: Facts, job: str) -> str:
    if facts.enabled and not facts.in_progress and facts.status in DISABLED and not facts.unread:
        return "its controller has not begun to enable it"
    return "why cannot be told from what was read"


_SENTENCES: dict[str, Callable[[Facts, str], str]] = {
    "operation-time-missing": lambda f, j: (
        f"an operation is in progress whose time is {f.began_text!r}, which the controller cannot read, so it never ends"
        if f.began_text
        else "an operation is in progress without the time it began, which the controller needs to end it"
    ),
    "helm-chart-missing": lambda f, j: "its HelmChart does not exist; the controller starts over when it notices",
    "helm-chart-terminating": lambda f, j: (
        f"its HelmChart is being deleted{_finalizers(f)}, and everything waits for it"
    ),
    "helm-chart-foreign": lambda f, j: (
        "a HelmChart of its name exists that this Addon does not own, and the controller waits for it to go, for ever"
    ),
    "job-not-created": lambda f, j: "helm-controller has not created a Job for its HelmChart",
    "job-missing": lambda f, j: f"its HelmChart names the Job {j}, which does not exist",
    "job-predates-operation": _predating,
    "job-image-pull": _image,
    "job-accounting-stale": lambda f, j: (
        f"the pod of its Job {j} succeeded, and the Job never noticed: it counts {f.count('active')} active, "
        f"{f.count('succeeded')} succeeded"
    ),
    "job-retrying": _retrying,
    "job-running": _running,
    "job-failed": lambda f, j: f"its Job {j} failed for good; the controller waits until somebody disables the Addon",
    "failure-latched": lambda f, j: (
        f"an earlier failure is latched (OperationFailed) although its Job {j} has succeeded since; the controller looks "
        "no further until the Addon is disabled"
    ),
    "job-failed-unrecognised": lambda f, j: (
        f"its Job {j} failed with reason {f.failed_reason or 'none'}, which the controller does not take for a failure"
    ),
    "status-not-updated": lambda f, j: (
        f"its Job {j} is done, and the status did not follow: the addon controller is not working"
    ),
    "disabling-stalled": _disabling,
    "idle-operation": lambda f, j: (
        "no operation is going on, yet InProgress is still True, so every change to it is denied"
    ),
    "helm-release-pending": lambda f, j: (
        f"its Helm release is {release_status(f)} and no Job is working on it: Helm refuses the next one"
    ),
    "progressing": lambda f, j: "an operation has begun and is not overdue",
    "unknown": _undecided,
}


def remediation(facts: Facts, cause: Cause, pair: UpgradePair) -> Remediation | None:
    """Name the gentlest repair that is known to work; None where only the administrator can act."""
    if cause.transient:
        return None
    if cause.id == "helm-chart-foreign":
        return None if lies_in(pair.from_version, ">=1.7.0") is not False else Remediation("rebuild", False)
    strategy, automatic = _REPAIRS.get(cause.id, ("", False))
    if strategy == "recreate-job" and facts.latched:  # a new Job would go unnoticed
        return Remediation("toggle", False)
    return Remediation(strategy, automatic) if strategy else None


_REPAIRS = {
    "job-predates-operation": ("recreate-job", True),
    "job-accounting-stale": ("recreate-job", True),
    "job-failed-unrecognised": ("recreate-job", True),
    "job-missing": ("recreate-job", True),
    "job-failed": ("toggle", False),
    "failure-latched": ("toggle", False),
    "idle-operation": ("settle-status", False),
    "operation-time-missing": ("settle-status", False),
}
"""Cause → (strategy, whether it may be applied unasked). For failure-latched InProgress is False, so disabling and
enabling is allowed and is gentler on the truth than writing the status by hand."""


def hint(facts: Facts, cause: Cause, repair: Remediation | None) -> str:
    """Say what to do: a sentence, then commands ready to paste."""
    namespace, name = namespace_of(facts.addon), name_of(facts.addon)
    job = name_of(facts.job) if facts.job else f"helm-install-{name}"
    pulled = pull_problem(facts) if cause.id == "job-image-pull" else None
    words = {
        "ns": shell(namespace),
        "name": shell(name),
        "job": shell(job),
        "target": "--only " + shell(f"addon-stuck:{namespace}/{name}"),
        "image": shell(pulled[0]) if pulled else "?",
    }
    if repair and repair.strategy == "recreate-job" and facts.job is None:
        return _NUDGE_HINT.format(**words)
    if repair:
        return _REPAIR_HINTS[repair.strategy].format(**words)
    if cause.id == "job-retrying" and "another operation (install/upgrade/rollback)" in last_terminated(facts):
        return _BLOCKED_RELEASE.format(**words)
    return _HINTS.get(cause.id, _LOOK).format(**words)


_LOOK = (
    "Look at the Addon, its HelmChart, Job and pods\n"
    "kubectl get addons.harvesterhci.io,helmcharts.helm.cattle.io,jobs,pods -n {ns} -o wide\n"
    "kubectl describe addons.harvesterhci.io {name} -n {ns}\n"
    "kubectl logs -n harvester-system deployment/harvester --tail=100"
)
_LOGS = "kubectl logs -n {ns} job/{job} --tail=50\nkubectl describe job -n {ns} {job}"
_REPAIR_HINTS = {
    "recreate-job": (
        "Delete only the Job: helm-controller makes it again, younger than the operation; nothing is uninstalled\n"
        "harvester-preflight fix {target} --apply\n"
        "kubectl delete job {job} -n {ns}   # the same by hand"
    ),
    "toggle": (
        "Remove what made the Job fail first, then disable the Addon, wait for AddonDisabled, and enable it again\n"
        "kubectl logs -n {ns} job/{job} --tail=50\n"
        "harvester-preflight fix {target} --apply"
    ),
    "settle-status": (
        "Write the status by hand, once the Helm release is known to be deployed; this is the last resort\n"
        "harvester-preflight fix {target}\n"
        "harvester-preflight fix {target} --apply --force"
    ),
    "rebuild": (
        "Find out who owns that HelmChart; rebuilding the Addon uninstalls it\n"
        "kubectl get helmcharts.helm.cattle.io {name} -n {ns} -o yaml\n"
        "harvester-preflight fix {target}"
    ),
}
_RELEASE = (
    "helm history {name} -n {ns}\nhelm rollback {name} -n {ns}   # keeps the addon\n"
    "helm uninstall {name} -n {ns}   # removes it; the controller installs it again"
)
_BLOCKED_RELEASE = (
    "An earlier run of Helm was cut off and left the release pending: go back to its last good revision, or uninstall it; "
    "the Job then goes on by itself\n" + _RELEASE
)
_NUDGE_HINT = (
    "Make helm-controller look at the HelmChart again, so that it creates the Job; nothing is uninstalled\n"
    "harvester-preflight fix {target} --apply\n"
    "kubectl describe helmcharts.helm.cattle.io {name} -n {ns}"
)
_HINTS = {
    "job-image-pull": (
        "Import the image on every node (air-gapped: from the release's image list), or mend the registry; the Job goes "
        "on by itself\nsudo ctr --address /run/k3s/containerd/containerd.sock -n k8s.io images import IMAGES.tar   "
        "# on each node, must hold {image}\nkubectl describe job -n {ns} {job}"
    ),
    "job-retrying": "Read what the container says and remove the cause; deleting the Job would only repeat it\n"
    + _LOGS,
    "job-running": "Wait, or find out what its pod waits for\n" + _LOGS,
    "job-not-created": (
        "Wait a little; past ten minutes helm-controller (part of rke2-server) is not working\n"
        "kubectl describe helmcharts.helm.cattle.io {name} -n {ns}"
    ),
    "job-missing": "Wait a little: helm-controller makes the Job again\nkubectl get jobs -n {ns}",
    "helm-chart-missing": (
        "Wait a little: the harvester pod makes it again; past ten minutes look at that pod\n"
        "kubectl logs -n harvester-system deployment/harvester --tail=100"
    ),
    "helm-chart-terminating": (
        "Find out why the delete Job does not run or does not finish; do not remove the finalizer by hand\n"
        "kubectl get jobs,pods -n {ns} -l helmcharts.helm.cattle.io/chart={name}"
    ),
    "helm-chart-foreign": (
        "Find out who made that HelmChart. This server does not allow an Addon to be deleted, so the HelmChart must be "
        "moved or removed by its owner\nkubectl get helmcharts.helm.cattle.io {name} -n {ns} -o yaml"
    ),
    "status-not-updated": (
        "The harvester pod does not do its work: look at it; restarting it is your decision\n"
        "kubectl logs -n harvester-system deployment/harvester --tail=100\n"
        "kubectl rollout restart deployment/harvester -n harvester-system"
    ),
    "disabling-stalled": (
        "Look at the Job that uninstalls the chart, and its pod\n"
        "kubectl get jobs,pods -n {ns} -l helmcharts.helm.cattle.io/chart={name}\n"
        "kubectl logs -n {ns} job/helm-delete-{name} --tail=50"
    ),
    "helm-release-pending": "Decide between going back to the last good revision and uninstalling the release\n"
    + _RELEASE,
    "progressing": "Wait for it to end, then check again\nharvester-preflight check --wait 10m",
}
