"""Every write of a repair goes through here, and this is where the tool's hands are tied.

Only what a repair needs can be written at all (`ALLOWED`), and nothing whose name or kind says that data or
definitions of others hang on it (`why_forbidden`), whatever a plan or a saved journal asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.wire import resource_path
from preflight.errors import RemediationError
from preflight.inventory import JsonObject
from preflight.resources import RESOURCES

LEASE_NAMESPACE = "harvester-system"

ALLOWED: Mapping[tuple[str, str], frozenset[str]] = {
    ("harvesterhci.io", "Addon"): frozenset(("create", "delete", "patch", "patch-status")),
    ("helm.cattle.io", "HelmChart"): frozenset(("create", "delete", "patch")),
    ("batch", "Job"): frozenset(("delete",)),
    ("apps", "Deployment"): frozenset(("create", "delete")),
    ("apps", "DaemonSet"): frozenset(("create", "delete")),
    ("apps", "StatefulSet"): frozenset(("create", "delete")),
    ("", "ConfigMap"): frozenset(("create", "delete")),
    ("", "Secret"): frozenset(("create", "delete")),
    ("", "ServiceAccount"): frozenset(("create", "delete")),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): frozenset(("create", "delete")),
    ("coordination.k8s.io", "Lease"): frozenset(("create", "delete", "put")),
    ("management.cattle.io", "ManagedChart"): frozenset(("patch",)),
    ("harvesterhci.io", "UpgradeLog"): frozenset(("create", "delete")),
    ("logging.banzaicloud.io", "Logging"): frozenset(("create", "delete")),
    ("upgrade.cattle.io", "Plan"): frozenset(("create", "delete")),
}
"""Group and kind → what may be done. No claim, definition, webhook, Upgrade or Setting is in it; a ManagedChart is only
paused and resumed."""
OF_UPGRADES = "hvst-upgrade-"
RESUMABLE = ("harvester", "harvester-crd", "rancher-monitoring-crd", "rancher-logging-crd")
"""The ManagedCharts that an upgrade pauses."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "Job": ("helm-install-", "helm-delete-"),
    "Secret": ("sh.helm.release.v1.", "chart-values-"),
    "ConfigMap": ("chart-content-",),
    "ServiceAccount": ("helm-",),
    "ClusterRoleBinding": ("helm-",),
    "Lease": ("harvester-preflight-",),
    "UpgradeLog": (OF_UPGRADES,),
    "Logging": (OF_UPGRADES,),
    "Plan": (OF_UPGRADES,),
}
"""Of these kinds only objects whose name begins so."""


def why_forbidden(verb: str, api_version: str, kind: str, name: str, body: JsonObject | None = None) -> str:
    """Say why a write must never happen; empty when it may."""
    group = api_version.rpartition("/")[0]
    if verb not in ALLOWED.get((group, kind), frozenset()):
        return f"this tool never does `{verb}` to a {kind}"
    if kind == "ManagedChart":
        return _why_no_pause(name, body)
    prefixes = NAMES.get(kind, ())
    if prefixes and not name.startswith(prefixes):
        return f"of kind {kind} this tool only touches names that begin with {' or '.join(prefixes)}"
    chart = name.removeprefix("sh.helm.release.v1.").rpartition(".v")[0] if kind == "Secret" else name
    if (chart or name).endswith("-crd"):
        return "it holds custom resource definitions, and every object of their kinds would go with them"
    skips = [key for key in _annotation_keys(body) if "skip" in key.lower()]
    if skips:
        return f"it would set {skips[0]}, and switching off a check of the server is never a repair"
    return ""


def _why_no_pause(name: str, body: JsonObject | None) -> str:
    if name in RESUMABLE and body in ({"spec": {"paused": True}}, {"spec": {"paused": False}}):
        return ""
    return f"of a ManagedChart this tool only writes spec.paused, and only of {', '.join(RESUMABLE)}"


def _annotation_keys(body: JsonObject | None) -> Iterator[str]:
    metadata = (body or {}).get("metadata")
    for part in ("annotations", "labels"):
        found = metadata.get(part) if isinstance(metadata, dict) else None
        if isinstance(found, dict):
            yield from (key for key, value in found.items() if value is not None)


class Writer:
    """Reads and writes single objects of one cluster. Every write names the state it expects."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> JsonObject | None:
        """Return an object, None when there is none. Raises ApiError."""
        try:
            return self.api.get(_path(api_version, kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, api_version: str, plural: str, namespace: str) -> list[JsonObject]:
        """Return the objects of a kind in a namespace. Raises ApiError."""
        found = self.api.get(resource_path(api_version, plural, namespace)).get("items")
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def create(self, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Create an object. Raises ApiError, RemediationError when it must not be."""
        api_version, kind, namespace, name = _identity(obj)
        _refuse("create", api_version, kind, name, obj)
        return self.api.post(_path(api_version, kind, namespace), obj, _dry(dry_run))

    def put(self, obj: JsonObject) -> JsonObject:
        """Replace an object, held to its resourceVersion. Raises ApiError, RemediationError when it must not be."""
        api_version, kind, namespace, name = _identity(obj)
        _refuse("put", api_version, kind, name, obj)
        _held(kind, name, obj["metadata"].get("uid"), obj["metadata"].get("resourceVersion"))
        return self.api.put(_path(api_version, kind, namespace, name), obj)

    def patch(self, obj: JsonObject, change: JsonObject, *, status: bool = False, dry_run: bool = False) -> JsonObject:
        """Merge a change into an object as it was read: another uid or resourceVersion is a conflict.

        Raises ApiError, RemediationError when it must not be.
        """
        api_version, kind, namespace, name = _identity(obj)
        _refuse("patch-status" if status else "patch", api_version, kind, name, change)
        metadata = obj["metadata"]
        _held(kind, name, metadata.get("uid"), metadata.get("resourceVersion"))
        state = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        body = {**change, "metadata": {**(change.get("metadata") or {}), **state}}
        return self.api.patch(_path(api_version, kind, namespace, name, "status" * status), body, _dry(dry_run))

    def delete(self, obj: JsonObject, *, dry_run: bool = False) -> None:
        """Delete an object as it was read, what it owns in the background.

        Raises ApiError, RemediationError when it must not be.
        """
        api_version, kind, namespace, name = _identity(obj)
        _refuse("delete", api_version, kind, name, None)
        metadata = obj["metadata"]
        _held(kind, name, metadata.get("uid"), metadata.get("resourceVersion"))
        options: JsonObject = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        }
        if dry_run:
            options["dryRun"] = ["All"]
        self.api.delete(_path(api_version, kind, namespace, name), options)

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Ask the server whether this user may do something. Raises ApiError."""
        plural, _, subresource = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
        if subresource:
            attributes["subresource"] = subresource
        body: JsonObject = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self.api.post(resource_path("authorization.k8s.io/v1", "selfsubjectaccessreviews"), body)
        status = answer.get("status")
        return isinstance(status, dict) and status.get("allowed") is True


def plural_of(api_version: str, kind: str) -> str:
    """Return the plural under which a kind is served. Raises RemediationError for one that repairs know nothing of."""
    group = api_version.rpartition("/")[0]
    for row in RESOURCES.values():
        if (row.group, row.kind) == (group, kind):
            return row.plural
    raise RemediationError(f"this tool never touches {kind} of {api_version}")


def _path(api_version: str, kind: str, namespace: str, name: str = "", subresource: str = "") -> str:
    return resource_path(api_version, plural_of(api_version, kind), namespace, name, subresource)


def _dry(dry_run: bool) -> dict[str, str]:
    return {"fieldManager": "harvester-preflight", **({"dryRun": "All"} if dry_run else {})}


def _identity(obj: JsonObject) -> tuple[str, str, str, str]:
    metadata: dict[str, Any] = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace") or "", metadata["name"]


def _refuse(verb: str, api_version: str, kind: str, name: str, body: JsonObject | None) -> None:
    reason = why_forbidden(verb, api_version, kind, name, body)
    if reason:
        raise RemediationError(f"refused to {verb} {kind} {name}: {reason}")


def _held(kind: str, name: str, uid: object, resource_version: object) -> None:
    if not uid or not resource_version:
        raise RemediationError(f"refused to write {kind} {name}: its uid and resourceVersion are not known")
