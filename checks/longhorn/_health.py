"""How one volume fares under the rules of the webhook, the pre-drain script and check.sh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    integer_at,
    mapping_at,
    name_of,
    ref_of,
    text_at,
    unknown,
)

from ._volumes import claim_of, patch

SERVER_MIN_NODES = 3
SCRIPT_HEALTHY_ABOVE = 2
MOVING = ("creating", "attaching", "detaching", "deleting")


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

    def judge(self, volume: JsonObject) -> Iterator[Outcome]:
        """Yield what the server, the scripts and check.sh have against a volume, as one finding."""
        name, state = name_of(volume), text_at(volume, "status.state")
        if not state:
            yield unknown(Code.UNPARSABLE, f"Volume {name} has no status.state")
            return
        health = text_at(volume, "status.robustness") or "unknown"
        modes = [_modes(engine) for engine in self.engines.get(name, ()) if _runs(engine)]
        wanted = integer_at(volume, "spec.numberOfReplicas")
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
            message=f"Volume {name}{claim_of(volume)} is {health} and {state}: "
            + _counts(in_use, have, wanted)
            + self._who(blocks, too_few),
            hint=_hint(name, cause, self.data_nodes, wanted),
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
        )

    def judge_orphan(self, engine: JsonObject) -> Iterator[Outcome]:
        """Yield a finding for an engine that runs without a volume."""
        if not _runs(engine):
            return
        writable = _modes(engine).count("RW")
        hangs = self.nodes > 1 and (self.drained > SCRIPT_HEALTHY_ABOVE or writable < 2)
        yield Finding(
            severity=FAIL if hangs else WARN,
            cause="engine-without-volume",
            message=f"Engine {name_of(engine)} runs although its volume does not exist"
            + (": the drain of every node waits for that volume to become healthy" if hangs else ""),
            hint="Delete the engine once nothing uses it\n"
            f"kubectl delete engines.longhorn.io {name_of(engine)} -n longhorn-system",
            resource=ref_of(engine),
            evidence={"rwReplicas": writable, "nodes": self.nodes, "dataNodes": self.data_nodes},
            enforced_by=(Enforcer.SCRIPTS,) if hangs else (Enforcer.NONE,),
        )

    def _stoppers(self, health: str, modes: list[list[str]], wanted: int | None) -> tuple[tuple[Enforcer, ...], bool]:
        if self.nodes < 2:
            return (), False
        few = self.drained <= SCRIPT_HEALTHY_ABOVE
        too_few = few and any(mode.count("RW") < (1 if wanted == 1 else 2) for mode in modes)
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

    def _who(self, blocks: tuple[Enforcer, ...], too_few: bool) -> str:
        if Enforcer.WEBHOOK in blocks:
            return f"; with {self.nodes} nodes the server refuses the Upgrade"
        if too_few:
            return "; the drain waits for 2 writable replicas of a volume in use"
        return "; the drain of every node waits until it is healthy" if blocks else ""


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
    if in_use is not None:
        return f"{in_use} of {wanted} wanted replicas are writable"
    return f"{'?' if have is None else have} of {wanted} wanted replicas exist"


def _hint(name: str, cause: str, data_nodes: int, wanted: int | None) -> str:
    look = f"kubectl get volumes.longhorn.io {name} -n longhorn-system -o yaml\n"
    look += f"kubectl get replicas.longhorn.io -n longhorn-system -l longhornvolume={name}"
    if wanted is not None and 1 < data_nodes < wanted:
        fewer = patch("volumes.longhorn.io", name, f'{{"spec":{{"numberOfReplicas":{data_nodes}}}}}')
        return f"It wants {wanted} replicas and {data_nodes} nodes can hold one each: want fewer\n{fewer}\n{look}"
    if cause == "volume-faulted":
        return f"Salvage the volume in the Longhorn UI or restore it from a backup\n{look}"
    return f"Wait for the rebuild, or give Longhorn room for the missing replicas\n{look}"
