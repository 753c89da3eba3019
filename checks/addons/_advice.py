"""What to do about each cause: the repair that fits, one sentence, and the next commands."""

from __future__ import annotations

from collections.abc import Callable

from preflight.api import (
    Command,
    Remediation,
    UpgradePair,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    on_cluster,
    on_node,
    tool,
)

from ._causes import Cause, last_terminated, pull_problem, removal_failed
from ._commands import fix, plain
from ._facts import Facts

CHECK = "addon-stuck"


def remediation(facts: Facts, cause: Cause, pair: UpgradePair) -> Remediation | None:
    """Name the gentlest repair that is known to work; None where only the administrator can act."""
    if cause.transient:
        return None
    if cause.id == "helm-chart-foreign":
        return None if lies_in(pair.from_version, ">=1.7.0") is not False else Remediation("rebuild", False)
    if cause.id == "disabling-stalled":
        may = removal_failed(facts) and facts.chart is not None
        return Remediation("recreate-job", False) if may else None
    if cause.id == "enabled-while-disabling" and facts.in_progress:  # the webhook refuses every edit
        return None
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
    "enabled-while-disabling": ("toggle", False),
    "idle-operation": ("settle-status", False),
    "operation-time-missing": ("settle-status", False),
}
"""Cause → (strategy, whether it may be applied unasked). For failure-latched InProgress is False, so disabling and
enabling is allowed and is gentler on the truth than writing the status by hand."""


def advice(facts: Facts, cause: Cause, repair: Remediation | None) -> tuple[str, tuple[Command, ...]]:
    """Return the sentence that says what to do, and the commands for it."""
    objects = _Objects(facts)
    if repair:
        return _repairing(facts, cause, repair, objects)
    if cause.id == "job-retrying" and "another operation (install/upgrade/rollback)" in last_terminated(facts):
        return _BLOCKED_RELEASE, objects.release()
    if cause.id == "disabling-stalled":
        return _DISABLING[bool(facts.chart)], (*objects.of_chart(), *objects.job_events(), *objects.pod_logs())
    words, commands = _LEFT.get(cause.id, _LOOK)
    return words, commands(objects)


class _Objects:
    """The objects of one Addon as words of commands."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.ns, self.name = plain(namespace_of(facts.addon)), plain(name_of(facts.addon))
        self.job = plain(name_of(facts.job) if facts.job else facts.job_name or f"helm-install-{self.name}")

    def fix(self, *flags: str, why: str = "") -> Command:
        return fix(CHECK, self.ns, self.name, *flags, why=why)

    def pod_logs(self) -> tuple[Command, ...]:
        """What helm says, where a pod of the Job is left: none is once the Job has failed for good."""
        if not self.facts.pods or self.facts.failed_reason is not None:
            return ()
        return (kubectl("logs -n {} job/{} --tail=50", self.ns, self.job),)

    def job_events(self) -> tuple[Command, ...]:
        """What is left to read of a Job whose pods are gone."""
        selector = f"involvedObject.name={self.job}"
        describe = kubectl("describe job -n {} {}", self.ns, self.job)
        events = kubectl("get events -n {} --field-selector {}", self.ns, selector, why="kept for an hour")
        return (describe, events) if self.facts.job else ()

    def of_chart(self) -> tuple[Command, ...]:
        selector = f"helmcharts.helm.cattle.io/chart={self.name}"
        return (kubectl("get jobs,pods -n {} -l {}", self.ns, selector),)

    def chart(self) -> tuple[Command, ...]:
        return (kubectl("get helmcharts.helm.cattle.io {} -n {} -o yaml", self.name, self.ns),)

    def described_chart(self) -> tuple[Command, ...]:
        return (kubectl("describe helmcharts.helm.cattle.io {} -n {}", self.name, self.ns),)

    def everything(self) -> tuple[Command, ...]:
        kinds = "addons.harvesterhci.io,helmcharts.helm.cattle.io,jobs,pods"
        return (
            kubectl("get {} -n {} -o wide", kinds, self.ns),
            kubectl("describe addons.harvesterhci.io {} -n {}", self.name, self.ns),
            *self.controller(),
        )

    def controller(self) -> tuple[Command, ...]:
        return (kubectl("logs -n harvester-system deployment/harvester --tail=100"),)

    def restart(self) -> tuple[Command, ...]:
        return (*self.controller(), kubectl("rollout restart deployment/harvester -n harvester-system"))

    def release(self) -> tuple[Command, ...]:
        return (
            on_cluster("helm history {} -n {}", self.name, self.ns),
            on_cluster("helm rollback {} -n {}", self.name, self.ns, why="keeps the addon"),
            on_cluster(
                "helm uninstall {} -n {}", self.name, self.ns, why="removes it; the controller installs it again"
            ),
        )

    def images(self) -> tuple[Command, ...]:
        image = (pull_problem(self.facts) or ("?", ""))[0]
        ctr = "sudo ctr --address /run/k3s/containerd/containerd.sock -n k8s.io images import IMAGES.tar"
        return (on_node(ctr, why=f"on each node; must hold {plain(image)}"), *self.job_events())

    def wait(self) -> tuple[Command, ...]:
        return (tool("check --wait 10m"),)


def _repairing(facts: Facts, cause: Cause, repair: Remediation, objects: _Objects) -> tuple[str, tuple[Command, ...]]:
    by_hand = kubectl("delete job {} -n {}", objects.job, objects.ns, why="the same by hand")
    match repair.strategy:
        case "recreate-job" if cause.id == "disabling-stalled":
            return _FAILED_REMOVAL, (*objects.job_events(), objects.fix("--apply"), by_hand)
        case "recreate-job" if facts.job is None:
            return _NUDGE, (objects.fix("--apply"), *objects.described_chart())
        case "recreate-job":
            return _RECREATE, (objects.fix("--apply"), by_hand)
        case "toggle" if cause.id == "enabled-while-disabling":
            return _HALF_WAY, (*objects.job_events(), objects.fix("--apply"))
        case "toggle":
            return _TOGGLE, (*objects.job_events(), objects.fix("--apply"))
        case "settle-status":
            return _SETTLE, (objects.fix(), objects.fix("--apply", "--force"))
        case _:
            return _REBUILD, (*objects.chart(), objects.fix())


_RECREATE = "Delete only the Job: helm-controller makes it again, younger than the operation; nothing is uninstalled"
_NUDGE = "Make helm-controller look at the HelmChart again, so that it creates the Job; nothing is uninstalled"
_FAILED_REMOVAL = (
    "Remove what made the uninstalling fail, then delete only the Job: helm-controller soon makes it again"
)
_TOGGLE = "Remove what made the Job fail first, then disable the Addon, wait for AddonDisabled, and enable it again"
_HALF_WAY = "Disable the Addon, wait for AddonDisabled, and enable it again; a delete Job that failed goes first"
_SETTLE = "Write the status by hand, once the Helm release is known to be deployed; this is the last resort"
_REBUILD = "Find out who owns that HelmChart; rebuilding the Addon uninstalls it"
_BLOCKED_RELEASE = (
    "An earlier run of Helm was cut off and left the release pending: go back to its last good revision, or uninstall it; "
    "the Job then goes on by itself"
)
_DISABLING = {
    True: "Look at the Job that uninstalls the chart, and its pod",
    False: "Look at the Jobs and pods of the chart; when none is at work, look at the harvester pod",
}
_Commands = Callable[[_Objects], tuple[Command, ...]]
_LOOK: tuple[str, _Commands] = ("Look at the Addon, its HelmChart, Job and pods", _Objects.everything)
_LEFT: dict[str, tuple[str, _Commands]] = {
    "job-image-pull": (
        "Import the image on every node (air-gapped: from the release's image list), or mend the registry; the Job goes "
        "on by itself",
        _Objects.images,
    ),
    "job-retrying": (
        "Read what the container says and remove the cause; deleting the Job would only repeat it",
        lambda objects: (*objects.pod_logs(), *objects.job_events()),
    ),
    "job-running": (
        "Wait, or find out what its pod waits for",
        lambda objects: (*objects.pod_logs(), *objects.job_events()),
    ),
    "job-not-created": (
        "Wait a little; past ten minutes helm-controller (part of rke2-server) is not working",
        _Objects.described_chart,
    ),
    "job-missing": ("Wait a little: helm-controller makes the Job again", _Objects.of_chart),
    "helm-chart-missing": (
        "Wait a little: the harvester pod makes it again; past ten minutes look at that pod",
        _Objects.controller,
    ),
    "helm-chart-terminating": (
        "Find out why the delete Job does not run or does not finish; do not remove the finalizer by hand",
        _Objects.of_chart,
    ),
    "helm-chart-foreign": (
        "Find out who made that HelmChart; this server does not allow an Addon to be deleted, so the HelmChart must be "
        "moved or removed by its owner",
        _Objects.chart,
    ),
    "status-not-updated": (
        "The harvester pod does not do its work: look at it; restarting it is your decision",
        _Objects.restart,
    ),
    "helm-release-pending": (
        "Decide between going back to the last good revision and uninstalling the release",
        _Objects.release,
    ),
    "idle-operation": ("Wait a moment: an operation that begins looks so", _Objects.wait),
    "progressing": ("Wait for it to end, then check again", _Objects.wait),
}
