"""What Rancher's planner says it waits for, and what each of its words comes to in an upgrade.

Rule: rancher pkg/capr/planner (2.9.2, 2.13.3, 2.14.2, 2.15.0: same decisions). When the Kubernetes version changes, every
plan is a change; the tiers are worked in order (init node, etcd, control plane, workers), one node at a time, and a tier
that waits stops all later ones. A node that needs something is named as `configuring TIER node(s) A,B`, with what it needs
behind a colon only where it is the only one; the condition Reconciled of each Machine has the words then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Consequence,
    HarvesterVersion,
    Phase,
    Severity,
    degrades,
    delays,
    hangs,
    lies_in,
)

PROBES = "waiting for probes: "
RENEWED = frozenset({"kube-controller-manager", "kube-scheduler"})
"""Probes that fail when the certificates RKE2 signs itself are out; RKE2 1.32.5 and 1.33.1 renew them."""


class Words(NamedTuple):
    """One thing the planner says."""

    cause: str
    begins: tuple[str, ...]
    texts: tuple[str, ...]
    """The message begins with one of the former, or holds one of the latter."""
    severity: Severity
    patience: timedelta
    """For how long it may say so while all is well."""
    consequence: Consequence
    hint: str

    def fits(self, message: str) -> bool:
        """Say whether the planner said this."""
        return message.startswith(self.begins) or any(text in message for text in self.texts)


NEVER_STARTS = hangs(
    Phase.NODE_DRAIN, "Rancher begins with no node at all, and the upgrade waits for the first without end"
)
_OUT_OF_SYNC = hangs(
    Phase.NODE_DRAIN,
    "Rancher begins with no node of that tier or of a later one until the plan is in, and the upgrade waits without end",
)
_STICKS = hangs(
    Phase.NODE_UPGRADE,
    "The node is drained and updated, and the upgrade then waits for the probe without end, unless the restart of RKE2 "
    "cures it",
    Certainty.LIKELY,
)
_LEFT_OVER = hangs(
    Phase.NODE_DRAIN,
    "What is left of an earlier drain is taken for the answer to the new one, and the upgrade waits for the node without "
    "end",
)
_REPLACED = delays(
    Phase.NODE_UPGRADE, "The plan of the upgrade replaces it, but the node may not get on any better then"
)
_WORKED_ON = hangs(
    Phase.NODE_UPGRADE,
    "Rancher goes on with all nodes, but one that is not ready may keep the upgrade waiting when its turn comes",
    Certainty.POSSIBLE,
)
_RENEWED = degrades(
    Phase.NODE_UPGRADE,
    "The RKE2 of the target renews the certificates of these two; until then their probe may stay so",
)
_MINUTES = {10: timedelta(minutes=10), 30: timedelta(minutes=30)}

SAID = (
    Words(
        "planner-cannot-start",
        ("waiting for at least one ",),
        (
            "waiting for infrastructure ready",
            "CAPI cluster does not exist",
            "is paused",
            "KDM release data is empty",
            "waiting for all etcd machines to be deleted",
            "Restoration from etcd snapshot is required",
            "unable to find designated init node",
            "fixed machine with ID",
            "waiting for viable init node",
            "re-election of init machine",
            "join url to be available",
            "waiting for control plane to be available",
        ),
        FAIL,
        _MINUTES[10],
        NEVER_STARTS,
        "Cure what it waits for first: without it Rancher works on no node",
    ),
    Words(
        "machines-not-ready",
        ("non-ready ", "failing "),
        (),
        WARN,
        _MINUTES[10],
        _WORKED_ON,
        "Look at these machines and their nodes",
    ),
    Words(
        "drain-unfinished",
        ("draining ", "uncordoning "),
        ("waiting for uncordon to finish", "draining node", "drain completed"),
        FAIL,
        timedelta(),
        _LEFT_OVER,
        "See what an earlier drain left in the plan of the machine (machine-plan-leftover), and uncordon its node",
    ),
    Words(
        "plan-not-applied",
        (),
        ("waiting for plan to be applied", "waiting for agent to check in"),
        FAIL,
        _MINUTES[30],
        _OUT_OF_SYNC,
        "Look at the agent on the node, which has not applied its plan, and restart it",
    ),
    Words(
        "plan-failed",
        (),
        ("failure while applying plan",),
        WARN,
        _MINUTES[10],
        _REPLACED,
        "Read on the node why its plan failed",
    ),
    Words(
        "probes-failing",
        (),
        (PROBES,),
        FAIL,
        _MINUTES[30],
        _STICKS,
        "Find out on the node why the component does not answer its probe",
    ),
    Words(
        "kubelet-not-updated",
        (),
        ("waiting for kubelet to update",),
        WARN,
        _MINUTES[10],
        _REPLACED,
        "See whether rke2 was restarted on the node after its last update",
    ),
    Words(
        "initialization-unrecorded",
        (),
        ("marking control plane as initialized",),
        WARN,
        _MINUTES[30],
        degrades(Phase.NODE_DRAIN, "The status of the control plane is not kept, and Rancher may not get on for that"),
        "Restart Rancher and see whether the message goes",
    ),
    Words(
        "agent-not-connected",
        (),
        ("waiting for cluster agent to connect",),
        WARN,
        _MINUTES[10],
        _REPLACED,
        "See whether the management Cluster local still has spec.internal",
    ),
)
"""In the order in which they are looked for: what begins a message says more than what one machine of it waits for."""


def said(message: str, target: HarvesterVersion | None) -> Words | None:
    """Return what the planner says with a message, None when it is none of these words."""
    found = next((words for words in SAID if words.fits(message)), None)
    if found and found.cause == "probes-failing":
        failing = frozenset(part.strip() for part in message.partition(PROBES)[2].split(","))
        if failing <= RENEWED and lies_in(target, ">=1.5.2") is True:
            return found._replace(severity=WARN, consequence=_RENEWED)
    return found


def worst(found: Iterable[Words]) -> Words | None:
    """Return what is worst of several: what fails before what warns, then in the order of SAID."""
    causes = [words.cause for words in SAID]
    return min(found, key=lambda words: (words.severity is not FAIL, causes.index(words.cause)), default=None)
