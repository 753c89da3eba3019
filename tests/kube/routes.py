"""From a path to what it means."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from . import errors
from .rbac import Attributes
from .resources import Kind, Kinds

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Target:
    """A resource path, taken apart."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource, for proxies."""

    def attributes(self, method: str, query: dict[str, str]) -> Attributes:
        """Return what RBAC is asked about this request."""
        verb = _VERBS.get(method, "get" if self.name else "list")
        if method == "GET" and query.get("watch") in ("true", "1"):
            verb = "watch"
        if method == "DELETE" and not self.name:
            verb = "deletecollection"
        resource = f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural
        namespace = self.name if self.kind.plural == "namespaces" else self.namespace
        return Attributes(verb, self.kind.group, resource, namespace or None, self.name or None)


def split(path: str) -> list[str]:
    """Return the parts of a path, decoded."""
    return [unquote(part) for part in path.strip("/").split("/")]


def is_discovery(parts: list[str]) -> bool:
    """Whether a path is about the API itself and not about objects."""
    return parts == ["version"] or (parts[0] == "api" and len(parts) <= 2) or (parts[0] == "apis" and len(parts) <= 3)


def resolve(kinds: Kinds, parts: list[str]) -> Target:
    """Return what a resource path means, or raise the bare 404 of an unknown path."""
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise errors.page_not_found()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and kinds.find(group, rest[2], version):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.find(group, rest[0], version)
    name, subresource = [*rest, "", ""][1:3]
    if kind is None or (bool(namespace) != kind.namespaced and (namespace or name)):
        raise errors.page_not_found()
    if subresource and subresource not in kind.subresources:
        raise errors.page_not_found()
    return Target(kind, namespace, name, subresource, "/".join(rest[3:]))
