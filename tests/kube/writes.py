"""Create, update, patch and delete with the semantics of a real API server."""

from __future__ import annotations

import copy
import json
import uuid
from dataclasses import dataclass
from typing import Any

import yaml

from . import errors, jobs, patches
from .admission import Hook, Review, admit
from .garbage import Collector
from .resources import Kind
from .store import Obj, Store, stamp

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Where:
    """The object a write is about."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


class Writer:
    """All writes to a store; requests run the admission hooks, the controllers' own writes do not."""

    def __init__(self, store: Store, hooks: list[Hook]) -> None:
        self.store, self.hooks = store, hooks
        self.garbage = Collector(store)

    # -- create --------------------------------------------------------------------------------------------------

    def create(self, where: Where, body: Obj, *, dry_run: bool = False, admitted: bool = False) -> Obj:
        """Create an object from a request body and return it."""
        kind = where.kind
        obj = self._checked_body(where, body)
        metadata = obj["metadata"]
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                raise errors.invalid(kind, "", "metadata.name", "Required value: name or generateName is required")
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
        if metadata.get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        if self.store.peek(kind, where.namespace, metadata["name"]) is not None:
            raise errors.already_exists(kind, metadata["name"])
        if kind.status:
            obj.pop("status", None)
        if (kind.group, kind.plural) == ("", "pods"):
            obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
        metadata.pop("deletionTimestamp", None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = stamp(self.store.clock.now)
        metadata["generation"] = 1
        if jobs.is_job(kind):
            jobs.prepare(kind, obj)
        if not admitted:
            self._admit("CREATE", where, metadata["name"], obj, None, dry_run)
        return obj if dry_run else self.store.save(kind, obj, "ADDED")

    def _checked_body(self, where: Where, body: Any) -> Obj:
        kind = where.kind
        if not isinstance(body, dict):
            raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
        given = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
        if given != (kind.api_version, kind.kind):
            text = f"the API version in the data ({given[0]}) does not match the expected API version"
            raise errors.bad_request(f"{text} ({kind.api_version})")
        obj: Obj = {"apiVersion": kind.api_version, "kind": kind.kind, **copy.deepcopy(body)}
        metadata = obj.setdefault("metadata", {})
        if kind.namespaced and metadata.setdefault("namespace", where.namespace) != where.namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        return obj

    def _admit(self, operation: str, where: Where, name: str, new: Obj | None, old: Obj | None, dry: bool) -> None:
        new, old = copy.deepcopy(new), copy.deepcopy(old)
        admit(self.hooks, Review(operation, where.kind, where.namespace, name, new, old, dry, self.store))

    # -- update --------------------------------------------------------------------------------------------------

    def update(self, where: Where, body: Any, *, dry_run: bool = False, admitted: bool = False) -> Obj:
        """Replace an object, or its status, by a request body and return it."""
        old = self._existing(where)
        new = self._checked_body(where, body)
        metadata = new["metadata"]
        if metadata.get("name", where.name) != where.name:
            raise errors.bad_request(
                f"the name of the object ({metadata['name']}) does not match the name on the URL ({where.name})"
            )
        if metadata.get("uid") not in (None, "", old["metadata"]["uid"]):
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, "
            raise errors.conflict(where.kind, where.name, f"{why}UID in object meta: {old['metadata']['uid']}")
        if where.kind.custom and not metadata.get("resourceVersion"):
            why = "Invalid value: 0x0: must be specified for an update"
            raise errors.invalid(where.kind, where.name, "metadata.resourceVersion", why)
        return self._replace(where, old, new, dry_run, admitted)

    def patch(self, where: Where, data: bytes, content_type: str, query: dict[str, str]) -> tuple[Obj, bool]:
        """Change an object, or its status, by a patch; return it and whether it was created."""
        dry_run = wants_dry_run(query)
        if content_type == APPLY:
            if not query.get("fieldManager"):
                why = "Required value: is required for apply patch"
                raise errors.ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {why}')
            body = yaml.safe_load(data)
            if self.store.peek(where.kind, where.namespace, where.name) is None and not where.subresource:
                return self.create(where, body, dry_run=dry_run), True
        else:
            body = parse(data)
        old = self._existing(where)
        if content_type == JSON_PATCH:
            new = patches.json_patch(old, body)
        elif content_type in (MERGE, APPLY) or (content_type == STRATEGIC and not where.kind.custom):
            new = patches.merge(old, body)
        else:
            accepted = [JSON_PATCH, MERGE, *([] if where.kind.custom else [STRATEGIC]), APPLY]
            raise errors.unsupported_media_type(", ".join(accepted))
        return self._replace(where, old, new, dry_run, admitted=False), False

    def _existing(self, where: Where) -> Obj:
        old = self.store.peek(where.kind, where.namespace, where.name)
        if old is None:
            raise errors.not_found(where.kind, where.name)
        return old

    def _replace(self, where: Where, old: Obj, new: Obj, dry_run: bool, admitted: bool) -> Obj:
        kind = where.kind
        given, stored = new["metadata"].get("resourceVersion"), old["metadata"]["resourceVersion"]
        if given not in (None, "", stored):
            raise errors.conflict(kind, where.name)
        unseen = kind.custom and where.subresource == "status"  # there the metadata sent along are thrown away unread
        if not unseen and new["metadata"].get("uid") not in (None, "", old["metadata"]["uid"]):
            why = f'Invalid value: "{new["metadata"]["uid"]}": field is immutable'
            raise errors.invalid(kind, where.name, "metadata.uid", why)
        new = _only_status(old, new) if where.subresource == "status" else _without_status(kind, old, new)
        if jobs.is_job(kind):
            jobs.check_update(kind, old, new)
        if not admitted and not where.subresource:
            self._admit("UPDATE", where, where.name, new, old, dry_run)
        if dry_run or new == old:
            return new
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            self.garbage.remove(kind, new)
            return new
        return self.store.save(kind, new)

    # -- delete --------------------------------------------------------------------------------------------------

    def delete(self, where: Where, body: Any, query: dict[str, str], *, admitted: bool = False) -> Obj:
        """Delete an object; return a Status, or the object where finalizers keep it."""
        options = {**query, **(body if isinstance(body, dict) else {})}
        kind, old = where.kind, self._existing(where)
        for field, wanted in (options.get("preconditions") or {}).items():
            found = old["metadata"].get(field)
            if wanted not in (None, found):
                raise errors.precondition(kind, where.name, field, wanted, str(found))
        dry_run = wants_dry_run(options)
        if not admitted:
            self._admit("DELETE", where, where.name, None, old, dry_run)
        policy = options.get("propagationPolicy") or default_policy(kind)
        kept = old if dry_run else self.garbage.delete(kind, old, policy)
        if dry_run or kept is None:
            details = {"name": where.name, "kind": kind.plural, "uid": old["metadata"]["uid"]}
            if kind.group:
                details["group"] = kind.group
            return {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": details,
            }
        return kept


def default_policy(kind: Kind) -> str:
    """Return what happens to dependents when the request does not say: `batch/v1` Jobs leave their pods behind."""
    return "Orphan" if (kind.group, kind.plural) == ("batch", "jobs") else "Background"


def wants_dry_run(options: dict[str, Any]) -> bool:
    """Read dryRun, from a query or a DeleteOptions body; anything but `All` is an error."""
    value = options.get("dryRun")
    values = [value] if isinstance(value, str) else list(value or [])
    if any(entry != "All" for entry in values):
        text = f'Unsupported value: "{values[0]}": supported values: "All"'
        raise errors.ApiError(422, "Invalid", f' "" is invalid: dryRun: {text}')
    return bool(values)


def parse(data: bytes) -> Any:
    """Decode a request body."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise errors.bad_request(f"error decoding request body: {error}") from None


def _only_status(old: Obj, new: Obj) -> Obj:
    result = {key: value for key, value in old.items() if key != "status"}
    return {**result, "status": new["status"]} if "status" in new else result


def _without_status(kind: Kind, old: Obj, new: Obj) -> Obj:
    if kind.status:
        new = {key: value for key, value in new.items() if key != "status"}
        if "status" in old:
            new["status"] = old["status"]
    metadata = dict(new["metadata"])
    for field in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"):
        metadata.pop(field, None)
        if field in old["metadata"]:
            metadata[field] = old["metadata"][field]
    metadata.pop("deletionTimestamp", None)
    if "deletionTimestamp" in old["metadata"]:
        metadata["deletionTimestamp"] = old["metadata"]["deletionTimestamp"]
    new = {**new, "metadata": metadata}
    if _desired(new) != _desired(old):
        metadata["generation"] = old["metadata"].get("generation", 1) + 1
    return new


def _desired(obj: Obj) -> Obj:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}
