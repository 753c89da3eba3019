"""The plan Secrets of the machines: which machine each is for, and what is said where their numbers do not match.

Rule: see machine_plan_leftover.py: Harvester's controller wants exactly one such Secret for each machine.
"""

from __future__ import annotations

from preflight.api import (
    FAIL,
    INFO,
    Enforcer,
    Finding,
    JsonObject,
    Phase,
    View,
    hangs,
    harmless,
    kubectl,
    labels_of,
    name_of,
    ref_of,
    text_at,
)

from ._waiting import MACHINES

MACHINE = "rke.cattle.io/machine-name"


def machine_of(secret: JsonObject) -> str:
    """Return the name of the machine a plan is for, empty when it names none."""
    return text_at(labels_of(secret), f"[{MACHINE}]")


def wrong_count(view: View, machine: str, node: str, secrets: list[str]) -> Finding:
    """Build the finding of a machine that has not exactly one plan."""
    found = view.find(MACHINES, machine, "fleet-local") or {}
    return Finding(
        severity=FAIL,
        cause="plan-secret-count",
        message=f"Machine {machine} (node {node or 'none'}) has {len(secrets)} plan Secrets, and must have one"
        + (f": {', '.join(secrets)}" if secrets else ""),
        hint="See which is the one Rancher made for the machine; without any, its bootstrap has to be made anew",
        commands=(kubectl("get secrets -n fleet-local -l {}={}", MACHINE, machine),),
        resource=ref_of(found),
        evidence={"machine": machine, "secrets": secrets},
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=hangs(
            Phase.NODE_DRAIN,
            "The hook of the node's drain is never answered, and the upgrade waits for the node without end",
        ),
        touches={"node": (node,)} if node else {},
    )


def of_no_machine(secret: JsonObject) -> Finding:
    """Build the note on a plan whose machine is gone."""
    return Finding(
        severity=INFO,
        cause="plan-of-no-machine",
        message=f"Secret {name_of(secret)} is the plan of machine {machine_of(secret) or '(none)'}, which is not there",
        hint="Delete it if the machine is gone for good",
        commands=(kubectl("delete secret {} -n fleet-local", name_of(secret)),),
        resource=ref_of(secret),
        evidence={"machine": machine_of(secret) or None},
        enforced_by=(Enforcer.NONE,),
        consequence=harmless(),
    )
