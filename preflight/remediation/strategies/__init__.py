"""The cures, from the gentlest to the most destructive, and which causes each may be used for.

Rule: what un-stuck Addons on a test cluster of v1.4.0 with helm-controller v0.16.1; a cause that is in no row is left
to the administrator, with the words of LEFT_TO_YOU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from preflight.remediation.case import Case
from preflight.remediation.plan import Step


@dataclass(frozen=True, slots=True)
class Strategy:
    """One cure."""

    name: str
    causes: tuple[str, ...]
    """Causes it is made for. Which strategy a finding gets by itself is the check's word (Finding.remediation)."""
    on_request: tuple[str, ...] = ()
    """Causes it may be used for when the user or the check names it."""
    destructive: bool = False
    """Needs --force."""
    during: tuple[str, ...] = ()
    """Causes it may also be used for while an Upgrade waits for the Addon: where its usual cure cannot work then."""
    checks: tuple[str, ...] = ()
    """The checks whose findings it is for; empty for a cure of a stuck Addon, whoever finds that."""
    begins_anew: bool = False
    """Begins a new operation of the Addon: what made the last one stick, and is still there, does so again."""

    @property
    def steps(self) -> Callable[[Case], list[Step]]:
        """The function that plans it."""
        module = import_module(f"preflight.remediation.strategies.{self.name.replace('-', '_')}")
        function: Callable[[Case], list[Step]] = module.steps
        return function


RECREATE_JOB = Strategy(
    "recreate-job",
    ("job-predates-operation", "job-accounting-stale", "job-failed-unrecognised", "job-missing"),
    on_request=("disabling-stalled",),
)
TOGGLE = Strategy(
    "toggle",
    ("job-failed", "enabled-while-disabling"),
    on_request=("failure-latched", "job-missing", "job-accounting-stale", "job-failed-unrecognised"),
    begins_anew=True,
)
SETTLE_STATUS = Strategy(
    "settle-status",
    ("idle-operation", "operation-time-missing"),
    on_request=("failure-latched", "job-predates-operation"),
    destructive=True,
    during=("job-accounting-stale", "job-failed-unrecognised", "job-missing"),
)
REBUILD = Strategy(
    "rebuild",
    ("helm-chart-foreign",),
    on_request=(
        "job-predates-operation",
        "job-accounting-stale",
        "job-failed-unrecognised",
        "job-failed",
        "failure-latched",
        "idle-operation",
        "operation-time-missing",
        "helm-release-pending",
    ),
    destructive=True,
)
CLEAN_LEFTOVERS = Strategy("clean-leftovers", (), destructive=True)
UNPAUSE = Strategy("unpause", ("chart-left-paused",), checks=("managed-chart-paused",))
DELETE_LEFTOVER = Strategy(
    "delete-leftover",
    ("upgradelog-left", "logging-left", "plan-left"),
    destructive=True,
    checks=("leftover-upgradelog", "leftover-upgrade-objects"),
)

STRATEGIES: Mapping[str, Strategy] = {
    strategy.name: strategy
    for strategy in (RECREATE_JOB, TOGGLE, SETTLE_STATUS, REBUILD, CLEAN_LEFTOVERS, UNPAUSE, DELETE_LEFTOVER)
}

STUCK_CHECK = "addon-stuck"
LEFTOVERS_CHECK = "addon-leftovers"
REPAIRABLE_CHECKS = (STUCK_CHECK, LEFTOVERS_CHECK)

LEFT_TO_YOU: Mapping[str, str] = {
    "unknown": "its cause could not be told, and nothing is changed on a guess",
    "job-image-pull": "import the missing images first (the finding names them); the Job then goes on by itself",
    "job-running": "helm is at work; wait for it, or look at the pod that the finding names",
    "job-retrying": "helm is still trying; read the pod's last words in the finding and cure what they name",
    "job-not-created": "helm-controller is not working: look at service rke2-server on the node that holds its lock",
    "status-not-updated": "the addon controller is not working; it is your decision to restart it: "
    "kubectl -n harvester-system rollout restart deployment/harvester",
    "helm-release-pending": "choose between `helm rollback` and `helm uninstall` for the release that hangs",
    "helm-chart-missing": "the addon controller creates it again by itself; when it does not, it is not working",
    "helm-chart-terminating": "its delete Job must end first; look at the Job and the finalizers in the finding",
    "disabling-stalled": "its delete Job must end first; look at the Job and pod in the finding (a Job that failed for "
    "good is made again by recreate-job)",
    "progressing": "it is moving; wait",
}


def allows(strategy: Strategy, check: str, cause: str, *, during: bool = False) -> bool:
    """Say whether a strategy may be used for a cause at all; with `during`, while an Upgrade waits for the Addon."""
    if strategy is CLEAN_LEFTOVERS or check == LEFTOVERS_CHECK:
        return strategy is CLEAN_LEFTOVERS and check == LEFTOVERS_CHECK
    if strategy.checks and check not in strategy.checks:
        return False
    return cause in strategy.causes or cause in strategy.on_request or (during and cause in strategy.during)
