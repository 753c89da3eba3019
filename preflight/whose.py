"""Which cluster it is: the uid of namespace kube-system, which is made with the cluster and never made anew."""

from __future__ import annotations

from preflight.check import Need, need
from preflight.inventory import Inventory

RESOURCE = "namespaces/kube-system"
WHOSE_NEEDS: tuple[Need, ...] = (need(RESOURCE, optional=True),)
"""What tells one cluster from another, whatever address, context or file name it goes by."""


def cluster_uid(inventory: Inventory) -> str:
    """Return the uid of namespace kube-system, empty where it was not read or the source has none."""
    for namespace in inventory.get(RESOURCE).objects:
        metadata = namespace.get("metadata")
        uid = metadata.get("uid") if isinstance(metadata, dict) else None
        if isinstance(uid, str):
            return uid
    return ""
