"""What there is to know about one Addon's operation, gathered once from all the objects that take part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    condition,
    integer_at,
    mapping_at,
    maps_at,
    name_of,
    text_at,
    time_at,
)

DISABLED = ("", "AddonDisabled")
UNDER_WAY = ("AddonEnabling", "AddonUpdating")
PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
LEASES, NODES, RELEASES = "leases.coordination.k8s.io", "nodes", "secrets/helm-releases"
CONDITIONS = "status.conditions"
"""What is noted in `unread` for an Addon whose conditions cannot be read."""
CHARTS, JOBS, PODS, ADDONS = "helmcharts.helm.cattle.io", "jobs.batch", "pods", "addons.harvesterhci.io"


@dataclass(frozen=True, slots=True)
class Facts:
    """One Addon, its HelmChart, its Job, the Job's pods and its newest Helm release."""

    addon: JsonObject
    now: datetime
    grace: timedelta
    status: str
    """status.status; empty for an Addon that was never enabled."""
    enabled: bool
    in_progress: bool
    stamped_text: str
    """InProgress.lastUpdateTime as written: when the operation began, or ended where none is in progress."""
    stamped: datetime | None
    operation_failed: bool
    edited: datetime | None = None
    """When the Addon's spec was last written, by the API server's clock; None where nobody says."""
    chart: JsonObject | None = None
    job_name: str = ""
    job: JsonObject | None = None
    pods: tuple[JsonObject, ...] = ()
    """Newest last."""
    release: JsonObject | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    """Needs that were not read, with the reason."""

    @property
    def began(self) -> datetime | None:
        """When the operation began; None where none is in progress: the time is restamped when it ends."""
        return self.stamped if self.in_progress else None

    @property
    def ended(self) -> datetime | None:
        """When the last operation ended; None while one is in progress."""
        return None if self.in_progress else self.stamped

    @property
    def age(self) -> timedelta | None:
        """How long the operation has been going on by the decision clock; negative when clocks differ."""
        return self.now - self.began if self.began else None

    @property
    def not_begun(self) -> bool:
        """Whether the controller has not taken up yet what the spec wants."""
        return not (self.in_progress or self.settled) and self.status != "AddonDisabling" and not self.under_way

    @property
    def young(self) -> bool:
        """Whether what is going on is within the time that is usual for it.

        What the controller has not taken up began when the spec was written; where nobody says when, it is given the
        benefit of the doubt: it blocks all the same, and `--wait` waits for it no longer than it was told to.
        """
        if self.in_progress or not self.not_begun:
            since = self.stamped
            return since is not None and abs(self.now - since) < self.grace
        return self.edited is None or self.now - self.edited < self.grace

    @property
    def under_way(self) -> bool:
        """Whether it is enabled and its status says that it is being deployed, whatever its conditions say."""
        return self.enabled and self.status in UNDER_WAY

    @property
    def latched(self) -> bool:
        """Whether a failure is recorded, after which the controller does nothing until the Addon is disabled."""
        return self.enabled and self.operation_failed and not self.in_progress

    @property
    def settled(self) -> bool:
        """Whether the status is one that the upgrade webhook of 1.7 and later accepts."""
        return is_settled(self.enabled, self.status)

    @property
    def created(self) -> datetime | None:
        """When the Job was created, by the API server's clock."""
        return time_at(self.job, "metadata.creationTimestamp") if self.job else None

    @property
    def failed_reason(self) -> str | None:
        """The reason of the Job's Failed condition; None when it has not failed."""
        failed = condition(self.job, "Failed") if self.job else None
        return text_at(failed, "reason") if failed and text_at(failed, "status") == "True" else None

    @property
    def completed(self) -> datetime | None:
        """When the Job completed; None while it has not."""
        return time_at(self.job, "status.completionTime") if self.job else None

    @property
    def finished(self) -> bool:
        """Whether the addon controller takes the Job for finished: it knows completion and one reason of failure."""
        return self.completed is not None or self.failed_reason == "BackoffLimitExceeded"

    @property
    def unfinished(self) -> bool:
        """Whether the Job may still do something."""
        return self.job is not None and self.completed is None and self.failed_reason is None

    def count(self, name: str) -> int:
        """Return a counter of the Job's status (active, succeeded, failed)."""
        return integer_at(self.job, f"status.{name}") or 0 if self.job else 0

    def pods_in(self, *phases: str) -> list[JsonObject]:
        """Return the Job's pods in one of these phases."""
        return [pod for pod in self.pods if text_at(pod, "status.phase") in phases]


def is_settled(enabled: bool, status: str) -> bool:
    """Say whether a status is the one that spec.enabled asks for, as the upgrade webhook of 1.7 and later tests it."""
    return status == "AddonDeploySuccessful" if enabled else status in DISABLED


def owned_by(chart: JsonObject, addon: JsonObject) -> bool:
    """Say whether a HelmChart is owned by this very Addon: by uid, as the controller compares it."""
    uid = text_at(addon, "metadata.uid")
    return any(
        owner.get("uid") == uid if uid else owner.get("kind") == "Addon" and owner.get("name") == name_of(addon)
        for owner in maps_at(chart, "metadata.ownerReferences")
    )


def failed_since(job: JsonObject | None) -> datetime | None:
    """Return when the Job failed."""
    failed = condition(job, "Failed") if job else None
    return time_at(failed, "lastTransitionTime") if failed else None


def container_states(pod: JsonObject) -> list[tuple[str, JsonObject, JsonObject]]:
    """Return (image, state, last state) of each container, init containers first."""
    statuses = [*maps_at(pod, "status.initContainerStatuses"), *maps_at(pod, "status.containerStatuses")]
    return [(text_at(one, "image"), mapping_at(one, "state"), mapping_at(one, "lastState")) for one in statuses]


def finish_time(pod: JsonObject) -> datetime | None:
    """Return when the last container of a pod finished, by the kubelet's clock, but not before the pod existed by the
    API server's: a node whose clock is behind must not make an end look old."""
    times = [time_at(state, "terminated.finishedAt") for _, state, _ in container_states(pod)]
    finished, created = max(filter(None, times), default=None), time_at(pod, "metadata.creationTimestamp")
    return max(finished, created) if finished and created else finished
