"""Small words to write objects with, and the document they end up in."""

import copy
import json
import uuid
from datetime import datetime, timedelta

from preflight.resources import RESOURCES

NOW = datetime.fromisoformat("2025-02-10T18:33:12+00:00")
INSTALLED = NOW - timedelta(days=61, hours=7)
GIB = 1024**3
NODES = ("harv-node-1", "harv-node-2", "harv-node-3")

Cluster = dict[str, list[dict]]


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(**span: float) -> str:
    return at(NOW - timedelta(**span))


def at_micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def uid(*words: str) -> str:
    """The same words always give the same uid."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(words)))


def obj(name: str, namespace: str = "", *, created: str = "", metadata: dict | None = None, **rest) -> dict:
    identity = {
        "name": name,
        "uid": uid(namespace, name, repr(sorted(rest))),
        "creationTimestamp": created or at(INSTALLED),
    }
    if namespace:
        identity["namespace"] = namespace
    return {"metadata": {**identity, **(metadata or {})}, **rest}


def condition(kind: str, status: bool = True, **rest) -> dict:
    return {"type": kind, "status": str(status), "lastTransitionTime": at(INSTALLED), **rest}


def owner(api_version: str, kind: str, of: dict, *, controller: bool = True) -> dict:
    reference = {"apiVersion": api_version, "kind": kind, "name": of["metadata"]["name"], "uid": of["metadata"]["uid"]}
    return reference | ({"controller": True, "blockOwnerDeletion": True} if controller else {})


def pod(name: str, namespace: str, labels: dict, image: str, node: str) -> dict:
    started = ago(days=20)
    state = {
        "name": image,
        "image": image,
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": started}},
    }
    return obj(
        name,
        namespace,
        created=ago(days=20, seconds=2),
        metadata={"labels": labels},
        spec={"nodeName": node, "containers": [{"name": "main", "image": image}]},
        status={
            "phase": "Running",
            "startTime": started,
            "conditions": [condition(kind) for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")],
            "containerStatuses": [{**state, "name": "main"}],
        },
    )


def document(cluster: Cluster, about: str, now: datetime = NOW) -> dict:
    """A snapshot of every row of the table; a row the cluster has nothing of was read and is empty."""
    unknown = set(cluster) - set(RESOURCES)
    if unknown:
        raise SystemExit(f"not in preflight/resources.py: {', '.join(sorted(unknown))}")
    entries = {}
    for name, row in sorted(RESOURCES.items()):
        objects = copy.deepcopy(cluster.get(name, []))
        for number, item in enumerate(objects):
            item = {"apiVersion": row.api_version, "kind": row.kind, **item}
            item["metadata"].setdefault("resourceVersion", str(1_000_000 + number))
            if not row.accepts(item):
                raise SystemExit(f"{name} does not accept {item['metadata']}")
            objects[number] = item
        missing = "not-in-source: no server was asked" if row.how == "ask" else ""
        entries[name] = {"objects": objects, "missing": missing, "gaps": []}
    everywhere = entries["namespaces"]["objects"]
    named = [item for item in everywhere if RESOURCES["namespaces/kube-system"].accepts(item)]
    entries["namespaces/kube-system"] = {**entries["namespaces/kube-system"], "objects": named}
    return {
        "apiVersion": "harvester-preflight/v1",
        "kind": "PreflightSnapshot",
        "tool": {"name": "harvester-preflight", "version": "0"},
        "source": {"type": "demo", "name": about.split(":")[0], "clock": "made up", "notes": [about]},
        "collectedAt": at(now),
        "entries": entries,
    }


def text(cluster: Cluster, about: str, now: datetime = NOW) -> str:
    return json.dumps(document(cluster, about, now), indent=1, ensure_ascii=False) + "\n"


def find(cluster: Cluster, need: str, name: str) -> dict:
    return next(item for item in cluster[need] if item["metadata"]["name"] == name)


def without(cluster: Cluster, need: str, *names: str) -> None:
    cluster[need] = [item for item in cluster[need] if item["metadata"]["name"] not in names]
