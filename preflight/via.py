"""Two ways to upgrade: what a gate means when an UpgradePlan is to be created instead of the built-in Upgrade.

Rule: the experimental Addon harvester-upgrade-manager (from 1.8.0) brings UpgradePlans with admission checks of their
own, read in harvester/upgrade-toolkit: versions and images, no other UpgradePlan that is Progressing, nodes, machines,
volumes, backups, schedules, machines that cannot migrate, ManagedCharts, Addons. They do not look at the kubelets' disks,
at certificates, at the CAPI phase, nor at Upgrades; the webhook of Upgrades does not run at all. What was read is code,
not tried on a cluster: what follows where nobody refuses is possible, not certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from preflight.model import Enforcer, Finding, Via
from preflight.terms import Certainty, Consequence, Effect, Phase

REPEATED = frozenset(
    {
        "addon-stuck",
        "capi-machine-match",
        "capi-machine-running",
        "longhorn-volume-health",
        "managed-chart-ready",
        "node-ready",
        "node-schedulable",
        "schedule-vm-backup-active",
        "single-replica-volumes",
        "upgrade-plan-in-progress",
        "upgrade-version-object",
        "vm-backup-in-progress",
        "vm-live-migration",
    }
)
"""Checks whose rule the admission of an UpgradePlan repeats. What the webhook of Upgrades refuses besides, nobody does."""

BESIDE: Mapping[str, str] = {
    "node-internal-ip": "an UpgradePlan's admission asks no kubelet",
    "server-dry-run": "the dry run is that of an Upgrade, and an UpgradePlan is meant",
    "upgrade-cleanup-pending": "an UpgradePlan does not look at what an Upgrade has to clean up",
    "upgrade-config-setting": "an UpgradePlan carries these options itself",
    "upgrade-log-prerequisites": "an UpgradePlan collects no log",
    "upgrade-pause-map": "an UpgradePlan carries its pauses itself",
    "webhook-token-age": "an UpgradePlan's admission asks no kubelet",
}
"""Checks that have nothing to say about an UpgradePlan, and why."""

WAIVER = "management.harvesterhci.io/skip-webhook"
"""The annotation by which an UpgradePlan gets past its admission checks."""

_BOTH = Consequence(
    Effect.HANGS,
    Phase.NODE_DRAIN,
    Certainty.LIKELY,
    "Nobody refuses the UpgradePlan, and both upgrades then drive the same nodes and hooks; inferred, not tried",
)
_UNREFUSED = Consequence(
    Effect.FAILS,
    Phase.PRELOAD,
    Certainty.POSSIBLE,
    "Nobody refuses the UpgradePlan for it; what it meets later was not tried",
)
_FOLLOWS: Mapping[str, Consequence] = {
    "upgrade-in-progress": _BOTH,
    "capi-cluster-provisioned": replace(_UNREFUSED, effect=Effect.HANGS, phase=Phase.SYSTEM_SERVICES),
    "certificate-expiry": replace(_UNREFUSED, effect=Effect.HANGS, phase=Phase.NODE_UPGRADE),
}
"""What may follow where nobody refuses, for the checks of which more is known than _UNREFUSED says."""


def beside(check_id: str, via: Via) -> str:
    """Say why a check has nothing to say about this way to upgrade, empty when it has."""
    return BESIDE.get(check_id, "") if via is Via.UPGRADE_PLAN else ""


def waiver(check_id: str, waived_by: str, via: Via) -> str:
    """Name the annotation by which the server would let it pass on this way to upgrade, empty when there is none."""
    if via is not Via.UPGRADE_PLAN or not waived_by:
        return waived_by
    return WAIVER if check_id in REPEATED else ""


def as_meant(check_id: str, finding: Finding, via: Via) -> Finding:
    """Take the webhook of Upgrades out of a finding where an UpgradePlan is meant and its admission does not repeat it."""
    enforcers = finding.enforced_by or ()
    if via is not Via.UPGRADE_PLAN or check_id in REPEATED or Enforcer.WEBHOOK not in enforcers:
        return finding
    others = tuple(enforcer for enforcer in enforcers if enforcer is not Enforcer.WEBHOOK)
    consequence = finding.consequence
    if consequence is not None and consequence.effect is Effect.REFUSED:
        consequence = _FOLLOWS.get(check_id, _UNREFUSED)
    return replace(finding, enforced_by=others or (Enforcer.NONE,), consequence=consequence)
