"""Admission: what Harvester's webhook refuses, and a place for a test's own refusals.

`server.admission` is a list of callables. Each is given a Review and returns None to let the request pass, a text to
refuse it as Harvester's webhook does (HTTP 400), or a Denial to choose code, reason and webhook. They also run for
dry runs, as webhooks without side effects do, and not for writes to a subresource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import ApiError
from .resources import Kind
from .store import Obj, Store

WEBHOOK = "validator.harvesterhci.io"
EXPERIMENTAL = "addon.harvesterhci.io/experimental"
PERMANENT = ("rancher-logging", "rancher-monitoring", "kubeovn-operator")


@dataclass(frozen=True, slots=True)
class Review:
    """One write, as a webhook sees it."""

    operation: str
    """CREATE, UPDATE or DELETE; a PATCH is an UPDATE."""
    kind: Kind
    namespace: str
    name: str
    object: Obj | None
    """The object as it would become; None for DELETE."""
    old: Obj | None
    """The object as stored; None for CREATE."""
    dry_run: bool
    store: Store


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal in all its parts."""

    message: str
    code: int = 400
    reason: str = "BadRequest"
    webhook: str = WEBHOOK

    def error(self) -> ApiError:
        """Return what the client is told."""
        return ApiError(
            self.code, self.reason, f'admission webhook "{self.webhook}" denied the request: {self.message}'
        )


Hook = Callable[[Review], "Denial | str | None"]


def admit(hooks: list[Hook], review: Review) -> None:
    """Ask each hook in turn; raise the first refusal."""
    for hook in hooks:
        answer = hook(review)
        if answer is not None:
            raise (answer if isinstance(answer, Denial) else Denial(answer)).error()


def condition(obj: Obj, name: str) -> dict[str, Any]:
    """Return a condition of an object by its type, or an empty dict."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if entry.get("type") == name:
            return dict(entry)
    return {}


def server_version(store: Store) -> tuple[int, int]:
    """Return major and minor of the setting `server-version`; a cluster without it counts as 1.4."""
    for setting in store.objects("settings", "harvesterhci.io"):
        if setting["metadata"]["name"] == "server-version":
            major, minor, *_ = str(setting.get("value") or "v1.4").lstrip("v").split(".")
            return int(major), int(minor)
    return 1, 4


def addon_webhook(review: Review) -> str | None:
    """Refuse what Harvester's addon validator refuses."""
    if (review.kind.group, review.kind.plural) != ("harvesterhci.io", "addons"):
        return None
    if review.operation == "CREATE":
        return _addon_create(review)
    if review.operation == "DELETE":
        return _addon_delete(review)
    return _addon_update(review)


def _addon_create(review: Review) -> str | None:
    chart = (review.object or {}).get("spec", {}).get("chart")
    for other in review.store.objects("addons", "harvesterhci.io"):
        if other.get("spec", {}).get("chart") == chart:
            return f"addon with Chart {chart} already exists, cannot create a new one"
    return None


def _addon_update(review: Review) -> str | None:
    old, new = review.old or {}, review.object or {}
    if new["metadata"].get("deletionTimestamp"):
        return None
    if old.get("spec", {}).get("chart") != new.get("spec", {}).get("chart"):
        return f"chart field cannot be changed for addon {review.name}"
    if condition(old, "InProgress").get("status") == "True":
        return f"cannot perform operation, as an existing operation is in progress on addon {review.name}"
    return None


def _addon_delete(review: Review) -> str | None:
    if server_version(review.store) < (1, 7):
        return None
    labels = (review.old or {}).get("metadata", {}).get("labels") or {}
    if review.name in PERMANENT or labels.get(EXPERIMENTAL) != "true":
        return f"{review.namespace}/{review.name} addon cannot be deleted"
    return None


class UpgradeWebhook:
    """The validator of Upgrade objects: `gate`, if set, is given the new Upgrade and returns a refusal or None."""

    def __init__(self) -> None:
        self.gate: Callable[[Review], Denial | str | None] | None = None

    def __call__(self, review: Review) -> Denial | str | None:
        if self.gate is None or review.operation != "CREATE" or review.kind.resource != "upgrades.harvesterhci.io":
            return None
        return self.gate(review)


def refuse_unsettled_addons(review: Review) -> str | None:
    """Be the gate of servers from 1.7 on: no upgrade while an Addon is on its way."""
    for addon in review.store.objects("addons", "harvesterhci.io"):
        status = (addon.get("status") or {}).get("status") or ""
        settled = ("AddonDeploySuccessful",) if addon.get("spec", {}).get("enabled") else ("", "AddonDisabled")
        if status not in settled:
            where = f"{addon['metadata']['namespace']}/{addon['metadata']['name']}"
            return f"addon {where} status is {status}, cannot start upgrade"
    return None
