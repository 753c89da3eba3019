"""Whether a node satisfies a required node affinity, as the scheduler decides it.

Rule: k8s.io/component-helpers nodeaffinity: terms are ORed, the expressions of a term ANDed; an empty term matches no
node, and so does an empty list of terms. matchFields knows metadata.name only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.api import (
    JsonObject,
    Unreadable,
    labels_of,
    mapping_at,
    maps_at,
    name_of,
    text_at,
    texts_at,
    value_at,
)

REQUIRED = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"


def fits(obj: JsonObject, node: JsonObject) -> bool:
    """Say whether `node` satisfies the required node affinity of a machine. Raises Unreadable for a broken one."""
    required = value_at(obj, REQUIRED)
    if required is None:
        return True
    return any(_term(term, node) for term in maps_at(obj, f"{REQUIRED}.nodeSelectorTerms"))


def _term(term: JsonObject, node: JsonObject) -> bool:
    labels, fields = maps_at(term, "matchExpressions"), maps_at(term, "matchFields")
    if not labels and not fields:
        return False
    return all(matches(rule, labels_of(node)) for rule in labels) and all(
        matches(rule, {"metadata.name": name_of(node)}) for rule in fields
    )


def matches(rule: JsonObject, labels: Mapping[str, Any]) -> bool:
    """Say whether labels satisfy one expression (key, operator, values)."""
    key, operator, values = text_at(rule, "key"), text_at(rule, "operator"), texts_at(rule, "values")
    found = labels.get(key)
    match operator:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt" | "Lt":
            return _compares(operator, found, values)
    raise Unreadable(f"a node affinity has the operator {operator!r}")


def selects(obj: JsonObject, path: str, labels: Mapping[str, Any]) -> bool:
    """Say whether the label selector at `path` selects labels: an absent one selects nothing, an empty one all."""
    if value_at(obj, path) is None:
        return False
    wanted = mapping_at(obj, f"{path}.matchLabels")
    rules = maps_at(obj, f"{path}.matchExpressions")
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        matches(rule, labels) for rule in rules
    )


def _compares(operator: str, found: object, values: list[str]) -> bool:
    try:
        left, right = int(str(found)), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right
