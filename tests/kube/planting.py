"""Bring objects of a fixture into a real API server, and the CRDs they need.

The server gives each object its own uid and creationTimestamp. So uids are replaced wherever they stand alone, and the
times in a status are moved: what lay before the youngest Job's creation keeps its distance to it, what lay after it
comes one second after it. A Job that is older than its Addon's operation is so again, and a new one is not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from .objects import created, parse_time
from .remote import Exists, HttpCluster, Refused
from .resources import Kind
from .store import Obj, flatten, stamp

CUSTOM = (
    ("addons", "harvesterhci.io"),
    ("upgrades", "harvesterhci.io"),
    ("versions", "harvesterhci.io"),
    ("settings", "harvesterhci.io"),
    ("helmcharts", "helm.cattle.io"),
)
SERVER_SIDE = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "selfLink",
)
JOB_LABELS = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")
OWNERS = {"Namespace": 0, "Addon": 1, "HelmChart": 2, "Job": 3}
ATTEMPTS, INTERVAL = 240, 0.25
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


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
            "names": {
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
            },
            "versions": [version],
        },
    }


def custom_resource_definitions(cluster: HttpCluster) -> None:
    """Install the CRDs and wait until each is served and discovery shows it, which comes later."""
    kinds = [cluster.kind(*row) for row in CUSTOM]
    for kind in kinds:
        cluster.create(definition(kind))
    for _ in range(ATTEMPTS):
        if all(_served(cluster, kind) for kind in kinds) and {kind.resource for kind in kinds} <= _shown(cluster):
            return
        threading.Event().wait(INTERVAL)
    raise RuntimeError("the custom resources are still not served")


def _served(cluster: HttpCluster, kind: Kind) -> bool:
    try:
        cluster.list(kind.plural, kind.group)
    except Refused:
        return False
    return True


def _shown(cluster: HttpCluster) -> set[str]:
    accept = ",".join([*(AGGREGATED.format(version) for version in ("v2", "v2beta1")), "application/json"])
    answer = cluster.client.request("GET", "/apis", headers={"Accept": accept}).json
    if answer.get("kind") != "APIGroupDiscoveryList":  # a server without it shows what it serves
        return {kind.resource for kind in cluster.kinds.rows}
    return {
        f"{resource['resource']}.{group['metadata']['name']}"
        for group in answer["items"]
        for version in group["versions"]
        for resource in version.get("resources") or []
    }


def plant(cluster: HttpCluster, objects: Iterable[Obj], uids: dict[str, str]) -> list[Obj]:
    """Create objects with their status; `uids` maps the uids they had to those they have now."""
    given = sorted(flatten(objects), key=lambda obj: OWNERS.get(obj["kind"], len(OWNERS)))
    made = [_create(cluster, obj, uids) for obj in given]
    move, latest = _mover(given, made)
    made = [_with_status(cluster, obj, new, move) for obj, new in zip(given, made, strict=True)]
    if latest is not None:
        _wait_until(cluster, latest)
    for obj, new in zip(given, made, strict=True):
        if obj["metadata"].get("deletionTimestamp"):
            metadata, kind = new["metadata"], cluster.kinds.of(new)
            cluster.delete(kind.plural, kind.group, metadata.get("namespace"), metadata["name"])
    return made


def _create(cluster: HttpCluster, given: Obj, uids: dict[str, str]) -> Obj:
    kind = cluster.kinds.of(given)
    obj: Obj = _replaced(given, lambda text: uids.get(text, text))
    if kind.status:
        obj.pop("status", None)
    obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in SERVER_SIDE}
    if kind.kind == "Namespace":
        made = namespace(cluster, obj["metadata"]["name"], obj)
    else:
        if kind.namespaced:
            namespace(cluster, obj["metadata"].setdefault("namespace", "default"))
        if kind.kind == "Job":
            _without_selector(obj)
        made = cluster.create(obj)
    before = given["metadata"].get("uid")
    if before:
        uids[before] = made["metadata"]["uid"]
    return made


def _with_status(cluster: HttpCluster, given: Obj, made: Obj, move: Callable[[str], str]) -> Obj:
    kind = cluster.kinds.of(given)
    if not kind.status or kind.kind == "Namespace" or given.get("status") is None:
        return made
    return cluster.update_status({**made, "status": {**(made.get("status") or {}), **_replaced(given["status"], move)}})


def _mover(given: list[Obj], made: list[Obj]) -> tuple[Callable[[str], str], datetime | None]:
    """Return what moves a time, and the latest moment it gives."""
    jobs = [(obj, new) for obj, new in zip(given, made, strict=True) if obj["kind"] == "Job"]
    before = [moment for obj, _ in jobs if (moment := parse_time(obj["metadata"].get("creationTimestamp")))]
    if not before:
        return lambda text: text, None
    then, now = max(before), max(created(new) for _, new in jobs)

    def move(text: str) -> str:
        moment = parse_time(text) if text[4:5] == "-" and text.endswith("Z") else None
        return text if moment is None else stamp(now + min(moment - then, timedelta(seconds=1)))

    return move, now + timedelta(seconds=1)


def _wait_until(cluster: HttpCluster, moment: datetime) -> None:
    for _ in range(ATTEMPTS):
        if cluster.ask_time() >= moment:
            return
        threading.Event().wait(INTERVAL)
    raise RuntimeError("the API server's clock does not move on")


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(entry, change) for key, entry in value.items()}
    if isinstance(value, list):
        return [_replaced(entry, change) for entry in value]
    return change(value) if isinstance(value, str) else value


def _without_selector(job: Obj) -> None:
    """The server gives a Job its selector and refuses one that is brought along."""
    job["spec"].pop("selector", None)
    job["spec"].pop("manualSelector", None)
    labels = job["spec"]["template"].get("metadata", {}).get("labels", {})
    for label in JOB_LABELS:
        labels.pop(label, None)


def namespace(cluster: HttpCluster, name: str, wanted: Obj | None = None) -> Obj:
    """Return a namespace; it is made when it is not there, which the server may do itself in the same moment."""
    found = cluster.get("namespaces", "", None, name)
    if found is None:
        with contextlib.suppress(Exists):
            return cluster.create(wanted or {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        found = cluster.get("namespaces", "", None, name)
        assert found is not None
    return found
