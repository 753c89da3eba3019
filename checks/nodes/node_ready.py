"""A node that is not Ready makes the server refuse the Upgrade; if it turns so later, its upgrade job never starts.

Rule: validator.go checkNodes (v1.4.0 to v1.9.0-rc6): condition Ready must be "True"; a node without that condition
passes there. check.sh check_nodes: such a node fails. We follow check.sh: a node that reports nothing is not ready.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Certainty,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    condition,
    fails,
    judged,
    kubectl,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
)

FOLLOWS = (
    "capi-machine-running",
    "control-plane-workloads",
    "etcd-members",
    "longhorn-node-stale",
    "longhorn-volume-health",
    "node-pressure",
    "pod-health",
)
"""What a node that reports nothing takes along."""
NO_JOB = fails(
    Phase.PRELOAD,
    "The pod that loads the images is never started on the node, and the Upgrade ends Failed after an hour (a node without "
    "the condition was not tried)",
    Certainty.LIKELY,
)


@check(
    title="Every node is Ready",
    needs=(need("nodes", "status.conditions"),),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses to create the Upgrade while any node is not Ready, and every node must run upgrade jobs.",
    how="The kubelet stopped reporting (power, network, a full disk, expired certificates), or rke2 failed.",
    fix="On the node read `journalctl -u rke2-server -u rke2-agent` and free what it complains about.",
    causes={
        "node-not-ready": "Condition Ready is not True. The server rejects the Upgrade; repair or remove the node.",
        "node-reports-nothing": "There is no Ready condition: no kubelet has ever reported for this node.",
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused(),
    explains=(
        *(Explains(check_id, Tie.NODE) for check_id in FOLLOWS),
        Explains("managed-chart-ready", Tie.CLUSTER),
    ),
)
def node_ready(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose Ready condition is not True."""
    yield from judged(view.some("nodes"), _judge)


def _judge(node: JsonObject) -> Iterator[Outcome]:
    ready = condition(node, "Ready")
    status = text_at(ready, "status") if ready else ""
    if status == "True":
        return
    why = text_at(ready, "message") or text_at(ready, "reason") if ready else ""
    state = f"Ready is {status or 'empty'!s}{f' ({why})' if why else ''}" if ready else "it has no Ready condition"
    yield Finding(
        severity=FAIL,
        cause="node-not-ready" if ready else "node-reports-nothing",
        message=f"Node {name_of(node)} is not Ready: {state}",
        hint="Bring the node back before the upgrade, or remove it from the cluster",
        commands=(kubectl("describe node {}", name_of(node)),),
        resource=ref_of(node),
        evidence={
            "ready": status or None,
            "reason": text_at(ready, "reason") if ready else None,
            "since": text_at(ready, "lastTransitionTime") or None if ready else None,
        },
        enforced_by=None if ready else (Enforcer.CHECK_SH,),
        consequence=None if ready else NO_JOB,
    )
