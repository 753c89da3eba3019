"""The least a reader must be allowed, computed from what the registered checks declare.

Rule: contract, "Reading the cluster": no `secrets` list and no `nodes/proxy` unless asked for. RBAC cannot grant a
resource's metadata alone, so listing Helm release Secrets means being able to read them: hence the flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preflight.check import Need
from preflight.resources import How, Resource

LABELS = {"app.kubernetes.io/name": "harvester-preflight", "app.kubernetes.io/managed-by": "harvester-preflight"}
PLAN_SECRETS = "secrets/machine-plans"
SECRET_LISTS = ("secrets/helm-releases", PLAN_SECRETS)
"""What takes listing Secrets, and so is granted only to whom asks for it."""


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One thing to be allowed."""

    namespace: str
    """Empty: everywhere, in a ClusterRole."""
    group: str
    resource: str
    """Plural, with its subresource: `nodes/proxy`."""
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the roles are bound to."""

    name: str = "harvester-preflight"
    namespace: str = "harvester-preflight"
    labels: Mapping[str, str] = field(default_factory=lambda: dict(LABELS))


def read_permissions(
    needs: Iterable[Need], *, with_releases: bool, with_kubelet: bool, with_plans: bool = False
) -> tuple[Permission, ...]:
    """Return what reading these needs takes, sorted. `with_plans`: of Secrets, those of fleet-local only.

    The pair of versions and the optional needs count too: whoever may not read them gets `unknown`, not an error.
    """
    wanted: set[Permission] = set()
    secrets = SECRET_LISTS if with_releases else (PLAN_SECRETS,) if with_plans else ()
    for need in needs:
        row = need.resource
        if row.how in (How.NODE, How.ASK) or (row.name in SECRET_LISTS and row.name not in secrets):
            continue
        if row.how is How.KUBELET:
            if with_kubelet:
                wanted.add(Permission("", "", "nodes/proxy", ("get",)))
                wanted.add(Permission("", "", "nodes", ("list",)))
        elif row.how is How.TLS:
            wanted.add(Permission("default", "", "endpoints", ("get",), ("kubernetes",)))
        else:
            wanted.update(_listing(row))
    return tuple(sorted(wanted))


def _listing(row: Resource) -> Iterable[Permission]:
    verbs = ("get",) if row.names else ("list",)
    for namespace in row.namespaces or ("",):
        yield Permission(namespace, row.group, row.plural, verbs, row.names)


def manifests(permissions: Sequence[Permission], subject: Subject) -> list[dict[str, Any]]:
    """Write the namespace, the service account, the roles and their bindings."""
    documents: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": subject.namespace, "labels": dict(LABELS)}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(subject, subject.namespace)},
    ]
    for namespace in sorted({permission.namespace for permission in permissions}):
        kind = "Role" if namespace else "ClusterRole"
        rules = _rules(permission for permission in permissions if permission.namespace == namespace)
        documents.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": _metadata(subject, namespace),
                "rules": rules,
            }
        )
        documents.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": f"{kind}Binding",
                "metadata": _metadata(subject, namespace),
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": subject.name},
                "subjects": [{"kind": "ServiceAccount", "name": subject.name, "namespace": subject.namespace}],
            }
        )
    return documents


def _metadata(subject: Subject, namespace: str) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {"name": subject.name, **where, "labels": dict(subject.labels)}


def _rules(permissions: Iterable[Permission]) -> list[dict[str, Any]]:
    """Merge resources of one group that share verbs and names, so that the manifest stays readable."""
    verbs: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for permission in permissions:
        verbs.setdefault((permission.group, permission.resource, permission.names), set()).update(permission.verbs)
    merged: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, names), allowed in sorted(verbs.items()):
        merged.setdefault((group, tuple(sorted(allowed)), names), []).append(resource)
    rules = []
    for (group, allowed_verbs, names), resources in sorted(merged.items()):
        rule: dict[str, Any] = {"apiGroups": [group], "resources": sorted(resources)}
        if names:
            rule["resourceNames"] = sorted(names)
        rules.append({**rule, "verbs": list(allowed_verbs)})
    return rules
