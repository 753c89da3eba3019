"""The controllers' way into an API server over HTTP, and a garbage collector for one that has none."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from . import jobs
from .client import Client, Reply
from .resources import Kind, Kinds
from .store import Obj

Row = tuple[str, str]


class Refused(Exception):
    """The API server did not do what a stand-in or a test's own preparation asked for."""


class Exists(Refused):
    """There is an object of that name."""


class HttpCluster:
    """A `store.Cluster` over a real API server, or over the test server itself."""

    def __init__(self, client: Client, kinds: Kinds | None = None) -> None:
        self.client, self.kinds = client, kinds or Kinds()
        self.made: list[tuple[str, str, str | None, str]] = []
        """What was created: plural, group, namespace, name."""
        self._now: datetime | None = None
        self._minor: int | None = None

    def ask_time(self) -> datetime:
        """Ask for the API server's time."""
        self._send("GET", "/version")
        return self.now()

    def now(self) -> datetime:
        """Return the API server's time, as of its last answer."""
        if self._now is None:
            self._send("GET", "/version")
        return self._now or datetime.now(UTC)

    def list(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return all objects of a kind, each with apiVersion and kind."""
        kind = self.kind(plural, group)
        reply = self._send("GET", _path(kind, namespace or ""))
        whole = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [{**whole, **item} for item in reply.json["items"]]

    def get(self, plural: str, group: str, namespace: str | None, name: str) -> Obj | None:
        """Return one object, or None."""
        reply = self._send("GET", _path(self.kind(plural, group), namespace or "", name), accept=(404,))
        return dict(reply.json) if reply.status == 200 else None

    def create(self, obj: Obj) -> Obj:
        """Create an object; its status is kept only where the kind has no status subresource."""
        kind = self.kinds.of(obj)
        made = dict(self._send("POST", _path(kind, obj["metadata"].get("namespace", "")), obj).json)
        metadata = made["metadata"]
        self.made.append((kind.plural, kind.group, metadata.get("namespace"), metadata["name"]))
        return made

    def update(self, obj: Obj) -> Obj:
        """Replace an object except its status."""
        return dict(self._send("PUT", self._address(obj), obj).json)

    def update_status(self, obj: Obj) -> Obj:
        """Replace the status of an object and nothing else."""
        return dict(self._send("PUT", f"{self._address(obj)}/status", self._fitting(obj)).json)

    def delete(self, plural: str, group: str, namespace: str | None, name: str) -> None:
        """Delete an object and what it owns, in the background; one that is gone is no error."""
        path = _path(self.kind(plural, group), namespace or "", name)
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "gracePeriodSeconds": 0,
        }
        self._send("DELETE", path, options, accept=(404,))

    def kind(self, plural: str, group: str) -> Kind:
        """Return the row of a kind."""
        kind = self.kinds.find(group, plural)
        if kind is None:
            raise LookupError(f"{plural}.{group} is in no table")
        return kind

    def _address(self, obj: Obj) -> str:
        metadata = obj["metadata"]
        return _path(self.kinds.of(obj), metadata.get("namespace", ""), metadata["name"])

    def _fitting(self, obj: Obj) -> Obj:
        """Return a Job with a status that servers take: those before 1.31 refuse what later ones ask for."""
        if obj["kind"] != "Job":
            return obj
        if self._minor is None:
            self._minor = int(self._send("GET", "/version").json["minor"].rstrip("+"))
        return {**obj, "status": jobs.acceptable(obj.get("status") or {}, heralded=self._minor >= 31)}

    def _send(self, method: str, path: str, body: Any = None, accept: tuple[int, ...] = ()) -> Reply:
        reply = self.client.request(method, path, body)
        if "Date" in reply.headers:
            self._now = parsedate_to_datetime(reply.headers["Date"])
        if reply.status >= 300 and reply.status not in accept:
            refused = Exists if reply.status == 409 and method == "POST" else Refused
            raise refused(f"{method} {path}: {reply.status} {reply.body.decode(errors='replace')}")
        return reply


def _path(kind: Kind, namespace: str = "", name: str = "") -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    inside = f"/namespaces/{namespace}" if namespace and kind.namespaced else ""
    return f"{root}{inside}/{kind.plural}" + (f"/{name}" if name else "")


SWEPT: tuple[Row, ...] = (
    ("addons", "harvesterhci.io"),
    ("helmcharts", "helm.cattle.io"),
    ("jobs", "batch"),
    ("pods", ""),
    ("secrets", ""),
    ("configmaps", ""),
    ("serviceaccounts", ""),
)


SWEPT_OWNERS = ("Addon", "HelmChart", "Job")


def sweep(cluster: HttpCluster) -> None:
    """Do once what the garbage collector does: delete what lost its owner, end orphan and foreground deletions."""
    everything = [(row, obj) for row in SWEPT for obj in cluster.list(*row)]
    alive = {obj["metadata"]["uid"] for _, obj in everything}
    for row, obj in everything:
        metadata = obj["metadata"]
        waiting = [one for one in metadata.get("finalizers") or [] if one in ("orphan", "foregroundDeletion")]
        if waiting and metadata.get("deletionTimestamp"):
            _end_deletion(cluster, obj, everything, orphan="orphan" in waiting)
        owners = [owner for owner in metadata.get("ownerReferences") or [] if owner["kind"] in SWEPT_OWNERS]
        if owners and not any(owner["uid"] in alive for owner in owners):
            cluster.delete(*row, metadata.get("namespace"), metadata["name"])


def _end_deletion(cluster: HttpCluster, parent: Obj, everything: list[tuple[Row, Obj]], *, orphan: bool) -> None:
    uid = parent["metadata"]["uid"]
    for row, child in everything:
        metadata = child["metadata"]
        owners = metadata.get("ownerReferences") or []
        if not any(owner["uid"] == uid for owner in owners):
            continue
        if orphan:
            metadata["ownerReferences"] = [owner for owner in owners if owner["uid"] != uid]
            cluster.update(child)
        else:
            cluster.delete(*row, metadata.get("namespace"), metadata["name"])
    kind, metadata = cluster.kinds.of(parent), parent["metadata"]
    current = cluster.get(kind.plural, kind.group, metadata.get("namespace"), metadata["name"])
    if current is not None:
        rest = [one for one in metadata["finalizers"] if one not in ("orphan", "foregroundDeletion")]
        current["metadata"]["finalizers"] = rest
        cluster.update(current)
