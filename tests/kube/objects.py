"""The objects the controllers write, and how they read them."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from .store import Obj, stamp

IMAGE = "rancher/klipper-helm:v0.8.4-build20240523"
CHART_LABEL = "helmcharts.helm.cattle.io/chart"
HASH_LABEL = "objectset.rio.cattle.io/hash"
OURS = "stand-in-"
"""How the hash of a Job that was made here begins."""


def owner(obj: Obj, *, controller: bool | None = None) -> list[dict[str, Any]]:
    """Return an ownerReference to an object, as a list."""
    metadata = obj["metadata"]
    reference = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return [
        reference if controller is None else {**reference, "controller": controller, "blockOwnerDeletion": controller}
    ]


def condition(obj: Obj, name: str) -> dict[str, Any]:
    """Return a condition of an object by type, or an empty dict."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if entry.get("type") == name:
            return dict(entry)
    return {}


def set_condition(obj: Obj, name: str, value: bool, moment: datetime, message: str = "") -> None:
    """Set a condition the way Harvester does: lastUpdateTime in whole seconds, no reason."""
    conditions = obj.setdefault("status", {}).setdefault("conditions", [])
    entry = {"type": name, "status": "True" if value else "False", "lastUpdateTime": stamp(moment)}
    if message:
        entry["message"] = message
    obj["status"]["conditions"] = [other for other in conditions if other.get("type") != name] + [entry]


def parse_time(text: Any) -> datetime | None:
    """Read an RFC 3339 time; None if it is none."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def created(obj: Obj) -> datetime:
    """Return when an object was created."""
    moment = parse_time(obj["metadata"]["creationTimestamp"])
    assert moment is not None
    return moment


def finished(job: Obj) -> bool:
    """Whether Harvester counts a Job as finished: completed, or failed by the backoff limit and nothing else."""
    failed = condition(job, "Failed")
    return bool(job.get("status", {}).get("completionTime")) or (
        failed.get("status") == "True" and failed.get("reason") == "BackoffLimitExceeded"
    )


def helm_chart(addon: Obj) -> Obj:
    """Return the HelmChart the addon controller makes for an Addon."""
    metadata, spec = addon["metadata"], addon.get("spec", {})
    return {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "ownerReferences": owner(addon),
        },
        "spec": {
            "chart": spec.get("chart"),
            "repo": spec.get("repo"),
            "version": spec.get("version"),
            "valuesContent": spec.get("valuesContent", ""),
            "backOffLimit": 5,
            "failurePolicy": "reinstall",
        },
    }


def job(chart: Obj, action: str) -> Obj:
    """Return the Job helm-controller makes for a HelmChart; action is `install` or `delete`."""
    name = chart["metadata"]["name"]
    labels = {CHART_LABEL: name}
    container = {"name": "helm", "image": IMAGE, "args": [action]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"helm-{action}-{name}",
            "namespace": chart["metadata"]["namespace"],
            "labels": {**labels, HASH_LABEL: _hash(chart)},
            "ownerReferences": owner(chart, controller=False),
        },
        "spec": {
            "backoffLimit": 5,
            "completions": 1,
            "parallelism": 1,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"restartPolicy": "OnFailure", "containers": [container]},
            },
        },
    }


def outdated(made: Obj, chart: Obj) -> bool:
    """Say whether a Job was made for another content of its HelmChart: helm-controller then replaces it.

    A Job of a real cluster carries the real helm-controller's hash, which is not computed here: it is left alone.
    """
    told = str((made["metadata"].get("labels") or {}).get(HASH_LABEL) or "")
    return told.startswith(OURS) and told != _hash(chart)


def _hash(chart: Obj) -> str:
    content = json.dumps(chart["spec"], sort_keys=True).encode()
    return OURS + hashlib.sha1(content, usedforsecurity=False).hexdigest()


def pod(made: Obj) -> Obj:
    """Return the pod of a Job that has been created."""
    metadata, uid, name = made["metadata"], made["metadata"]["uid"], made["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{uid[:5]}",
            "namespace": metadata["namespace"],
            "labels": made["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": owner(made, controller=True),
        },
        "spec": made["spec"]["template"]["spec"],
    }


def release(namespace: str, name: str, version: int, owner_status: str = "deployed") -> Obj:
    """Return the Secret in which helm keeps a release."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{version}",
            "namespace": namespace,
            "labels": {"owner": "helm", "name": name, "status": owner_status, "version": str(version)},
        },
        "data": {"release": "SDRzSUFBQUFBQUFBLzZ0V3lreFJzbEl5VkxJQ0FEQUNBQUFB"},
    }
