"""The label that makes a node a witness."""

from __future__ import annotations

from preflight.api import JsonObject, labels_of, text_at

WITNESS_LABEL = "node-role.harvesterhci.io/witness"


def witness_label(node: JsonObject) -> str | None:
    """Return the value of the witness label, None when the node does not carry it."""
    labels = labels_of(node)
    return text_at(labels, f"[{WITNESS_LABEL}]") if WITNESS_LABEL in labels else None
