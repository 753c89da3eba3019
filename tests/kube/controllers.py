"""Stand-ins for the controllers that make Addons move: Harvester's, helm-controller, the Job controller, a kubelet.

They are deterministic. A step looks at the whole cluster once: Jobs first, then Addons, then HelmCharts. On a
KubeServer with `controllers=True` a step is taken at the start of each request, as soon as `delay` requests have come
in since something was last changed by a client; `server.tick()` takes one at any time. They write through the small
`Cluster` interface, so the same code drives a real API server.

What they do for an Addon is what Harvester 1.4 does, its flaws included: a Job counts only if it was created at or
after the operation began, by `skew` on the clock of the node that runs harvester.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from . import objects
from .objects import condition, created, finished, parse_time, set_condition
from .store import Cluster, Obj, stamp

ADDONS = ("addons", "harvesterhci.io")
CHARTS = ("helmcharts", "helm.cattle.io")
JOBS = ("jobs", "batch")
FINALIZER = "wrangler.cattle.io/on-helm-chart-remove"


class Outcome(StrEnum):
    """How the Job of an addon ends."""

    SUCCEED = "succeed"
    FAIL = "fail"
    """The backoff limit is reached."""
    NEVER = "never"
    """It runs for ever."""
    IMAGE_PULL = "image-pull"
    """Its image cannot be had."""


class Controllers:
    """All stand-ins over one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.running = False
        """Whether requests drive them; `step` works in any case."""
        self.delay = 1
        self.skew = timedelta(0)
        """How far the clock of the node that runs harvester is ahead of the API server's."""
        self.outcomes: dict[str, Outcome] = {}
        """By Job name (`helm-install-NAME`); those not named succeed. May be changed while a Job runs."""
        self._jobs: set[str] = set()

    def step(self) -> None:
        """Look at everything once."""
        for job in self.cluster.list(*JOBS):
            if job["metadata"]["uid"] in self._jobs and not finished(job):
                self._run(job)
        for addon in self.cluster.list(*ADDONS):
            if not addon["metadata"].get("deletionTimestamp"):
                self._addon(addon)
        for chart in self.cluster.list(*CHARTS):
            if chart["metadata"].get("deletionTimestamp"):
                self._uninstall(chart)
            else:
                self._install(chart)

    # -- Jobs and their pods -------------------------------------------------------------------------------------

    def _start(self, chart: Obj, action: str) -> None:
        made = self.cluster.create(objects.job(chart, action))
        self._jobs.add(made["metadata"]["uid"])
        self.cluster.create(objects.pod(made))
        made["status"] = {"active": 1, "ready": 0, "startTime": stamp(self.cluster.now())}
        self.cluster.update_status(made)

    def _run(self, job: Obj) -> None:
        outcome = self.outcomes.get(job["metadata"]["name"], Outcome.SUCCEED)
        now = stamp(self.cluster.now())
        self._set_pods(job, outcome, now)
        status = dict(job.get("status") or {})
        if outcome in (Outcome.SUCCEED, Outcome.FAIL):
            status.pop("active", None)
            status.update(_job_end(outcome, now))
        if status != job.get("status"):
            job["status"] = status
            self.cluster.update_status(job)
        if outcome is Outcome.SUCCEED and job["metadata"]["name"].startswith("helm-install-"):
            self._release(job)

    def _set_pods(self, job: Obj, outcome: Outcome, now: str) -> None:
        for pod in self.cluster.list("pods", "", job["metadata"]["namespace"]):
            owners = [ref["uid"] for ref in pod["metadata"].get("ownerReferences") or []]
            if job["metadata"]["uid"] in owners:
                before = pod.get("status") or {}
                status = {**before, **_pod_status(outcome, now, before.get("startTime", now))}
                if status != before:
                    pod["status"] = status
                    self.cluster.update_status(pod)

    def _releases(self, namespace: str, name: str) -> list[Obj]:
        secrets = self.cluster.list("secrets", "", namespace)
        wanted = {"owner": "helm", "name": name}
        return [one for one in secrets if wanted.items() <= (one["metadata"].get("labels") or {}).items()]

    def _release(self, job: Obj) -> None:
        namespace, name = job["metadata"]["namespace"], job["metadata"]["labels"][objects.CHART_LABEL]
        newest = 0
        for secret in self._releases(namespace, name):
            labels = secret["metadata"]["labels"]
            newest = max(newest, int(labels.get("version", 0)))
            if labels.get("status") == "deployed":
                labels["status"] = "superseded"
                self.cluster.update(secret)
        self.cluster.create(objects.release(namespace, name, newest + 1))

    # -- helm-controller -----------------------------------------------------------------------------------------

    def _install(self, chart: Obj) -> None:
        metadata = chart["metadata"]
        if FINALIZER not in (metadata.get("finalizers") or []):
            metadata["finalizers"] = [*(metadata.get("finalizers") or []), FINALIZER]
            chart = self.cluster.update(chart)
        self._ensure(chart, "install")

    def _ensure(self, chart: Obj, action: str) -> Obj | None:
        name, namespace = chart["metadata"]["name"], chart["metadata"]["namespace"]
        job = self.cluster.get(*JOBS, namespace, f"helm-{action}-{name}")
        if job is not None and action == "install" and objects.outdated(job, chart):
            self.cluster.delete(*JOBS, namespace, job["metadata"]["name"])
            job = None
        if job is None:
            self._start(chart, action)
        if (chart.get("status") or {}).get("jobName") != f"helm-{action}-{name}":
            chart["status"] = {**(chart.get("status") or {}), "jobName": f"helm-{action}-{name}"}
            self.cluster.update_status(chart)
        return job

    def _uninstall(self, chart: Obj) -> None:
        metadata = chart["metadata"]
        name, namespace = metadata["name"], metadata["namespace"]
        if FINALIZER not in (metadata.get("finalizers") or []):
            return
        self.cluster.delete(*JOBS, namespace, f"helm-install-{name}")
        job = self._ensure(chart, "delete")
        if job is None or not (job.get("status") or {}).get("succeeded"):
            return
        for secret in self._releases(namespace, name):
            self.cluster.delete("secrets", "", namespace, secret["metadata"]["name"])
        self.cluster.delete(*JOBS, namespace, job["metadata"]["name"])
        metadata["finalizers"] = [entry for entry in metadata["finalizers"] if entry != FINALIZER]
        self.cluster.update(chart)

    # -- Harvester's addon controller ----------------------------------------------------------------------------

    def _addon(self, addon: Obj) -> None:
        metadata = addon["metadata"]
        chart = self.cluster.get(*CHARTS, metadata["namespace"], metadata["name"])
        status = (addon.get("status") or {}).get("status") or ""
        enabled = bool(addon.get("spec", {}).get("enabled"))
        if status == "AddonDisabling":
            if not enabled:  # enabled again half-way: there is no branch for it, so it stays so for ever
                self._disabling(addon, chart)
        elif not enabled:
            if status not in ("", "AddonDisabled") and condition(addon, "InProgress").get("status") != "True":
                self._begin(addon, "AddonDisabling")
                self.cluster.delete(*CHARTS, metadata["namespace"], metadata["name"])
        elif status in ("", "AddonDisabled"):
            self._enable(addon, chart)
        elif status in ("AddonEnabling", "AddonUpdating"):
            self._poll(addon, chart)
        elif chart is not None and condition(addon, "OperationFailed").get("status") != "True":
            self._update(addon, chart)

    def _update(self, addon: Obj, chart: Obj) -> None:
        wanted = objects.helm_chart(addon)["spec"]
        if any(chart["spec"].get(key) != wanted[key] for key in ("chart", "repo", "version", "valuesContent")):
            self._begin(addon, "AddonUpdating")
            chart["spec"] = wanted
            self.cluster.update(chart)

    def _begin(self, addon: Obj, status: str) -> None:
        if condition(addon, "InProgress").get("status") != "True":
            moment = self.cluster.now() + self.skew
            set_condition(addon, "InProgress", True, moment)
            set_condition(addon, "Completed", False, moment)
            set_condition(addon, "OperationFailed", False, moment)
        addon["status"]["status"] = status
        self.cluster.update_status(addon)

    def _end(self, addon: Obj, status: str, failure: str = "") -> None:
        moment = self.cluster.now() + self.skew
        set_condition(addon, "InProgress", False, moment)
        if failure:
            set_condition(addon, "OperationFailed", True, moment, failure)
        else:
            set_condition(addon, "Completed", True, moment)
            set_condition(addon, "OperationFailed", False, moment)
        addon["status"]["status"] = status
        self.cluster.update_status(addon)

    def _enable(self, addon: Obj, chart: Obj | None) -> None:
        if chart is not None:
            ours = any(ref["uid"] == addon["metadata"]["uid"] for ref in chart["metadata"].get("ownerReferences") or [])
            if not ours or chart["metadata"].get("deletionTimestamp"):
                return
        self._begin(addon, "AddonEnabling")
        if chart is None:
            self.cluster.create(objects.helm_chart(addon))

    def _poll(self, addon: Obj, chart: Obj | None) -> None:
        if chart is None:
            self._end(addon, "AddonDisabled")
            return
        job = self._counting_job(addon, chart)
        if job is None or not finished(job) or condition(addon, "OperationFailed").get("status") == "True":
            return
        if job["status"].get("failed"):
            failure = f"addon deployment job {job['metadata']['name']} failed"
            self._end(addon, addon["status"]["status"], failure)
        elif job["status"].get("succeeded"):
            self._end(addon, "AddonDeploySuccessful")

    def _counting_job(self, addon: Obj, chart: Obj) -> Obj | None:
        began = parse_time(condition(addon, "InProgress").get("lastUpdateTime"))
        name = (chart.get("status") or {}).get("jobName")
        job = self.cluster.get(*JOBS, chart["metadata"]["namespace"], name) if name else None
        return job if job is not None and began is not None and created(job) >= began else None

    def _disabling(self, addon: Obj, chart: Obj | None) -> None:
        if chart is None:
            self._end(addon, "AddonDisabled")
            return
        deleted = parse_time(chart["metadata"].get("deletionTimestamp"))
        name = (chart.get("status") or {}).get("jobName") or ""
        if deleted is None or not name.startswith("helm-delete"):
            return
        job = self.cluster.get(*JOBS, chart["metadata"]["namespace"], name)
        if job is None or created(job) < deleted or not finished(job):
            return
        if not job["status"].get("failed"):
            self._end(addon, "AddonDisabled")
        elif condition(addon, "OperationFailed").get("status") != "True":
            self._end(addon, "AddonDisabling", f"addon disable job {name} failed")


def _job_end(outcome: Outcome, now: str) -> Obj:
    def true(name: str, reason: str, message: str) -> Obj:
        times = {"lastProbeTime": now, "lastTransitionTime": now}
        return {"type": name, "status": "True", "reason": reason, "message": message, **times}

    if outcome is Outcome.SUCCEED:
        text = ("CompletionsReached", "Reached expected number of succeeded pods")
        conditions = [true("SuccessCriteriaMet", *text), true("Complete", *text)]
        return {"succeeded": 1, "completionTime": now, "ready": 0, "terminating": 0, "conditions": conditions}
    text = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    return {
        "failed": 1,
        "ready": 0,
        "terminating": 0,
        "conditions": [true("FailureTarget", *text), true("Failed", *text)],
    }


def _pod_status(outcome: Outcome, now: str, start: str) -> Obj:
    phase, restarts = (
        {"succeed": "Succeeded", "fail": "Failed", "never": "Running"}.get(outcome, "Pending"),
        0,
    )
    state: Obj = {"running": {"startedAt": start}}
    if outcome in (Outcome.SUCCEED, Outcome.FAIL):
        code, reason = (0, "Completed") if outcome is Outcome.SUCCEED else (1, "Error")
        state = {"terminated": {"exitCode": code, "reason": reason, "startedAt": start, "finishedAt": now}}
    elif outcome is Outcome.IMAGE_PULL:
        message = f'Back-off pulling image "{objects.IMAGE}"'
        state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    container = {
        "name": "helm",
        "image": objects.IMAGE,
        "imageID": "",
        "ready": outcome is Outcome.NEVER,
        "restartCount": restarts,
        "state": state,
        "lastState": {},
    }
    return {"phase": phase, "startTime": start, "containerStatuses": [container]}
