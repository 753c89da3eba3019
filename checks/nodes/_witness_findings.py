"""What is said of a witness that is not set up as one, and what becomes of the upgrade with it."""

from __future__ import annotations

from preflight.api import (
    WARN,
    Certainty,
    Command,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Phase,
    degrades,
    ref_of,
    refused,
)

from ._witness import witness_label

HALF_A_WITNESS = degrades(
    Phase.NODE_UPGRADE,
    "The upgrade may treat the node as a witness in one place and as a node for machines in another",
    Certainty.POSSIBLE,
)
STAY_DEGRADED = refused(
    "These volumes stay degraded while they are attached, and the server may refuse the Upgrade for that",
    Certainty.POSSIBLE,
)
FEWER_REPLICAS = degrades(
    Phase.NODE_DRAIN, "These volumes may stay degraded for as long as they are attached", Certainty.POSSIBLE
)
"""Below three nodes the webhook does not look at degraded volumes."""


def witness_finding(
    node: JsonObject,
    cause: str,
    message: str,
    command: Command,
    enforcer: Enforcer,
    *,
    consequence: Consequence | None = None,
    volumes: tuple[str, ...] = (),
) -> Finding:
    """Build the finding of a node; without a consequence that of the check counts."""
    return Finding(
        severity=WARN,
        cause=cause,
        message=message,
        hint="Correct it before the upgrade",
        commands=(command,),
        resource=ref_of(node),
        evidence={"label": witness_label(node)},
        enforced_by=(enforcer,),
        consequence=consequence,
        touches={"volume": volumes} if volumes else {},
    )
