"""Gather the facts about each Addon from everything that was read, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    Unreadable,
    View,
    boolean_at,
    condition,
    labels_of,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_time,
    text_at,
    time_at,
)

from ._facts import CHARTS, CONDITIONS, JOBS, PODS, RELEASES, Facts, is_settled


def gather(view: View, addon: JsonObject, index: Index) -> Facts:
    """Gather the facts about one Addon. Raises Unreadable when its own fields are not what the API documents."""
    key, unread = (namespace_of(addon), name_of(addon)), unread_in(view, namespace_of(addon))
    in_progress, stamped_text, operation_failed = _conditions(addon, unread)
    enabled, chart = boolean_at(addon, "spec.enabled") or False, index.charts.get(key)
    status = text_at(addon, "status.status")
    try:
        job_name = text_at(chart, "status.jobName") if chart else ""
    except Unreadable as error:
        job_name, unread[CHARTS] = "", f"unparsable: {error}"
    job = _job(index, key, chart, job_name, removing=status == "AddonDisabling" or not enabled)
    return Facts(
        addon=addon,
        now=view.now,
        grace=index.grace,
        status=status,
        enabled=enabled,
        in_progress=in_progress,
        stamped_text=stamped_text,
        stamped=parse_time(stamped_text),
        operation_failed=operation_failed,
        edited=_edited(addon),
        chart=chart,
        job_name=job_name,
        job=job,
        pods=index.pods_of(job) if job else (),
        release=index.releases.get(key),
        unread=unread,
    )


def _job(
    index: Index, key: tuple[str, str], chart: JsonObject | None, named: str, *, removing: bool
) -> JsonObject | None:
    """Return the Job that the HelmChart names. Of an Addon that is being disabled it names the install Job until
    helm-controller has made the delete Job; without a HelmChart the Job that would be the one."""
    namespace, name = key
    usual = f"helm-{'delete' if removing else 'install'}-{name}"
    if chart is None or (
        removing and text_at(chart, "metadata.deletionTimestamp") and (namespace, usual) in index.jobs
    ):
        return index.jobs.get((namespace, usual))
    return index.jobs.get((namespace, named)) if named else None


def _edited(addon: JsonObject) -> datetime | None:
    """Return when somebody last wrote spec.enabled, as the API server noted; None where it does not say."""
    try:
        entries = maps_at(addon, "metadata.managedFields")
        owners = [entry for entry in entries if "f:enabled" in mapping_at(entry, "fieldsV1.f:spec")]
        return max(filter(None, (time_at(entry, "time") for entry in owners)), default=None)
    except Unreadable:  # only how long ago it was is lost
        return None


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
