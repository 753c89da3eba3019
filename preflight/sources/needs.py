"""Merge what all checks ask for: each resource is read once, with the union of the fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from preflight.check import Need
from preflight.errors import ConfigError
from preflight.inventory import JsonObject
from preflight.resources import How, Resource
from preflight.values.paths import FieldTree, field_tree, keep_fields


@dataclass(frozen=True, slots=True)
class MergedNeed:
    """One resource to read, for all the checks that need it."""

    resource: Resource
    tree: FieldTree
    """The fields to keep (preflight.values.paths); of a metadata-only resource never more than its metadata."""
    unserved_is_empty: bool
    """Only when every check that reads it says so: one that does not must learn that the group is not served."""

    def project(self, obj: JsonObject) -> JsonObject:
        """Return the object with only the fields asked for; the one given is not changed."""
        kept: JsonObject = keep_fields(obj, self.tree)
        return kept


def merge_needs(needs: Sequence[Need]) -> dict[str, MergedNeed]:
    """Merge needs by resource name, sorted by it.

    Raises ConfigError when two plugins mean different things by one name.
    """
    resources: dict[str, Resource] = {}
    fields: dict[str, set[str]] = {}
    unserved_is_empty: dict[str, bool] = {}
    for need in needs:
        name = need.resource.name
        if resources.setdefault(name, need.resource) != need.resource:
            raise ConfigError(f"two checks declare the resource {name} in different ways; rename one of them")
        fields.setdefault(name, set()).update(need.fields)
        unserved_is_empty[name] = unserved_is_empty.get(name, True) and need.unserved_is_empty
    return {
        name: MergedNeed(resources[name], _tree(resources[name], fields[name]), unserved_is_empty[name])
        for name in sorted(resources)
    }


def _tree(resource: Resource, fields: set[str]) -> FieldTree:
    tree = field_tree(sorted(fields))
    if not resource.metadata_only and resource.kind != "Secret":
        return tree
    return {key: below for key, below in tree.items() if key in ("apiVersion", "kind", "metadata")}


def never_saved(resource: Resource) -> str:
    """Say in words what a resource is that no saved file holds, because it is asked for and not listed."""
    words = {
        How.KUBELET: "what kubelets answer",
        How.TLS: "certificates from a handshake",
        How.ASK: "the server's own answer",
    }
    return words.get(resource.how, resource.name)


def merge_trees(first: FieldTree, second: FieldTree) -> FieldTree:
    """Return the tree that keeps what either keeps."""
    if not first or not second:
        return {}
    merged = dict(first)
    for key, below in second.items():
        merged[key] = merge_trees(merged[key], below) if key in merged else below
    return merged
