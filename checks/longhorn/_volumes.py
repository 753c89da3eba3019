"""What the Longhorn checks share: which volume an object belongs to, and how the scripts count nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preflight.api import (
    Code,
    Command,
    JsonObject,
    Unknown,
    Unreadable,
    View,
    kubectl,
    labels_of,
    lies_in,
    name_of,
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


def is_attached(volume: JsonObject) -> bool:
    """Say whether a volume is in use; one that cannot be read counts, for it may be."""
    status = volume.get("status")
    return not isinstance(status, dict) or status.get("state") in ("attached", None)


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
    return f" (claim {pvc_of(volume)})" if pvc_of(volume) else ""


def pvc_of(volume: JsonObject) -> str:
    """Return namespace and name of the claim behind a volume, empty when there is none."""
    pvc = text_at(volume, "status.kubernetesStatus.pvcName")
    return f"{text_at(volume, 'status.kubernetesStatus.namespace')}/{pvc}" if pvc else ""


def touches(volume: JsonObject, *nodes: str) -> dict[str, tuple[str, ...]]:
    """Return what a finding about a volume touches: its claim, and the nodes the fault is on."""
    found = {"pvc": (pvc_of(volume),), "node": tuple(sorted({node for node in nodes if node}))}
    return {tie: names for tie, names in found.items() if any(names)}


def patch(kind: str, name: str, merge: str, why: str = "") -> Command:
    """Return the command that merges `merge` into a Longhorn object."""
    return kubectl("patch {} {} -n longhorn-system --type merge -p {}", kind, name, merge, why=why)


def look(kind: str, name: str) -> Command:
    """Return the command that shows a Longhorn object."""
    return kubectl("get {} {} -n longhorn-system -o yaml", kind, name)


def unlisted(view: View) -> Iterator[Unknown]:
    """Yield an unknown for each node that Longhorn must know and of which no nodes.longhorn.io was read.

    Rule: longhorn-manager runs on every node besides witnesses, and makes such an object for it. The check must need
    `nodes` and `nodes.longhorn.io`; nothing is said where one of them was not read: the runner does.
    """
    if view.missing("nodes") or view.missing("nodes.longhorn.io"):
        return
    known = {name_of(node) for node in view.objects("nodes.longhorn.io")}
    if not view.objects("nodes"):
        yield unknown(Code.INCOMPLETE, "no Node objects were read, and a cluster has at least one")
    for node in view.objects("nodes"):
        name = name_of(node)
        if is_managed(node) and not is_witness(node) and name not in known:
            yield unknown(Code.INCOMPLETE, f"no nodes.longhorn.io {name} was read, and each node has one", node=name)
