"""What says of itself that it is not the whole: a page of a List, an answer that failed, a table for the eye.

Rule: meta/v1 ListMeta (`continue`, `remainingItemCount`: more would have come), Status and Table of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.model import Code, Reason
from preflight.resources import Resource
from preflight.values.foreign_text import one_line

MAX_MESSAGE = 200
NO_OBJECTS = ("Status", "Table")
"""Kinds of the API machinery that stand where objects should."""
SEVERAL_NAMESPACES = frozenset(
    {"pods", "deployments.apps", "daemonsets.apps", "addons.harvesterhci.io", "serviceaccounts"}
)
"""Kinds that every Harvester cluster has in several namespaces, from its installation on."""


def cut_off(head: Mapping[str, Any], where: str) -> Reason | None:
    """Say that a List is only a page of what there was; None when nothing says so."""
    metadata = head.get("metadata")
    if not isinstance(metadata, dict):
        return None
    left = metadata.get("remainingItemCount")
    if not metadata.get("continue") and not left:
        return None
    more = f"{one_line(left, 20)} more objects" if left else "more objects"
    kind = one_line(head.get("kind"), 60)
    return Reason(
        Code.INCOMPLETE,
        f"{where}, a {kind}, is only one page: the server had {more}; list them all, as kubectl get does",
    )


def no_objects(value: Mapping[str, Any], where: str) -> Reason | None:
    """Say that a document stands for objects that are not in it: a Status of a failure, a Table; None for others."""
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if kind == "Status" and api_version == "v1" and value.get("status") != "Success":
        message = one_line(value.get("message") or value.get("reason") or "no reason given", MAX_MESSAGE)
        return Reason(Code.INCOMPLETE, f"{where} is the server's answer that a request failed: {message}")
    if kind == "Table" and str(api_version).startswith("meta.k8s.io/"):
        return Reason(
            Code.INCOMPLETE, f"{where} is a Table, which has columns to show instead of objects; save with -o yaml"
        )
    return None


def one_namespace_only(row: Resource, objects: Iterable[Mapping[str, Any]], command: str) -> Reason | None:
    """Say that a kind was listed in one namespace, where all matter and every cluster has it in several."""
    if row.name not in SEVERAL_NAMESPACES or row.namespaces:
        return None
    seen = {str(obj["metadata"].get("namespace") or "") for obj in objects}
    if len(seen) != 1:
        return None
    (only,) = seen
    text = f"all {row.name} are of namespace {one_line(only, 63) or '(none)'}, and every cluster has some in others"
    return Reason(Code.INCOMPLETE, f"{text}; list them all: {command}", cure=command)
