"""What the API server does with a request, without any HTTP: authenticate, authorize, carry out, shape the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import discovery, errors, listing, routes
from .admission import Hook, UpgradeWebhook, addon_webhook
from .pods import Kubelets, PodRunner
from .rbac import Access, Attributes
from .resources import Kinds
from .routes import Target
from .store import Clock, Obj, Store
from .watching import Watch
from .writes import Where, Writer, parse, wants_dry_run

VERSION = {
    "major": "1",
    "minor": "29",
    "gitVersion": "v1.29.9+rke2r1",
    "gitCommit": "114a1f58037a7a5d1aa0f1eb5e6ce25ee7ea2a2e",
    "gitTreeState": "clean",
    "buildDate": "2024-09-12T19:13:32Z",
    "goVersion": "go1.22.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, free of any HTTP library."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, free of any HTTP library."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def of_error(error: errors.ApiError) -> Answer:
    """Shape an error."""
    body, content_type = error.body()
    return Answer(error.code, body, content_type, dict(error.headers))


class Api:
    """The state of one API server and what it answers."""

    def __init__(self, kinds: Kinds, clock: Clock) -> None:
        self.kinds, self.clock = kinds, clock
        self.version: dict[str, str] = dict(VERSION)
        self.store = Store(kinds, clock)
        self.lister = listing.Lister(self.store)
        self.upgrade_webhook = UpgradeWebhook()
        self.admission: list[Hook] = [addon_webhook, self.upgrade_webhook]
        self.writer = Writer(self.store, self.admission)
        self.access = Access()
        self.kubelets = Kubelets(self.store)
        self.pods = PodRunner(self.store)
        self.writes = 0
        """How many requests have changed something so far."""

    def answer(self, call: Call) -> Answer | Watch:
        """Carry out a request."""
        try:
            return self._answer(call)
        except errors.ApiError as error:
            return of_error(error)

    def _answer(self, call: Call) -> Answer | Watch:
        parts = routes.split(call.path)
        if parts[0] in ("readyz", "livez", "healthz"):
            return Answer(200, b"ok", "text/plain; charset=utf-8")
        user = self.access.user(call.headers.get("Authorization", ""), call.headers.get("Impersonate-User", ""))
        if routes.is_discovery(parts):
            if call.method != "GET":
                raise errors.method_not_allowed()
            return _json(discovery.serve(self.kinds, self.version, parts))
        target = routes.resolve(self.kinds, parts)
        if target.kind.plural == "selfsubjectaccessreviews":
            return self._review(call)
        as_user = call.headers.get("Impersonate-User")
        if as_user:
            own = self.access.user(call.headers.get("Authorization", ""), "")
            self.access.check(Attributes("impersonate", "", "users", None, as_user), own)
        self.access.check(target.attributes(call.method, call.query), user)
        return self._read(call, target) if call.method == "GET" else self._write(call, target)

    def _review(self, call: Call) -> Answer:
        if call.method != "POST":
            raise errors.method_not_allowed()
        return _json(self.access.review(parse(call.body)), 201)

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self, call: Call, target: Target) -> Answer | Watch:
        kind = target.kind
        if target.subresource == "proxy":
            return Answer(*self.kubelets.answer(target.name, target.rest))
        if target.subresource == "log":
            return Answer(200, self.pods.log(target.namespace, target.name), "text/plain")
        accept = call.headers.get("Accept", "")
        if call.query.get("watch") in ("true", "1"):
            query = dict(call.query)
            if target.name:
                query["fieldSelector"] = f"metadata.name={target.name}"
            return Watch(self.store, kind, target.namespace or None, query, accept)
        if target.name:
            obj = self.store.peek(kind, target.namespace, target.name)
            if obj is None:
                raise errors.not_found(kind, target.name)
            body = listing.item(kind, obj)
        else:
            body = self.lister.answer(kind, target.namespace or None, call.query)
        if listing.wants_metadata(accept):
            body = listing.metadata_only(body)
        return _json(body)

    # -- writing -------------------------------------------------------------------------------------------------

    def _write(self, call: Call, target: Target) -> Answer:
        before = self.store.revision
        try:
            return self._carry_out(call, target)
        finally:
            self.writes += self.store.revision != before

    def _carry_out(self, call: Call, target: Target) -> Answer:
        where = Where(target.kind, target.namespace, target.name, target.subresource)
        if target.subresource not in ("", "status"):
            raise errors.method_not_allowed()
        if call.method == "POST" and not target.name:
            return self._create(call, target, where)
        if call.method == "PUT" and target.name:
            body = parse(call.body)
            return _json(self.writer.update(where, body, dry_run=wants_dry_run(call.query)))
        if call.method == "PATCH" and target.name:
            content_type = call.headers.get("Content-Type", "").partition(";")[0].strip()
            obj, created = self.writer.patch(where, call.body, content_type, call.query)
            return _json(obj, 201 if created else 200)
        if call.method == "DELETE" and not target.subresource:
            return self._delete(call, target, where)
        raise errors.method_not_allowed()

    def _create(self, call: Call, target: Target, where: Where) -> Answer:
        if target.kind.namespaced and not target.namespace:
            raise errors.method_not_allowed()
        dry_run = wants_dry_run(call.query)
        obj = self.writer.create(where, parse(call.body), dry_run=dry_run)
        if (target.kind.group, target.kind.plural) == ("", "pods") and not dry_run:
            self.pods.created(obj)
        return _json(obj, 201)

    def _delete(self, call: Call, target: Target, where: Where) -> Answer:
        options = parse(call.body) if call.body else {}
        if target.name:
            return _json(self.writer.delete(where, options, call.query))
        body = self.lister.answer(target.kind, target.namespace or None, call.query)
        for obj in body["items"]:
            metadata = obj["metadata"]
            one = Where(target.kind, metadata.get("namespace", ""), metadata["name"])
            self.writer.delete(one, options, call.query)
        return _json(body)


def _json(body: Obj | Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
