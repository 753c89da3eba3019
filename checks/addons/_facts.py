"""What there is to know about one Addon's operation, gathered once from all the objects that take part in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    Unreadable,
    View,
    boolean_at,
    condition,
    integer_at,
    labels_of,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_time,
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
    began_text: str
    """InProgress.lastUpdateTime as written."""
    began: datetime | None
    operation_failed: bool
    chart: JsonObject | None = None
    job_name: str = ""
    job: JsonObject | None = None
    pods: tuple[JsonObject, ...] = ()
    """Newest last."""
    release: JsonObject | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    """Needs that were not read, with the reason."""

    @property
    def age(self) -> timedelta | None:
        """How long the operation has been going on by the decision clock; negative when clocks differ."""
        return self.now - self.began if self.began else None

    @property
    def young(self) -> bool:
        """Whether the operation is within the time that is usual for one."""
        return self.age is not None and self.age < self.grace

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


def gather(view: View, addon: JsonObject, index: Index) -> Facts:
    """Gather the facts about one Addon. Raises Unreadable when its own fields are not what the API documents."""
    key, unread = (namespace_of(addon), name_of(addon)), unread_in(view, namespace_of(addon))
    in_progress, began_text, operation_failed = _conditions(addon, unread)
    enabled, chart = boolean_at(addon, "spec.enabled") or False, index.charts.get(key)
    try:
        job_name = text_at(chart, "status.jobName") if chart else ""
    except Unreadable as error:
        job_name, unread[CHARTS] = "", f"unparsable: {error}"
    usual = f"helm-{'install' if enabled else 'delete'}-{key[1]}"
    job = index.jobs.get((key[0], job_name or usual)) if chart is None or job_name else None
    return Facts(
        addon=addon,
        now=view.now,
        grace=index.grace,
        status=text_at(addon, "status.status"),
        enabled=enabled,
        in_progress=in_progress,
        began_text=began_text,
        began=parse_time(began_text),
        operation_failed=operation_failed,
        chart=chart,
        job_name=job_name,
        job=job,
        pods=index.pods_of(job) if job else (),
        release=index.releases.get(key),
        unread=unread,
    )


def _conditions(addon: JsonObject, unread: dict[str, str]) -> tuple[bool, str, bool]:
    """Return whether an operation is in progress, the time it began, and whether it failed. Of an Addon whose status
    alone says that it is not settled, unreadable conditions are noted: that it is stuck must not be lost over them."""
    try:
        progress, failed = condition(addon, "InProgress") or {}, condition(addon, "OperationFailed") or {}
        return (
            text_at(progress, "status") == "True",
            text_at(progress, "lastUpdateTime"),
            text_at(failed, "status") == "True",
        )
    except Unreadable as error:
        if is_settled(boolean_at(addon, "spec.enabled") or False, text_at(addon, "status.status")):
            raise
        unread[CONDITIONS] = f"unparsable: {error}"
        return False, "", False


def is_settled(enabled: bool, status: str) -> bool:
    """Say whether a status is the one that spec.enabled asks for, as the upgrade webhook of 1.7 and later tests it."""
    return status == "AddonDeploySuccessful" if enabled else status in DISABLED


@dataclass(frozen=True, slots=True)
class Index:
    """The objects of the whole cluster by namespace and name, built once: the check stays linear in their number."""

    charts: Mapping[tuple[str, str], JsonObject]
    jobs: Mapping[tuple[str, str], JsonObject]
    pods: Mapping[tuple[str, str], list[JsonObject]]
    """By (namespace, uid of the Job); for pods without a controller-uid by the Job's name, else by the chart's."""
    releases: Mapping[tuple[str, str], JsonObject]
    grace: timedelta

    def pods_of(self, job: JsonObject) -> tuple[JsonObject, ...]:
        """Return the Job's pods, newest last."""
        namespace, uid, name = namespace_of(job), text_at(job, "metadata.uid"), name_of(job)
        keys = [f"uid:{uid}", f"name:{name}"]
        if name.startswith("helm-install-"):
            keys.append(f"chart:{name.removeprefix('helm-install-')}")
        found = [pod for key in keys for pod in self.pods.get((namespace, key), [])]
        return tuple(sorted(found, key=lambda pod: (text_at(pod, "metadata.creationTimestamp"), name_of(pod))))


def unsound(obj: JsonObject) -> str:
    """Say why an object cannot be placed; empty when its name, namespace and labels are what they should be."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("labels"), dict | None):
        return "its metadata is not a map"
    texts = [metadata.get(key) for key in ("namespace", "creationTimestamp", "uid")]
    sound = isinstance(metadata.get("name"), str) and all(text is None or isinstance(text, str) for text in texts)
    return "" if sound else "its name, namespace, uid or creation time is not text"


def build_index(view: View, grace: timedelta) -> Index:
    """Index what was read; a need that was not read leaves its part empty (`unread_in` says why).

    Objects that are not sound are left out here: the check reports each as unknown.
    """
    return Index(
        charts=_by_name(_read(view, CHARTS)),
        jobs=_by_name(_read(view, JOBS)),
        pods=_by_job(_read(view, PODS)),
        releases=newest_releases(_read(view, RELEASES)),
        grace=grace,
    )


def unread_in(view: View, namespace: str) -> dict[str, str]:
    """Return the needs of which something in a namespace was not read, and why."""
    reasons = {
        name: [reason for reason in (view.missing(name), *view.gaps(name, namespace)) if reason]
        for name in (CHARTS, JOBS, PODS, RELEASES)
    }
    return {name: "; ".join(map(str, found)) for name, found in reasons.items() if found}


def _read(view: View, resource: str) -> tuple[JsonObject, ...]:
    return () if view.missing(resource) else tuple(obj for obj in view.objects(resource) if not unsound(obj))


def _by_name(objects: Iterable[JsonObject]) -> dict[tuple[str, str], JsonObject]:
    return {(namespace_of(obj), name_of(obj)): obj for obj in objects}


def _by_job(pods: Iterable[JsonObject]) -> dict[tuple[str, str], list[JsonObject]]:
    found: dict[tuple[str, str], list[JsonObject]] = {}
    for pod in pods:
        labels = labels_of(pod)
        uid = labels.get("batch.kubernetes.io/controller-uid") or labels.get("controller-uid")
        name = labels.get("batch.kubernetes.io/job-name") or labels.get("job-name")
        chart = labels.get("helmcharts.helm.cattle.io/chart")
        key = f"uid:{uid}" if uid else f"name:{name}" if name else f"chart:{chart}" if chart else ""
        if key:
            found.setdefault((namespace_of(pod), key), []).append(pod)
    return found


def newest_releases(secrets: Iterable[JsonObject]) -> dict[tuple[str, str], JsonObject]:
    """Return the newest release Secret of each release, by namespace and release name."""
    found: dict[tuple[str, str], JsonObject] = {}
    for secret in secrets:
        key = (namespace_of(secret), str(labels_of(secret).get("name") or ""))
        if key not in found or revision(secret) > revision(found[key]):
            found[key] = secret
    return found


def revision(secret: JsonObject) -> int:
    """Return the revision of a release Secret, 0 when its label is no number."""
    text = str(labels_of(secret).get("version") or "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def owned_by(chart: JsonObject, addon: JsonObject) -> bool:
    """Say whether a HelmChart is owned by this very Addon: by uid, as the controller compares it."""
    uid = text_at(addon, "metadata.uid")
    return any(
        owner.get("uid") == uid if uid else owner.get("kind") == "Addon" and owner.get("name") == name_of(addon)
        for owner in maps_at(chart, "metadata.ownerReferences")
    )


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
