"""What to say about the objects an Addon left behind, and what may be done about them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from preflight.api import (
    INFO,
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    Remediation,
    ResourceRef,
    Unreadable,
    maps_at,
    ref_of,
)

from ._commands import shell
from ._facts import CHARTS
from ._leftovers import CLAIMS, MADE_BY_HELM_CONTROLLER, NAMESPACES, Key, Leftover

SHOWN = 3
"""How many objects a sentence names."""
CONSEQUENCE = "Enabling the Addon again may fail or stick on it, and what still runs is nobody's during the upgrade."


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
    consequence = f". {CONSEQUENCE}" if things else ""
    helped = any(one.need in MADE_BY_HELM_CONTROLLER for one in things)
    evidence: dict[str, Any] = {
        "addon": f"{namespace}/{name}",
        "state": state,
        "objects": [one.facts() for one in left],
    }
    if helped:
        evidence["probably"] = [f"Secret {namespace}/chart-values-{name}"]
    if things:
        evidence["consequence"] = CONSEQUENCE
    return Finding(
        severity=WARN if cause != "data-left" else INFO,
        cause=cause,
        message=f"Addon {namespace}/{name} is {state}, yet {'; '.join(said)}{consequence}",
        hint=_hint(namespace, name, cause, ours),
        resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", namespace, name),
        evidence=evidence,
        enforced_by=(Enforcer.NONE,),
        remediation=Remediation("clean-leftovers", False) if things and ours else None,
    )


def _name(one: Leftover) -> str:
    return ref_of(one.obj).name


def _listed(things: list[Leftover]) -> str:
    """Name a few things; of many only the kinds, since the evidence lists them all."""
    if len(things) <= SHOWN:
        return ", ".join(one.words() for one in things)
    kinds = Counter(ref_of(one.obj).kind for one in things)
    return ", ".join(f"{count} {kind}s" if count > 1 else kind for kind, count in kinds.items())


def _hint(namespace: str, name: str, cause: str, ours: bool) -> str:
    only = shell(f"addon-leftovers:{namespace}/{name}")
    namespace, name = shell(namespace), shell(name)
    if cause == "data-left":
        return f"Keep them when the Addon is to come back with its data\nkubectl get pvc -n {namespace}"
    if cause == "namespace-terminating":
        return f"Find what holds the namespace; do not remove its finalizer by hand\nkubectl describe namespace {namespace}"
    if not ours:
        return (
            "Find out who made the HelmChart before anything is deleted\n"
            f"kubectl get helmcharts.helm.cattle.io {name} -n {namespace} -o yaml"
        )
    return (
        "See what fix would delete (never a claim), then let it\n"
        f"harvester-preflight fix --only {only}\n"
        f"harvester-preflight fix --only {only} --force --apply"
    )
