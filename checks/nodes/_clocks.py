"""What the Leases and pods of a cluster show of the clocks of its nodes; how it is measured: see _skew.py."""

from __future__ import annotations

from collections.abc import Generator

from preflight.api import (
    Code,
    Outcome,
    Unknown,
    Unreadable,
    View,
    ref_of,
    unknown,
)

from .._skew import Skew, lease_skew, pod_skew

LEASES, PODS = "leases.coordination.k8s.io", "pods"


def read_leases(view: View, known: set[str] | None) -> Generator[Outcome, None, dict[str, Skew]]:
    """Return what the Leases of the nodes show, by node; yield those that cannot be read."""
    found, untold = {}, []
    for lease in () if view.missing(LEASES) else view.objects(LEASES):
        if known is None or ref_of(lease).name in known:
            try:
                skew = lease_skew(lease)
            except Unreadable as error:
                untold.append(unknown(Code.UNPARSABLE, f"{error}", node=ref_of(lease).name))
                continue
            if skew:
                found[skew.node] = skew
    yield from _in_order(untold)
    return found


def read_pods(view: View, known: set[str] | None) -> Generator[Outcome, None, list[Skew]]:
    """Return what pods show; yield those that cannot be read, or show a difference on a node that is not listed."""
    found, untold = [], []
    for pod in () if view.missing(PODS) else view.objects(PODS):
        try:
            skew = pod_skew(pod)
        except Unreadable as error:
            untold.append(unknown(Code.UNPARSABLE, f"{error}"))
            continue
        if skew is None:
            continue
        if known is None or not skew.node or skew.node in known:
            found.append(skew)
        elif skew.seconds <= -view.options["warnSeconds"]:
            text = f"pod {skew.namespace}/{skew.name} shows {skew.words()} on node {skew.node}, which is not listed"
            untold.append(unknown(Code.INCOMPLETE, text, node=skew.node))
    yield from _in_order(untold)
    return found


def _in_order(untold: list[Unknown]) -> list[Unknown]:
    """Sort by what they say, whatever order the objects were read in."""
    return sorted(untold, key=lambda one: str(one.reason))


def node_names(view: View) -> set[str] | None:
    """Return the names of the nodes, None when they were not read."""
    return None if view.missing("nodes") else {ref_of(node).name for node in view.some("nodes")}
