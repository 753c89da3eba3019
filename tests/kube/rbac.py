"""Who may do what: tokens, rules, and SelfSubjectAccessReview answered from the same rules.

`server.allow` is None (all is allowed) or a set of rules. A rule is a tuple (verb, group, resource), then optionally a
namespace (None or absent: everywhere) and an object's name (None or absent: any). `*` stands for any verb, group or
resource; a subresource is written `addons/status`. `server.used` collects the rules that let a request pass, so a
test can show that a role holds nothing that is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, bad_request, unauthorized

Rule = tuple[str, str, str] | tuple[str, str, str, str | None] | tuple[str, str, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a request wants, in the words of RBAC."""

    verb: str
    group: str
    resource: str
    namespace: str | None = None
    name: str | None = None

    def forbidden(self, user: str) -> ApiError:
        """Return the 403 the API server answers with."""
        plural, _, _sub = self.resource.partition("/")
        qualified = f"{plural}.{self.group}" if self.group else plural
        subject = f'{qualified} "{self.name}"' if self.name else qualified
        scope = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        text = (
            f'{subject} is forbidden: User "{user}" cannot {self.verb} resource "{self.resource}" '
            f'in API group "{self.group}" {scope}'
        )
        details = {"kind": plural}
        if self.name:
            details["name"] = self.name
        if self.group:
            details["group"] = self.group
        return ApiError(403, "Forbidden", text, details)


@dataclass
class Access:
    """Authentication and authorization of one server."""

    tokens: dict[str, str] = field(default_factory=dict)
    """Bearer token to user name; empty means that nobody needs one."""
    allow: set[Rule] | None = None
    used: set[Rule] = field(default_factory=set)

    def user(self, authorization: str, impersonate: str) -> str:
        """Return the user of a request, or raise 401."""
        if not self.tokens:
            return impersonate or "system:anonymous"
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise unauthorized()
        return impersonate or self.tokens[token]

    def check(self, wanted: Attributes, user: str) -> None:
        """Raise 403 unless a rule allows it; remember the rule."""
        if self.allow is None:
            return
        rule = self._rule(wanted)
        if rule is None:
            raise wanted.forbidden(user)
        self.used.add(rule)

    def _rule(self, wanted: Attributes) -> Rule | None:
        for rule in sorted(self.allow or (), key=repr):
            if _fits(rule, wanted):
                return rule
        return None

    def review(self, body: Any) -> dict[str, Any]:
        """Answer a SelfSubjectAccessReview. Asking uses no rule: every authenticated user may ask."""
        spec = body.get("spec") if isinstance(body, dict) else None
        asked = (spec or {}).get("resourceAttributes")
        if not isinstance(asked, dict):
            raise bad_request("spec.resourceAttributes is required: only resources can be reviewed here")
        sub = asked.get("subresource")
        resource = f"{asked.get('resource', '')}/{sub}" if sub else asked.get("resource", "")
        wanted = Attributes(
            asked.get("verb", ""),
            asked.get("group", ""),
            resource,
            asked.get("namespace") or None,
            asked.get("name") or None,
        )
        allowed = self.allow is None or self._rule(wanted) is not None
        return {**body, "metadata": {}, "status": {"allowed": allowed}}


def _fits(rule: Rule, wanted: Attributes) -> bool:
    verb, group, resource, *rest = rule
    namespace = rest[0] if rest else None
    name = rest[1] if len(rest) > 1 else None
    return (
        verb in ("*", wanted.verb)
        and group in ("*", wanted.group)
        and resource in ("*", wanted.resource)
        and namespace in (None, wanted.namespace)
        and name in (None, wanted.name)
    )


def rules_of(manifests: Iterable[dict[str, Any]]) -> set[Rule]:
    """Turn Role and ClusterRole manifests into rules; who is bound to them does not matter here.

    A ClusterRole counts everywhere, a Role in its namespace. A ClusterRole named only by RoleBindings in the same
    manifests counts in the namespaces of those bindings.
    """
    documents = [document for document in manifests if document]
    rules: set[Rule] = set()
    for document in documents:
        if document["kind"] == "Role":
            rules |= _expand(document, document["metadata"]["namespace"])
        elif document["kind"] == "ClusterRole":
            for namespace in _scopes(document["metadata"]["name"], documents):
                rules |= _expand(document, namespace)
    return rules


def _scopes(role: str, documents: list[dict[str, Any]]) -> list[str | None]:
    bindings = [entry for entry in documents if entry.get("roleRef", {}) == {**entry.get("roleRef", {}), "name": role}]
    bindings = [entry for entry in bindings if entry["roleRef"].get("kind") == "ClusterRole"]
    if not bindings or any(entry["kind"] == "ClusterRoleBinding" for entry in bindings):
        return [None]
    return [entry["metadata"]["namespace"] for entry in bindings]


def _expand(document: dict[str, Any], namespace: str | None) -> set[Rule]:
    return {
        (verb, group, resource, namespace, name)
        for rule in document.get("rules") or []
        for verb in rule["verbs"]
        for group in rule.get("apiGroups") or []
        for resource in rule.get("resources") or []
        for name in rule.get("resourceNames") or [None]
    }
