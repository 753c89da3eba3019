"""What a running upgrade waits for: looks at what its step depends on, in order, and makes a finding of the answer.

The first thing that does not come right by itself is the answer. Where there is none, the first thing that is under way
is what the upgrade is doing, as long as the step is no older than `patience`; an older one hangs, and the finding says
what was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from preflight.api import (
    FAIL,
    Certainty,
    Command,
    Consequence,
    Finding,
    NotCollected,
    Option,
    Phase,
    Unreadable,
    View,
    format_time,
    hangs,
    human_duration,
    kubectl,
    parse_duration,
    ref_of,
    refused,
    text_at,
    tool,
)

from ._phases import PHASES, NodeStep, Run, Step
from ._sight import Seen, Sight, Wait
from ._steps_before import LOOKS
from ._steps_nodes import look_at_nodes
from ._steps_services import look_at_services
from ._workloads import quoted

PATIENCE = Option("1h", "how long one step of a running upgrade may take before it counts as one that hangs")
UNEXPLAINED = "hangs-unexplained"
CAUSES = {
    "waits-for-log": "What collects the upgrade's log does not come up. Get its pods running, or do without the log.",
    "waits-for-image": "The upgrade's image is not imported. Look at the VirtualMachineImage and its importer.",
    "waits-for-repository": "What serves the new version's files does not come up. Look at its pod.",
    "waits-for-preload": "A node does not get its images loaded. Look at the Job of that node.",
    "waits-for-controller": "The next step is not begun: the controller that would does not act. Look at it.",
    "waits-for-addon": "An Addon has an operation in progress, so that every patch of it is denied: cure the Addon "
    "(`fix --during-upgrade`); the Job's next try then passes.",
    "waits-for-manifests": "The Job that upgrades the system services does not get through. Read what it says.",
    "waits-for-chart": "A ManagedChart cannot be applied. Read what fleet says, and undo what stands against it.",
    "waits-for-unpause": "A node was paused on purpose, and waits for somebody to unpause it.",
    "waits-for-machine": "A virtual machine does not leave the node. Migrate it or shut it down.",
    "waits-for-budget": "A disruption budget lets a pod of the node not be evicted. Change or delete the budget.",
    "waits-for-node": "A node does not come back. Look at its console.",
    "waits-for-node-job": "The Job of a node does not get through. Read what it says.",
    UNEXPLAINED: "The step takes longer than it should and nothing that was read says why: collect a support bundle.",
}
"""Causes that both kinds of upgrade share, for `explain`."""
BEGINS_WITHIN = timedelta(minutes=10)
"""How long a controller may take to begin the next step; it is told at once, and looks again every few minutes."""
WORDS = {
    Step.START: "before its first step",
    Step.LOGGING: "preparing its log",
    Step.IMAGE: "importing its image",
    Step.REPOSITORY: "starting its repository",
    Step.PRELOAD: "loading images on the nodes",
    Step.SERVICES: "upgrading the system services",
    Step.NODES: "upgrading the nodes",
    Step.CLEANUP: "cleaning up",
}
COLLECT: tuple[Command, ...] = (
    kubectl("get upgrades.harvesterhci.io,jobs,pods -n harvester-system -o wide", why="the upgrade's own objects"),
    kubectl("get plans.upgrade.cattle.io,jobs,pods -n cattle-system -o wide", why="and those of its Plans"),
    kubectl("get events -A --sort-by=.lastTimestamp", why="kept for an hour"),
    kubectl("logs -n harvester-system deployment/harvester --tail=200", why="what the upgrade controller says"),
)
"""What to collect where nothing explains the upgrade; a support bundle, made on the Support page, holds all of it."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a running upgrade."""

    run: Run
    now: datetime | None
    since: datetime | None
    wait: Wait | None
    hangs: bool
    looked: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def cause(self) -> str:
        """What it hangs on; empty where it is under way, or says itself what is wrong."""
        if self.wait and self.wait.stuck:
            return self.wait.cause
        return UNEXPLAINED if self.unexplained else ""

    @property
    def unexplained(self) -> bool:
        """Whether it hangs and neither what was read nor the upgrade itself says why."""
        return self.hangs and not self.run.failed and not (self.wait and self.wait.stuck)

    @property
    def nameless(self) -> bool:
        """Whether the object has no state yet: then that is the cause, whatever it waits for."""
        return not self.run.word

    @property
    def lasted(self) -> timedelta | None:
        """How long it has been at what it is at."""
        return self.now - self.since if self.now and self.since and self.since <= self.now else None


def diagnose(view: View, run: Run) -> Diagnosis:
    """Say what a running upgrade waits for; nothing of it where the clock cannot be right, but that it runs."""
    try:
        now = view.now
    except NotCollected as error:
        return Diagnosis(run, None, run.since, None, bool(run.failed), (), (f"the time: {error.reason}",))
    sight = Sight(view, run)
    if run.broken:
        sight.unread["the upgrade itself"] = run.broken
    looked: list[str] = []
    under_way: Wait | None = None
    for seen in _looks(sight):
        looked.append(seen.words)
        if seen.wait and seen.wait.stuck:
            return _diagnosis(sight, seen.wait, True, looked)
        under_way = under_way or seen.wait
    since = under_way.since if under_way and under_way.since else run.since
    patience = parse_duration(str(view.options.get("patience", PATIENCE.default))) or timedelta(hours=1)
    overdue = since is not None and now - since > patience
    return _diagnosis(sight, under_way, overdue or bool(run.failed), looked)


def _diagnosis(sight: Sight, wait: Wait | None, stuck: bool, looked: list[str]) -> Diagnosis:
    unread = tuple(f"{kind}: {why}" for kind, why in sorted(sight.unread.items()))
    since = wait.since if wait and wait.since and sight.run.step is Step.NODES else sight.run.since
    return Diagnosis(sight.run, sight.now, since or (wait.since if wait else None), wait, stuck, tuple(looked), unread)


def _looks(sight: Sight) -> Iterator[Seen]:
    """Look at everything the step depends on; what cannot be read is said, and the rest is looked at."""
    looks = {**LOOKS, Step.SERVICES: look_at_services, Step.NODES: look_at_nodes}.get(sight.run.step)
    try:
        yield from looks(sight) if looks else ()
    except Unreadable as error:
        sight.unread["an object"] = str(error)
    if sight.run.idle or sight.run.step is Step.START:
        yield _not_begun(sight)


def _not_begun(sight: Sight) -> Seen:
    """Say that the step before has ended, or the upgrade was created, and nothing says that this step has begun."""
    since = sight.run.since
    late = since is not None and sight.now - since > BEGINS_WITHIN
    words = f"its controller to begin with the step {sight.run.step.value}"
    hint = "Look at the harvester pod, whose controller begins each step, and at what it says of this Upgrade"
    logs = kubectl("logs -n harvester-system deployment/harvester --tail=200")
    return Seen(words, Wait("waits-for-controller", words, ref_of(sight.run.obj), late, hint, (logs,), since=since))


def finding(found: Diagnosis, *, cause: str, opening: str, evidence: dict[str, Any], **more: Any) -> Finding:
    """Make the finding of a running upgrade. `cause` and `opening` are those of one that is under way; `more` are fields
    that differ from what a hanging one has."""
    wait, run = found.wait, found.run
    consequence = _consequence(found) if found.hangs else more.pop("consequence", refused())
    more.pop("consequence", None)
    explains = bool(wait and wait.stuck)
    return Finding(
        severity=FAIL,
        cause=cause if found.nameless else found.cause or cause,
        message=opening + _said(found, opening),
        hint=wait.hint if wait and explains else _HINTS[found.hangs],
        commands=wait.commands if wait and explains else COLLECT if found.hangs else _ASK,
        resource=ref_of(run.obj),
        evidence={**evidence, **measured(found)},
        touches=wait.touches if wait else {},
        consequence=consequence,
        **more,
    )


_ASK = (tool("why --watch"),)
_HINTS = {
    True: "Nothing that was read explains it: make a support bundle (page Support of Harvester), and look at these",
    False: "Wait for it to end; stop it only while no node is being upgraded",
}


_REFUSED = ("waits-for-addon", "waits-for-budget", "waits-for-unpause")
"""Causes of which it is known that nothing changes by itself; of all others it is inferred from times and failures."""


def _consequence(found: Diagnosis) -> Consequence:
    node = found.run.step is Step.NODES and any(
        state.step in (NodeStep.PRE_DRAIN, NodeStep.DRAIN, NodeStep.PAUSED) for state in found.run.nodes.values()
    )
    phase = Phase.NODE_DRAIN if node else PHASES[found.run.step]
    known = found.wait is not None and found.wait.stuck
    text = "The upgrade that is under way gets no further" + ("" if known else "; what it waits for is not known")
    return hangs(phase, text, Certainty.CERTAIN if found.cause in _REFUSED else Certainty.LIKELY)


def _said(found: Diagnosis, opening: str) -> str:
    run, wait = found.run, found.wait
    lasted = f", for {human_duration(found.lasted)}" if found.lasted else ""
    text = (f"; it is {WORDS[run.step]}" if not run.word else "") + lasted
    if run.failed and run.failed not in opening:
        text += f"; it says: {quoted(run.failed)}"
    if found.unexplained:
        text += ", which is longer than it should take, and nothing that was read explains why"
    return text + (f"; it waits for {wait.words}" if wait else "")


def measured(found: Diagnosis) -> dict[str, Any]:
    """Return what `why` and the report show of a diagnosis, as JSON values."""
    wait = found.wait
    ref = wait.ref if wait else None
    return {
        "step": found.run.step.value,
        "since": format_time(found.since) if found.since else None,
        "forSeconds": round(found.lasted.total_seconds()) if found.lasted else None,
        "hangs": found.hangs,
        "waitsFor": [{"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}] if ref else None,
        "waitsForText": wait.words if wait else None,
        "nodes": {node: state.word for node, state in found.run.nodes.items()} or None,
        "lookedAt": list(found.looked) or None,
        "unread": list(found.unread) or None,
        "target": text_at(found.run.obj, "spec.version") or text_at(found.run.obj, "spec.image") or None,
    }
