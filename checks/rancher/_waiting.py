"""What the control plane, or its copy in Cluster API, waits for: which words of the planner, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    condition,
    hangs,
    human_duration,
    kubectl,
    maps_at,
    name_of,
    on_node,
    ref_of,
    text_at,
    time_at,
    unknown,
)

from ._planner import Words, said, worst

MACHINES = "machines.cluster.x-k8s.io"
OLD_CONDITIONS = "status.deprecated.v1beta1.conditions"
"""Where Cluster API from 1.8 on keeps the conditions it had before."""
CONTRADICTED = timedelta(minutes=30)
"""For how long the copy may lag behind its source."""
AT_NODES = ("drain-unfinished", "plan-not-applied", "plan-failed", "probes-failing", "kubelet-not-updated")
"""Causes for which one looks at the agent on the node."""
MAY_PASS = hangs(Phase.NODE_DRAIN, "If it stays so, Rancher may not get on with the nodes", Certainty.POSSIBLE)


class Word(NamedTuple):
    """What an object says about the control plane, and since when."""

    obj: JsonObject
    status: str
    message: str
    age: timedelta | None


def waits(view: View, plane: JsonObject | None, cluster: JsonObject | None) -> Iterator[Outcome]:
    """Yield what the control plane waits for: by its own word, or by that of Cluster API where the two contradict."""
    source = _word(view, plane, "Ready") if plane is not None else None
    if plane is not None and source is None:
        yield unknown(Code.INCOMPLETE, "the RKEControlPlane has no condition Ready")
    if source is not None and source.status != "True":
        yield from _judge(view, source)
        return
    copy = _word(view, cluster, "ControlPlaneReady", elsewhere=OLD_CONDITIONS) if cluster is not None else None
    if copy is None or copy.status == "True":
        return
    if source is None or copy.age is None or copy.age > CONTRADICTED:
        yield from _judge(view, copy)


def _word(view: View, obj: JsonObject, kind: str, *, elsewhere: str = "") -> Word | None:
    found = condition(obj, kind)
    if found is None and elsewhere:
        found = next((entry for entry in maps_at(obj, elsewhere) if entry.get("type") == kind), None)
    if found is None:
        return None
    since = time_at(found, "lastUpdateTime") or time_at(found, "lastTransitionTime")
    message = text_at(found, "message") or text_at(found, "reason")
    return Word(obj, text_at(found, "status"), message, None if since is None else view.now - since)


def _judge(view: View, word: Word) -> Iterator[Outcome]:
    by_name = {name_of(machine) or "?": machine for machine in view.read(MACHINES)}
    details = {name: _detail(machine) for name, machine in by_name.items()}
    machines = [machine for name, machine in by_name.items() if details[name] or name in word.message]
    target = view.upgrade.to_version
    words = said(word.message, target) or worst(filter(None, (said(text, target) for text in details.values())))
    if words is None:
        where = f"{word.obj.get('kind')} fleet-local/local"
        yield unknown(
            Code.ERROR, f"{where} is not ready, and what that comes to is not known: {word.message or 'no reason'}"
        )
        return
    nodes = sorted({text_at(machine, "status.nodeRef.name") for machine in machines} - {""})
    yield _finding(word, words, [f"{name}: {text}" for name, text in sorted(details.items()) if text], nodes)


def _detail(machine: JsonObject) -> str:
    """Return what one machine is said to wait for, where that differs from nothing."""
    conditions = (*maps_at(machine, "status.conditions"), *maps_at(machine, OLD_CONDITIONS))
    found = [entry for entry in conditions if entry.get("type") == "Reconciled" and entry.get("status") != "True"]
    return text_at(found[0], "message") if found else ""


def _finding(word: Word, words: Words, details: list[str], nodes: list[str]) -> Finding:
    new = word.age is not None and word.age <= words.patience
    since = f" for {human_duration(word.age)}" if word.age is not None else ""
    more = [detail for detail in details if detail.partition(": ")[2] not in word.message]
    return Finding(
        severity=WARN if new else words.severity,
        cause=words.cause,
        message=f"Rancher's control plane is not ready{since}: {word.message}"
        + (f" ({'; '.join(more)})" if more else ""),
        hint=words.hint,
        commands=(
            kubectl("describe rkecontrolplanes.rke.cattle.io local -n fleet-local"),
            *(
                on_node("journalctl -u rancher-system-agent -u rke2-server -u rke2-agent", why=f"on {node}")
                for node in nodes[:1]
                if words.cause in AT_NODES
            ),
        ),
        resource=ref_of(word.obj),
        evidence={
            "message": word.message,
            "machines": details,
            "seconds": int(word.age.total_seconds()) if word.age is not None else None,
        },
        transient=new,
        enforced_by=(Enforcer.SCRIPTS,) if words.severity is FAIL else (Enforcer.NONE,),
        consequence=MAY_PASS if new else words.consequence,
        touches={"node": tuple(nodes)} if nodes else {},
    )
