"""API discovery, in the form every client understands: not the aggregated one, which clients can do without."""

from __future__ import annotations

from typing import Any

from .errors import page_not_found
from .resources import Kind, Kinds


def serve(kinds: Kinds, version: dict[str, str], parts: list[str]) -> dict[str, Any]:
    """Answer a discovery path, given as its parts."""
    if parts == ["version"]:
        return version
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["apis"]:
        groups = list(dict.fromkeys(row.group for row in kinds.rows if row.group))
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(kinds, group) for group in groups],
        }
    if len(parts) == 2 and parts[0] == "apis" and any(row.group == parts[1] for row in kinds.rows):
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(kinds, parts[1])}
    if parts[0] == "api" and len(parts) == 2:
        return _resources(kinds, "", parts[1])
    if parts[0] == "apis" and len(parts) == 3:
        return _resources(kinds, parts[1], parts[2])
    raise page_not_found()


def _group(kinds: Kinds, group: str) -> dict[str, Any]:
    names = dict.fromkeys(row.version for row in kinds.rows if row.group == group)
    versions = [{"groupVersion": f"{group}/{name}", "version": name} for name in names]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resources(kinds: Kinds, group: str, version: str) -> dict[str, Any]:
    rows = [row for row in kinds.rows if (row.group, row.version) == (group, version)]
    if not rows:
        raise page_not_found()
    resources = [entry for row in rows for entry in _entries(row)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": rows[0].api_version,
        "resources": resources,
    }


def _entries(row: Kind) -> list[dict[str, Any]]:
    whole: dict[str, Any] = {
        "name": row.plural,
        "singularName": row.kind.lower(),
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": list(row.verbs),
    }
    if row.short:
        whole["shortNames"] = list(row.short)
    entries = [whole]
    for name in row.subresources:
        entries.append(
            {
                "name": f"{row.plural}/{name}",
                "singularName": "",
                "namespaced": row.namespaced,
                "kind": "NodeProxyOptions" if name == "proxy" else row.kind,
                "verbs": ["get", "patch", "update"] if name == "status" else ["get"],
            }
        )
    return entries
