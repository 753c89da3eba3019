"""What a strategy decides from: one finding, and the facts that the same run read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from preflight.fields import (
    boolean_at,
    condition,
    condition_status,
    labels_of,
    maps_at,
    name_of,
    ref_of,
    text_at,
)
from preflight.inventory import Inventory, JsonObject
from preflight.model import Finding, Reason
from preflight.remediation.plan import Goal, Refused, Target, Until, target_of
from preflight.resources import RESOURCES
from preflight.values.versions import HarvesterVersion

DEPLOYED = "AddonDeploySuccessful"
DISABLED = ("", "AddonDisabled")


@dataclass(frozen=True, slots=True)
class Case:
    """One finding about one Addon."""

    check: str
    finding: Finding
    inventory: Inventory
    running: HarvesterVersion | None

    @property
    def namespace(self) -> str:
        """The namespace that the Addon, its HelmChart and its Jobs share."""
        return self.finding.resource.namespace

    @property
    def name(self) -> str:
        """The name of the Addon, also where the finding is about something it left behind."""
        told = self.finding.evidence.get("addon")
        name = told if isinstance(told, str) and told else self.finding.resource.name
        return name.rpartition("/")[2].removeprefix("helm-install-").removeprefix("helm-delete-")

    @property
    def now(self) -> datetime:
        """The decision clock."""
        return self.inventory.source.collected_at

    @property
    def addon(self) -> JsonObject:
        """The Addon. Raises Refused when it was not read or is gone."""
        found = self.find("addons.harvesterhci.io", self.name)
        if found is None:
            raise Refused(f"Addon {self.namespace}/{self.name} is not among the objects that were read")
        return found

    @property
    def helm_chart(self) -> JsonObject | None:
        """The HelmChart of the Addon's name, None when there is none."""
        return self.find("helmcharts.helm.cattle.io", self.name)

    def job(self, prefix: str) -> JsonObject | None:
        """Return the Job helm-install-NAME or helm-delete-NAME, None when there is none."""
        return self.find("jobs.batch", f"{prefix}-{self.name}")

    def find(self, resource: str, name: str) -> JsonObject | None:
        """Return the object of that name in the Addon's namespace. Raises Refused when that kind was not read."""
        return next((obj for obj in self.objects(resource) if ref_of(obj).name == name), None)

    def objects(self, resource: str, *, everywhere: bool = False) -> Iterator[JsonObject]:
        """Yield what was read of a kind in the Addon's namespace. Raises Refused when that kind was not read."""
        entry = self.inventory.get(resource)
        if entry.missing:
            raise Refused(f"{resource} could not be read ({entry.missing}), so nothing can be decided safely")
        yield from (obj for obj in entry.objects if everywhere or ref_of(obj).namespace == self.namespace)

    def missing(self, resource: str) -> Reason | None:
        """Say why a kind was not read; None when it was."""
        return self.inventory.get(resource).missing

    def of_the_addon(self, resource: str) -> Iterator[JsonObject]:
        """Yield the workloads of a kind that carry the Addon's name, or that of the logging it makes, as instance."""
        names = (self.name, f"{self.name}-root")
        key = "app.kubernetes.io/instance"
        yield from (obj for obj in self.objects(resource) if labels_of(obj).get(key) in names)

    def owned(self, chart: JsonObject) -> bool:
        """Say whether the HelmChart belongs to this very Addon."""
        uid = text_at(self.addon, "metadata.uid")
        return bool(uid) and any(owner.get("uid") == uid for owner in maps_at(chart, "metadata.ownerReferences"))

    def running_pod(self, job: JsonObject) -> str:
        """Return the name of a pod of the Job that is at work, empty when there is none or pods were not read."""
        uid = text_at(job, "metadata.uid")
        if self.missing("pods") or not uid:
            return ""
        for pod in self.objects("pods"):
            labels = labels_of(pod)
            named = (labels.get("batch.kubernetes.io/controller-uid"), labels.get("controller-uid"))
            owners = (owner.get("uid") for owner in maps_at(pod, "metadata.ownerReferences"))
            if uid in (*named, *owners) and text_at(pod, "status.phase") in ("Running", "Pending"):
                return name_of(pod)
        return ""

    def newest_release(self) -> JsonObject | None:
        """Return the newest release Secret of the Addon's name (metadata only). Raises Refused when not readable."""
        releases = [obj for obj in self.objects("secrets/helm-releases") if labels_of(obj).get("name") == self.name]
        return max(releases, key=release_revision, default=None)


def release_revision(secret: JsonObject) -> int:
    """Return the number of a Helm release; one that is no number is older than all others."""
    text = str(labels_of(secret).get("version") or "")
    return int(text) if text.isdigit() else -1


def addon_enabled(addon: JsonObject) -> bool:
    """Say whether the Addon is meant to run."""
    return boolean_at(addon, "spec.enabled") is True


def addon_status(addon: JsonObject) -> str:
    """Return the Addon's status word."""
    return text_at(addon, "status.status")


def in_progress(addon: JsonObject) -> bool:
    """Say whether the webhook refuses every edit of this Addon."""
    return condition_status(addon, "InProgress") == "True"


def failure_time(addon: JsonObject) -> str:
    """Return when the failure was recorded that an Addon shows, as written; empty when it shows none."""
    failed = condition(addon, "OperationFailed")
    return text_at(failed, "lastUpdateTime") if failed and text_at(failed, "status") == "True" else ""


def settled_goal(addon: Target, *, enabled: bool, stale: str = "") -> Goal:
    """Wait until the Addon is where its spec wants it; a failure recorded at `stale` is an old one."""
    word = DEPLOYED if enabled else "AddonDisabled"
    statuses = (DEPLOYED,) if enabled else DISABLED
    return Goal(Until.ADDON_STATUS, f"{addon.words} is {word}", (addon,), statuses, stale)


def target_with_uid(obj: JsonObject) -> Target:
    """Name an object for a step. Raises Refused for one without name or of a kind that repairs know nothing of."""
    target = target_of(obj)
    if not target.name:
        raise Refused("an object without a name cannot be repaired")
    group = target.api_version.rpartition("/")[0]
    if not any((row.group, row.kind) == (group, target.kind) for row in RESOURCES.values()):
        raise Refused(
            f"an object that says it is {target.kind or 'of no kind'} of {target.api_version} cannot be repaired"
        )
    return target
