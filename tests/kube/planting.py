"""Bring objects of a fixture into a real API server, and the CRDs they need."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

from .remote import HttpCluster, Refused
from .resources import Kind
from .store import Obj, flatten

CUSTOM = (
    ("addons", "harvesterhci.io"),
    ("upgrades", "harvesterhci.io"),
    ("versions", "harvesterhci.io"),
    ("settings", "harvesterhci.io"),
    ("helmcharts", "helm.cattle.io"),
)
SERVER_SIDE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
JOB_LABELS = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")
OWNERS = {"Namespace": 0, "Addon": 1, "HelmChart": 2, "Job": 3}
ATTEMPTS, INTERVAL = 120, 0.25


def definition(kind: Kind) -> Obj:
    """Return a minimal CRD: structural, and everything is allowed."""
    version: Obj = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    if kind.status:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.resource},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind},
            "versions": [version],
        },
    }


def custom_resource_definitions(cluster: HttpCluster) -> None:
    """Install the CRDs and wait until each is served."""
    kinds = [cluster.kind(*row) for row in CUSTOM]
    for kind in kinds:
        cluster.create(definition(kind))
    for kind in kinds:
        _wait_until_served(cluster, kind)


def _wait_until_served(cluster: HttpCluster, kind: Kind) -> None:
    for _ in range(ATTEMPTS):
        try:
            cluster.list(kind.plural, kind.group)
        except Refused:
            threading.Event().wait(INTERVAL)
        else:
            return
    raise RuntimeError(f"{kind.resource} is still not served")


def plant(cluster: HttpCluster, objects: Iterable[Obj], uids: dict[str, str]) -> list[Obj]:
    """Create objects with their status; `uids` maps the uids they had to those they have now."""
    owners_first = sorted(flatten(objects), key=lambda obj: OWNERS.get(obj["kind"], len(OWNERS)))
    return [_plant(cluster, obj, uids) for obj in owners_first]


def _plant(cluster: HttpCluster, obj: Obj, uids: dict[str, str]) -> Obj:
    kind = cluster.kinds.of(obj)
    before = obj["metadata"].get("uid")
    text = json.dumps(obj)
    for old, new in uids.items():
        text = text.replace(old, new)
    obj = json.loads(text)
    status = obj.pop("status", None)
    obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in SERVER_SIDE}
    if kind.namespaced:
        _namespace(cluster, obj["metadata"].setdefault("namespace", "default"))
    if kind.kind == "Job":
        _without_selector(obj)
    made = cluster.create({**obj, "status": status} if status is not None and not kind.status else obj)
    if before:
        uids[before] = made["metadata"]["uid"]
    if status is not None and kind.status:
        made = cluster.update_status({**made, "status": status})
    return made


def _without_selector(job: Obj) -> None:
    """The server gives a Job its selector and refuses one that is brought along."""
    job["spec"].pop("selector", None)
    job["spec"].pop("manualSelector", None)
    labels = job["spec"]["template"].get("metadata", {}).get("labels", {})
    for label in JOB_LABELS:
        labels.pop(label, None)


def _namespace(cluster: HttpCluster, name: str) -> None:
    if cluster.get("namespaces", "", None, name) is None:
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
