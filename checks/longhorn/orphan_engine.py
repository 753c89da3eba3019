"""An engine process that its instance manager still counts, though nothing uses it, keeps its node from being drained.

Rule: docs (1.4.0 to 1.4.1, 1.5 to 1.6, troubleshooting); no script tests it. Instance managers list engine processes in
status.instanceEngines. One whose Engine object is gone, stopped, or run by another instance manager never leaves the
list, so Longhorn never removes the disruption budget of that name and the node stays in Pre-drained. An Engine whose
volume does not exist ends the same way.
Edges: a single node is not drained, and without a budget nothing holds the drain yet: warnings. No instance manager at
all while volumes are attached is a reading that is not the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    degrades,
    hangs,
    judged,
    kubectl,
    mapping_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    unknown,
    value_at,
)

from ._volumes import is_attached, read, volume_of

MANAGERS = "instancemanagers.longhorn.io"
STAYS = hangs(
    Phase.NODE_DRAIN,
    "Longhorn never removes the disruption budget of that instance manager, and the node stays in Pre-drained (read in the "
    "documentation's steps, not in a script)",
    Certainty.LIKELY,
)
UNUSED = degrades(Phase.AFTER, "Nothing waits for it here; the process may keep memory and ports of its node")


@check(
    id="orphan-engine",
    title="Every engine process belongs to an engine in use",
    category="longhorn",
    needs=(
        need("nodes"),
        need(MANAGERS, "status.instanceEngines.*.status.state", "spec.nodeID"),
        need("engines.longhorn.io", "status.currentState", "status.instanceManagerName", "spec.volumeName"),
        need("volumes.longhorn.io", "status.state"),
        need("poddisruptionbudgets.policy", namespaces=("longhorn-system",)),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The instance manager's disruption budget is never removed, so the drain of its node never ends.",
    how="Longhorn up to 1.9 lost track of an engine process, often after a node went away hard.",
    fix="Once all attached volumes are healthy, delete the disruption budget of that instance manager.",
    links=(
        "https://github.com/harvester/harvester/issues/7366",
        "https://github.com/harvester/harvester/issues/8977",
        "https://github.com/longhorn/longhorn/issues/6764",
        "https://github.com/longhorn/longhorn/issues/11605",
    ),
    explains=(Explains("longhorn-volume-health", Tie.OBJECT, folds=True, causes=("engine-without-volume",)),),
    causes={
        "process-without-engine": "The process has no Engine object, or one that is stopped or runs elsewhere.",
        "engine-without-volume": "The Engine's volume does not exist: delete the Engine once nothing uses it.",
    },
)
def orphan_engine(view: View) -> Iterator[Outcome]:
    """Yield a finding for every instance manager with orphaned processes, and every engine without a volume."""
    engines = {name_of(engine): engine for engine in view.objects("engines.longhorn.io")}
    budgets = read(view, "poddisruptionbudgets.policy")
    held = None
    if budgets is not None:
        held = frozenset(name_of(budget) for budget in budgets if namespace_of(budget) == "longhorn-system")
    nodes = read(view, "nodes")
    scene = _Scene(engines, held, nodes is None or len(nodes) > 1)
    yield from view.each(MANAGERS, scene.judge_manager)
    volumes = view.objects("volumes.longhorn.io")
    for what, found in (("instance manager", view.objects(MANAGERS)), ("engine", engines)):
        if not found and any(map(is_attached, volumes)):
            yield unknown(Code.INCOMPLETE, f"volumes are attached, and not one {what} was read")
    names = {name_of(volume) for volume in volumes}
    yield from judged(tuple(engines.values()), lambda engine: scene.judge_engine(engine, names))


class _Scene(NamedTuple):
    engines: dict[str, JsonObject]
    held: frozenset[str] | None
    """The disruption budgets of longhorn-system, None when they were not read."""
    drained: bool

    def judge_manager(self, manager: JsonObject) -> Iterator[Outcome]:
        name = name_of(manager)
        processes = sorted(mapping_at(manager, "status.instanceEngines"))
        orphans = {process: why for process in processes if (why := self._orphaned(process, name))}
        if not orphans:
            return
        blocks = self.drained and (self.held is None or name in self.held)
        node = text_at(manager, "spec.nodeID")
        what = ", ".join(f"{process} ({why})" for process, why in orphans.items())
        yield Finding(
            severity=FAIL if blocks else WARN,
            cause="process-without-engine",
            message=f"Instance manager {name} on {node or '?'} still counts engine processes that nothing uses: {what}",
            hint="When all attached volumes are healthy, delete the disruption budget of the instance manager",
            commands=(kubectl("delete poddisruptionbudgets.policy {} -n longhorn-system", name),),
            resource=ref_of(manager),
            evidence={"processes": orphans, "budget": None if self.held is None else name in self.held},
            enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS) if blocks else (Enforcer.NONE,),
            consequence=STAYS if blocks else UNUSED,
            touches={"node": (node,)} if node else {},
        )

    def _orphaned(self, process: str, manager: str) -> str:
        engine = self.engines.get(process)
        if engine is None:
            return "no Engine object"
        if text_at(engine, "status.currentState") == "stopped":
            return "its Engine is stopped"
        home = text_at(engine, "status.instanceManagerName")
        return f"its Engine runs in {home}" if home and home != manager else ""

    def judge_engine(self, engine: JsonObject, volumes: set[str]) -> Iterator[Outcome]:
        volume = volume_of(engine)
        if volume in volumes:
            return
        if not volume:
            yield unknown(Code.UNPARSABLE, f"Engine {name_of(engine)} names no volume")
            return
        running = value_at(engine, "status.currentState") == "running"
        blocks = running and self.drained
        yield Finding(
            severity=FAIL if blocks else WARN,
            cause="engine-without-volume",
            message=f"Engine {name_of(engine)} {'runs' if running else 'is left'} for volume {volume}, which does not "
            "exist",
            hint="Delete it once nothing uses it",
            commands=(kubectl("delete engines.longhorn.io {} -n longhorn-system", name_of(engine)),),
            resource=ref_of(engine),
            evidence={"volume": volume, "state": text_at(engine, "status.currentState") or None},
            enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS) if blocks else (Enforcer.NONE,),
            consequence=STAYS if blocks else UNUSED,
            touches={"volume": (volume,)},
        )
