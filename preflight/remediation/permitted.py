"""What each strategy can do at all: a journal that says it did something else was not written by this tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preflight.errors import RemediationError
from preflight.remediation.strategies.recreate_job import NUDGE

Change = Any
Rules = Mapping[tuple[str, str, str], Callable[[Change], bool]]
"""(action, group, kind) → whether a change, the body of an update, is one that the strategy sends."""


def must_be_permitted(entry: Mapping[str, Any]) -> None:
    """Raise RemediationError for a step that its strategy never plans."""
    named, finding = entry["object"], entry["finding"]
    key = (entry["action"], named["apiVersion"].rpartition("/")[0], named["kind"])
    allowed = PERMITTED.get(entry["strategy"], {}).get(key)
    elsewhere = finding["namespace"] and named["namespace"] not in ("", finding["namespace"])
    if allowed is None or elsewhere or not allowed(entry.get("change")):
        raise RemediationError(
            f"step {entry['number']} of the journal ({entry['action']} {named['kind']} "
            f"{named['namespace']}/{named['name']}) is nothing that {entry['strategy']} ever does: the journal was edited"
        )


def _none(change: Change) -> bool:
    return change is None


def _enabled(change: Change) -> bool:
    return change in ({"spec": {"enabled": True}}, {"spec": {"enabled": False}})


def _resumed(change: Change) -> bool:
    return bool(change == {"spec": {"paused": False}})


def _annotation(change: Change) -> bool:
    return isinstance(change, dict) and list(_at(change, "metadata", "annotations")) == [NUDGE] and len(change) == 1


def _status(change: Change) -> bool:
    return isinstance(change, dict) and set(change) == {"status"} and set(change["status"]) == {"status", "conditions"}


def _at(change: Change, *path: str) -> dict[str, Any]:
    for key in path:
        change = change.get(key) if isinstance(change, dict) else None
    return change if isinstance(change, dict) else {}


def _deletes(*kinds: tuple[str, str]) -> Rules:
    return {("delete", group, kind): _none for group, kind in kinds}


_ADDON, _CHART, _JOB = ("harvesterhci.io", "Addon"), ("helm.cattle.io", "HelmChart"), ("batch", "Job")
PERMITTED: Mapping[str, Rules] = {
    "recreate-job": {**_deletes(_JOB), ("update", *_CHART): _annotation},
    "toggle": {**_deletes(_JOB), ("update", *_ADDON): _enabled},
    "settle-status": {("update-status", *_ADDON): _status},
    "rebuild": {**_deletes(_ADDON, _CHART), ("create", *_ADDON): _none},
    "clean-leftovers": _deletes(
        _CHART,
        _JOB,
        ("apps", "Deployment"),
        ("apps", "DaemonSet"),
        ("apps", "StatefulSet"),
        ("", "ConfigMap"),
        ("", "ServiceAccount"),
        ("", "Secret"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ),
    "unpause": {("update", "management.cattle.io", "ManagedChart"): _resumed},
    "delete-leftover": _deletes(
        ("harvesterhci.io", "UpgradeLog"),
        ("logging.banzaicloud.io", "Logging"),
        ("upgrade.cattle.io", "Plan"),
    ),
}
"""Strategy → what it can do. A rollback's own steps are planned from these, and are no entries to put back."""
