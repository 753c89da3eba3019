"""How one volume fares under the rules of the webhook, the pre-drain script and check.sh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Command,
    Consequence,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    degrades,
    hangs,
    integer_at,
    kubectl,
    mapping_at,
    name_of,
    ref_of,
    refused,
    text_at,
    unknown,
)

from ._volumes import claim_of, look, patch, touches

SERVER_MIN_NODES = 3
SCRIPT_HEALTHY_ABOVE = 2
MOVING = ("creating", "attaching", "detaching", "deleting")
TOO_FEW = hangs(
    Phase.NODE_DRAIN,
    "The pre-drain job of each node waits without limit for two writable replicas of every volume in use",
)
NOT_HEALTHY = hangs(
    Phase.NODE_DRAIN,
    "The pre-drain job of each node waits without limit until the volumes of all engines are healthy",
)
UNUSABLE = degrades(Phase.AFTER, "No replica of the volume works: what uses it does not start, upgrade or not")
WEAKER = degrades(
    Phase.NODE_DRAIN,
    "Nobody stops the upgrade for it; what uses the volume may lose it while the nodes restart one by one",
    Certainty.POSSIBLE,
)


class Scene(NamedTuple):
    """The cluster as the rules about volumes see it."""

    nodes: int
    """All Node objects, as the webhook counts."""
    drained: int
    """The nodes the pre-drain script counts."""
    data_nodes: int
    """The nodes that can hold replicas."""
    engines: dict[str, list[JsonObject]]
    replicas: dict[str, list[JsonObject]] | None
    """None when they were not all read: then nothing is said about their number."""
    engines_known: bool = True
    """Whether the engines were all read."""

    def judge(self, volume: JsonObject) -> Iterator[Outcome]:
        """Yield what the server, the scripts and check.sh have against a volume, as one finding."""
        name, state = name_of(volume), text_at(volume, "status.state")
        if not state:
            yield unknown(Code.UNPARSABLE, f"Volume {name} has no status.state")
            return
        health = text_at(volume, "status.robustness") or "unknown"
        modes = [_modes(engine) for engine in self.engines.get(name, ()) if _runs(engine)]
        wanted = integer_at(volume, "spec.numberOfReplicas")
        if wanted is None:
            yield unknown(Code.UNPARSABLE, f"Volume {name} has no spec.numberOfReplicas")
        if state == "attached":
            yield from self._unread(name)
        blocks, too_few = self._stoppers(health, modes, wanted)
        have = None if self.replicas is None else len(self.replicas.get(name, ()))
        missing = state == "detached" and have is not None and wanted is not None and have < wanted
        if not blocks and not missing and not self._advisory(state, health):
            return
        by_script = (Enforcer.CHECK_SH,) if self._check_sh(name, state, health, wanted, missing) else ()
        cause = _cause(health, too_few, missing and health != "degraded")
        in_use = min((mode.count("RW") for mode in modes), default=None)
        yield Finding(
            severity=FAIL if blocks else WARN,
            cause=cause,
            message=f"Volume {name}{claim_of(volume)} is {health} and {state}: " + _counts(in_use, have, wanted),
            hint=_hint(cause, self.data_nodes, wanted),
            commands=_commands(name, self.data_nodes, wanted),
            resource=ref_of(volume),
            evidence={
                "robustness": health,
                "state": state,
                "wanted": wanted,
                "replicas": have,
                "rwReplicas": in_use,
                "nodes": self.nodes,
                "dataNodes": self.data_nodes,
            },
            transient=state in MOVING or len(modes) > 1 or any("WO" in mode for mode in modes),
            enforced_by=(*blocks, *by_script) or (Enforcer.NONE,),
            consequence=self._consequence(blocks, too_few, health),
            touches=touches(volume, *self._broken_on(name, state)),
        )

    def judge_orphan(self, engine: JsonObject) -> Iterator[Outcome]:
        """Yield a finding for an engine that runs without a volume."""
        if not _runs(engine):
            return
        writable = _modes(engine).count("RW")
        blocks = self.nodes > 1 and (self.drained > SCRIPT_HEALTHY_ABOVE or writable < 2)
        yield Finding(
            severity=FAIL if blocks else WARN,
            cause="engine-without-volume",
            message=f"Engine {name_of(engine)} runs although its volume does not exist",
            hint="Delete the engine once nothing uses it",
            commands=(kubectl("delete engines.longhorn.io {} -n longhorn-system", name_of(engine)),),
            resource=ref_of(engine),
            evidence={"rwReplicas": writable, "nodes": self.nodes, "dataNodes": self.data_nodes},
            enforced_by=(Enforcer.SCRIPTS,) if blocks else (Enforcer.NONE,),
            consequence=NOT_HEALTHY if blocks else WEAKER,
        )

    def _unread(self, name: str) -> Iterator[Outcome]:
        if self.engines_known and name not in self.engines:
            yield unknown(Code.INCOMPLETE, f"Volume {name} is attached, and no engine of it was read")
        if self.replicas is not None and name not in self.replicas:
            yield unknown(Code.INCOMPLETE, f"Volume {name} is attached, and no replica of it was read")

    def _stoppers(self, health: str, modes: list[list[str]], wanted: int | None) -> tuple[tuple[Enforcer, ...], bool]:
        if self.nodes < 2:
            return (), False
        few = self.drained <= SCRIPT_HEALTHY_ABOVE
        too_few = few and any(mode.count("RW") < min(2, wanted or 1) for mode in modes)
        webhook = health == "degraded" and self.nodes >= SERVER_MIN_NODES
        script = too_few or (not few and bool(modes) and health != "healthy")
        return (*((Enforcer.WEBHOOK,) if webhook else ()), *((Enforcer.SCRIPTS,) if script else ())), too_few

    def _advisory(self, state: str, health: str) -> bool:
        if self.nodes < 2:
            return state == "attached" and health in ("degraded", "faulted")
        return health in ("degraded", "faulted") if state == "detached" else health != "healthy"

    def _check_sh(self, name: str, state: str, health: str, wanted: int | None, missing: bool) -> bool:
        if self.nodes < 2 or name not in self.engines or (wanted or 0) < 2:
            return False
        return missing if state == "detached" else health != "healthy"

    def _consequence(self, blocks: tuple[Enforcer, ...], too_few: bool, health: str) -> Consequence:
        if Enforcer.WEBHOOK in blocks:
            return refused(
                f"With {self.nodes} nodes the server refuses to create the Upgrade while a volume is degraded"
            )
        if blocks:
            return TOO_FEW if too_few else NOT_HEALTHY
        return UNUSABLE if health == "faulted" else WEAKER

    def _broken_on(self, name: str, state: str) -> Iterator[str]:
        """Yield the nodes whose replicas of the volume failed or do not run."""
        for replica in (self.replicas or {}).get(name, ()):
            stopped = state == "attached" and text_at(replica, "status.currentState") != "running"
            if stopped or text_at(replica, "spec.failedAt"):
                yield text_at(replica, "spec.nodeID")


def _runs(engine: JsonObject) -> bool:
    return text_at(engine, "status.currentState") == "running"


def _modes(engine: JsonObject) -> list[str]:
    return [str(mode) for mode in mapping_at(engine, "status.replicaModeMap").values()]


def _cause(health: str, too_few: bool, missing: bool) -> str:
    if too_few:
        return "too-few-rw-replicas"
    if missing:
        return "replicas-missing"
    return {"degraded": "volume-degraded", "faulted": "volume-faulted"}.get(health, "volume-not-healthy")


def _counts(in_use: int | None, have: int | None, wanted: int | None) -> str:
    of = "?" if wanted is None else wanted
    if in_use is not None:
        return f"{in_use} of {of} wanted replicas are writable"
    return f"{'?' if have is None else have} of {of} wanted replicas exist"


def _too_many(data_nodes: int, wanted: int | None) -> bool:
    return wanted is not None and 1 < data_nodes < wanted


def _hint(cause: str, data_nodes: int, wanted: int | None) -> str:
    if _too_many(data_nodes, wanted):
        return f"It wants {wanted} replicas and {data_nodes} nodes can hold one each: want fewer"
    if cause == "volume-faulted":
        return "Salvage the volume in the Longhorn UI or restore it from a backup"
    return "Wait for the rebuild, or give Longhorn room for the missing replicas"


def _commands(name: str, data_nodes: int, wanted: int | None) -> tuple[Command, ...]:
    fewer = patch("volumes.longhorn.io", name, f'{{"spec":{{"numberOfReplicas":{data_nodes}}}}}')
    return (
        *((fewer,) if _too_many(data_nodes, wanted) else ()),
        look("volumes.longhorn.io", name),
        kubectl("get replicas.longhorn.io -n longhorn-system -l longhornvolume={}", name),
    )
