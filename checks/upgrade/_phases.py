"""In which step an upgrade stands, and since when: read off an Upgrade's conditions, or off an UpgradePlan's phase.

Rule: upgrade_controller.go (v1.4.0 to v1.9.0-rc6) sets one condition after the other to Unknown when a step begins and to
True when it ends; a condition that is Unknown often carries no time, so that a step began when the one before it ended.
LogReady False means that no log is wanted. Node states: job_controller.go and secret_controller.go; of UpgradePlans:
upgrade-toolkit api/v1beta1/upgradeplan_types.go (read, not tried). States are compared without blanks and hyphens, so
that both spellings of them are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from preflight.api import JsonObject, Phase, Unreadable, condition, mapping_at, name_of, text_at, time_at

from .._upgrades import state_of

OF_UPGRADE, OF_PLAN = "harvesterhci.io/upgrade", "management.harvesterhci.io/upgrade-plan"
"""Labels that everything carries which an Upgrade or an UpgradePlan makes."""


class Step(StrEnum):
    """A step of an upgrade, in their order."""

    START = "start"
    LOGGING = "logging"
    IMAGE = "image"
    REPOSITORY = "repository"
    PRELOAD = "preload"
    SERVICES = "system-services"
    NODES = "nodes"
    CLEANUP = "cleanup"


class NodeStep(StrEnum):
    """What an upgrade does with one node."""

    WAITS = "waits"
    """It is not its turn yet."""
    PRELOAD = "preload"
    PAUSED = "paused"
    PRE_DRAIN = "pre-drain"
    DRAIN = "drain"
    POST_DRAIN = "post-drain"
    REBOOT = "reboot"
    WHOLE = "single-node-upgrade"
    """The only node is upgraded in one go."""
    DONE = "done"
    FAILED = "failed"


PHASES = {
    Step.START: Phase.IMAGE,
    Step.LOGGING: Phase.IMAGE,
    Step.IMAGE: Phase.IMAGE,
    Step.REPOSITORY: Phase.IMAGE,
    Step.PRELOAD: Phase.PRELOAD,
    Step.SERVICES: Phase.SYSTEM_SERVICES,
    Step.NODES: Phase.NODE_UPGRADE,
    Step.CLEANUP: Phase.AFTER,
}
"""The phase of a consequence for each step."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """How far one node is."""

    word: str
    """As the upgrade itself calls it."""
    step: NodeStep
    message: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One upgrade that has not ended."""

    obj: JsonObject
    word: str
    """The state or phase as the object itself calls it; empty where it has none."""
    step: Step
    since: datetime | None
    idle: bool = False
    """Whether the step before has ended and nothing says that this one has begun."""
    failed: str = ""
    """What the step's condition says of a failure."""
    nodes: Mapping[str, NodeState] = field(default_factory=dict)
    label: str = OF_UPGRADE
    broken: str = ""
    """What of the object cannot be read: then only its state is known."""

    @property
    def name(self) -> str:
        """Its name, which all it makes begins with."""
        return name_of(self.obj)

    @property
    def is_plan(self) -> bool:
        """Whether it is an UpgradePlan."""
        return self.label == OF_PLAN


_CONDITIONS = (
    ("LogReady", Step.LOGGING),
    ("ImageReady", Step.IMAGE),
    ("RepoReady", Step.REPOSITORY),
    ("NodesPrepared", Step.PRELOAD),
    ("SystemServicesUpgraded", Step.SERVICES),
    ("NodesUpgraded", Step.NODES),
)
_STATES = {
    "PreparingLoggingInfra": Step.LOGGING,
    "LoggingInfraPrepared": Step.IMAGE,
    "CreatingUpgradeImage": Step.IMAGE,
    "PreparingRepo": Step.REPOSITORY,
    "RepoPrepared": Step.PRELOAD,
    "PreparingNodes": Step.PRELOAD,
    "UpgradingSystemServices": Step.SERVICES,
    "UpgradingNodes": Step.NODES,
    "Upgrading": Step.NODES,
}
_PLAN_PHASES = {
    "Initializing": Step.START,
    "Initialized": Step.IMAGE,
    "ISODownloading": Step.IMAGE,
    "ISODownloaded": Step.REPOSITORY,
    "RepoCreating": Step.REPOSITORY,
    "RepoCreated": Step.REPOSITORY,
    "MetadataPopulating": Step.REPOSITORY,
    "MetadataPopulated": Step.PRELOAD,
    "ImagePreloading": Step.PRELOAD,
    "ImagePreloaded": Step.SERVICES,
    "ClusterUpgrading": Step.SERVICES,
    "ClusterUpgraded": Step.NODES,
    "NodeUpgrading": Step.NODES,
    "NodeUpgraded": Step.CLEANUP,
    "CleaningUp": Step.CLEANUP,
    "CleanedUp": Step.CLEANUP,
}
_NODE_STEPS = {
    "imagespreloading": NodeStep.PRELOAD,
    "imagepreloading": NodeStep.PRELOAD,
    "imagespreloaded": NodeStep.WAITS,
    "imagepreloaded": NodeStep.WAITS,
    "predraining": NodeStep.PRE_DRAIN,
    "predrained": NodeStep.DRAIN,
    "postdraining": NodeStep.POST_DRAIN,
    "waitingreboot": NodeStep.REBOOT,
    "upgrading": NodeStep.WHOLE,
    "singlenodeupgrading": NodeStep.WHOLE,
    "postdrained": NodeStep.DONE,
    "singlenodeupgraded": NodeStep.DONE,
    "imagecleaning": NodeStep.DONE,
    "imagecleaned": NodeStep.DONE,
    "succeeded": NodeStep.DONE,
}


def run_of_upgrade(upgrade: JsonObject) -> Run:
    """Read an Upgrade; of one that is not what the API documents only the state that its label says."""
    try:
        return _upgrade(upgrade)
    except Unreadable as error:
        word = state_of(upgrade)
        return Run(upgrade, word, _STATES.get(word, Step.START), None, broken=str(error))


def _upgrade(upgrade: JsonObject) -> Run:
    word, nodes = state_of(upgrade), _nodes(mapping_at(upgrade, "status.nodeStatuses"))
    newest, step, found = time_at(upgrade, "metadata.creationTimestamp"), None, None
    before = newest
    for kind, its_step in _CONDITIONS:
        if (entry := condition(upgrade, kind)) is not None:
            step, found, before = its_step, entry, newest
            newest = time_at(entry, "lastUpdateTime") or time_at(entry, "lastTransitionTime") or newest
    if step is None or found is None:
        return Run(upgrade, word, _STATES.get(word, Step.START), before, nodes=nodes)
    status, told = text_at(found, "status"), text_at(found, "message") or text_at(found, "reason")
    done = status == "True" or (step is Step.LOGGING and status == "False")
    if done:
        return Run(upgrade, word, list(Step)[list(Step).index(step) + 1], newest, idle=True, nodes=nodes)
    own = time_at(found, "lastUpdateTime") or time_at(found, "lastTransitionTime")
    return Run(upgrade, word, step, own or before, failed=told if status == "False" else "", nodes=nodes)


def run_of_plan(plan: JsonObject) -> Run:
    """Read an UpgradePlan; of one that is not what the API documents only its phase."""
    word = text_at(plan, "status.currentPhase")
    try:
        return _plan(plan, word)
    except Unreadable as error:
        return Run(plan, word, _PLAN_PHASES.get(word, Step.START), None, label=OF_PLAN, broken=str(error))


def _plan(plan: JsonObject, word: str) -> Run:
    degraded = condition(plan, "Degraded") or {}
    trouble = text_at(degraded, "message") or text_at(degraded, "reason") if degraded.get("status") == "True" else ""
    since = time_at(degraded, "lastTransitionTime") if trouble else None
    return Run(
        plan,
        word,
        _PLAN_PHASES.get(word, Step.START),
        since or time_at(plan, "metadata.creationTimestamp"),
        failed=trouble,
        nodes=_nodes(mapping_at(plan, "status.nodeUpgradeStatuses")),
        label=OF_PLAN,
    )


def _nodes(statuses: Mapping[str, object]) -> dict[str, NodeState]:
    found = {}
    for node, status in sorted(statuses.items()):
        status = status if isinstance(status, dict) else {}
        word = text_at(status, "state")
        found[node] = NodeState(word, node_step(word), text_at(status, "message") or text_at(status, "reason"))
    return found


def node_step(word: str) -> NodeStep:
    """Say what a node's state means; one that is not known is one that waits."""
    plain = "".join(char for char in word.lower() if char.isalpha())
    if "paused" in plain:
        return NodeStep.PAUSED
    if plain.endswith("failed"):
        return NodeStep.FAILED
    return _NODE_STEPS.get(plain, NodeStep.WAITS)
