"""What to say about the objects an Addon left behind, and what may be done about them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from preflight.api import (
    INFO,
    WARN,
    Certainty,
    Command,
    Consequence,
    Finding,
    JsonObject,
    Phase,
    Remediation,
    ResourceRef,
    Unreadable,
    degrades,
    harmless,
    kubectl,
    maps_at,
    ref_of,
)

from ._commands import fix, plain
from ._facts import CHARTS, JOBS, RELEASES
from ._leftovers import CLAIMS, LITTER, NAMESPACES, Key, Leftover

SHOWN = 3
"""How many objects a sentence names."""
ENABLING = "Enabling the Addon again may fail or stick on it, and what still runs is nobody's during the upgrade"


def of_addon(chart: JsonObject) -> bool:
    """Say whether a HelmChart was made for an Addon, whichever it was."""
    try:
        return any(owner.get("kind") == "Addon" for owner in maps_at(chart, "metadata.ownerReferences"))
    except Unreadable:
        return False


def leftovers_finding(key: Key, state: str, left: list[Leftover]) -> Finding:
    """Say what is left of one Addon that is `disabled` or `gone`."""
    namespace, name = key
    things = [one for one in left if one.need not in (CLAIMS, NAMESPACES)]
    claims = [one for one in left if one.need == CLAIMS]
    cause = "objects-left" if things else "data-left" if claims else "namespace-terminating"
    ours = not any(one.need == CHARTS and not of_addon(one.obj) for one in things)
    count = "1 object of it is" if len(things) == 1 else f"{len(things)} objects of it are"
    said = [f"{count} left: {_listed(things)}"] if things else []
    said += [f"its namespace {_name(one)} has been {one.note}" for one in left if one.need == NAMESPACES]
    said += [f"claims that hold its data, yours to decide about: {', '.join(_name(one) for one in claims)}"] * bool(
        claims
    )
    evidence: dict[str, Any] = {
        "addon": f"{namespace}/{name}",
        "state": state,
        "objects": [one.facts() for one in left],
    }
    if any(one.need == CHARTS for one in things):
        evidence["probably"] = [f"Secret {namespace}/chart-values-{name}"]
    outcome = _outcome(things, left)
    if things:
        evidence["consequence"] = f"{outcome.text}."
    hint, commands = _advice(namespace, name, cause, ours)
    return Finding(
        severity=WARN if cause != "data-left" else INFO,
        cause=cause,
        message=f"Addon {namespace}/{name} is {state}, yet {'; '.join(said)}",
        hint=hint,
        commands=commands,
        resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", namespace, name),
        evidence=evidence,
        consequence=outcome,
        remediation=Remediation("clean-leftovers", False) if things and ours else None,
    )


def _outcome(things: list[Leftover], left: list[Leftover]) -> Consequence:
    """Say what the worst of it may do."""
    needs = {one.need for one in things}
    if needs & {CHARTS, JOBS, RELEASES}:
        return degrades(Phase.AFTER, ENABLING, Certainty.POSSIBLE)
    if needs - set(LITTER):
        return degrades(Phase.AFTER, "What still runs of it may be in nobody's hands, during the upgrade and after it")
    if not things and any(one.need == NAMESPACES for one in left):
        return degrades(
            Phase.AFTER, "The Addon may not be enabled again until its namespace is gone", Certainty.POSSIBLE
        )
    return harmless("Neither the upgrade nor enabling the Addon again minds it")


def _name(one: Leftover) -> str:
    return ref_of(one.obj).name


def _listed(things: list[Leftover]) -> str:
    """Name a few things; of many only the kinds, since the evidence lists them all."""
    if len(things) <= SHOWN:
        return ", ".join(one.words() for one in things)
    kinds = Counter(ref_of(one.obj).kind for one in things)
    return ", ".join(f"{count} {kind}s" if count > 1 else kind for kind, count in kinds.items())


def _advice(namespace: str, name: str, cause: str, ours: bool) -> tuple[str, tuple[Command, ...]]:
    ns, plain_name = plain(namespace), plain(name)
    if cause == "data-left":
        return "Keep them when the Addon is to come back with its data", (kubectl("get pvc -n {}", ns),)
    if cause == "namespace-terminating":
        words = "Find what holds the namespace; do not remove its finalizer by hand"
        return words, (kubectl("describe namespace {}", ns),)
    if not ours:
        words = "Find out who made the HelmChart before anything is deleted"
        return words, (kubectl("get helmcharts.helm.cattle.io {} -n {} -o yaml", plain_name, ns),)
    look, carry_out = (fix("addon-leftovers", namespace, name, *flags) for flags in ((), ("--force", "--apply")))
    return "See what fix would delete (never a claim by itself), then let it", (look, carry_out)
