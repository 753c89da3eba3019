"""What the Longhorn checks share: which volume an object belongs to, and how the scripts count nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from preflight.api import (
    Code,
    JsonObject,
    Unknown,
    Unreadable,
    View,
    labels_of,
    lies_in,
    text_at,
    unknown,
)

WITNESS_LABEL = "node-role.harvesterhci.io/witness"
MANAGED_LABEL = "harvesterhci.io/managed"


def volume_of(obj: JsonObject) -> str:
    """Name the volume an engine or replica belongs to, by label as every reader upstream does, else by its spec."""
    label = labels_of(obj).get("longhornvolume")
    return label if isinstance(label, str) and label else text_at(obj, "spec.volumeName")


def by_volume(objects: Iterable[JsonObject]) -> tuple[dict[str, list[JsonObject]], list[Unknown]]:
    """Group engines or replicas by volume, once; objects that cannot be read come back as unknowns."""
    index: dict[str, list[JsonObject]] = {}
    unknowns = []
    for obj in objects:
        try:
            index.setdefault(volume_of(obj), []).append(obj)
        except Unreadable as error:
            unknowns.append(unknown(Code.UNPARSABLE, f"{error}"))
    return index, unknowns


def read(view: View, resource: str) -> tuple[JsonObject, ...] | None:
    """Return the objects of a need, None when it was not read: the runner says so, and what else was read is judged."""
    return None if view.missing(resource) else view.objects(resource)


def is_witness(node: JsonObject) -> bool:
    """Say whether a node is a witness as the upgrade scripts see it: label value "true"."""
    return labels_of(node).get(WITNESS_LABEL) == "true"


def is_managed(node: JsonObject) -> bool:
    """Say whether the upgrade plans select a node."""
    return labels_of(node).get(MANAGED_LABEL) == "true"


def drain_count(view: View, nodes: Sequence[JsonObject]) -> int:
    """Count nodes as the pre-drain script of the target does before it chooses its volume rule.

    Rule: upgrade_node.sh wait_longhorn_engines: managed nodes without witnesses; targets 1.4.x count the witness too.
    """
    with_witness = lies_in(view.upgrade.to_version, ">=1.5.0") is not True
    return sum(is_managed(node) and (with_witness or not is_witness(node)) for node in nodes)


def claim_of(volume: JsonObject) -> str:
    """Name the claim behind a volume for a message, empty when there is none."""
    pvc = text_at(volume, "status.kubernetesStatus.pvcName")
    return f" (claim {text_at(volume, 'status.kubernetesStatus.namespace')}/{pvc})" if pvc else ""


def patch(kind: str, name: str, merge: str) -> str:
    """Write the kubectl command that merges `merge` into a Longhorn object."""
    return f"kubectl patch {kind} {name} -n longhorn-system --type merge -p '{merge}'"
