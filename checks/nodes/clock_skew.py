"""Node clocks that differ from the API server's: they make Addons stick, leases flap and certificates fail.

Rule: nobody checks it. The addon controller compares a time of the harvester pod's node with one of the API server in
whole seconds, so two seconds are enough to make an Addon stick. How it is measured: see _skew.py. Leases first, pods
second (a lower bound, and only for clocks that are behind), the NTP annotation of the node is quoted as a third witness.
Units: seconds. Edges: a Lease without a Node is stale and ignored; an estimate is right to about half a second. Where a
pod of the last day contradicts a Lease that shows nothing, the pod is believed, but only to warn. A pod that shows a
difference on a node that is not listed, or cannot be read, is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Phase,
    ResourceRef,
    Tie,
    Unreadable,
    View,
    check,
    condition_status,
    hangs,
    kubectl,
    name_of,
    namespace_of,
    need,
    on_node,
    text_at,
    unknown,
)

from .._skew import Skew, annotation, bounds_of, combined, signed
from ._clocks import LEASES, PODS, node_names, read_leases, read_pods

ADDONS = "addons.harvesterhci.io"
NTP = "node.harvesterhci.io/ntp-service"
STICKS = hangs(
    Phase.SYSTEM_SERVICES,
    "Addons that the upgrade changes stick, and leases, logins and certificates fail while nodes restart one by one (which "
    "of them stops the upgrade depends on the moment)",
    Certainty.LIKELY,
)
MAY_STICK = hangs(
    Phase.SYSTEM_SERVICES,
    "An Addon that the upgrade changes may stick, and the upgrade may then wait for it",
    Certainty.POSSIBLE,
)


@check(
    title="The clocks of all nodes agree with the API server's",
    needs=(
        need("nodes", "metadata.annotations[node.harvesterhci.io/ntp-service]"),
        need(LEASES, "spec.renewTime", "metadata.managedFields"),
        need(PODS, "spec.nodeName", "status.startTime"),
        need(ADDONS, "status.conditions", optional=True),
    ),
    enforced_by=(Enforcer.NONE,),
    docs="https://docs.harvesterhci.io/v1.8/advanced/index#ntp-servers",
    why="The addon controller compares times of two machines; two seconds of difference can hold an Addon up for ever, "
    "and with it the upgrade. Larger differences break leases, logins and certificates while nodes restart one by one.",
    how="Air-gapped nodes without an NTP server drift apart; a machine came back from suspension with a wrong clock.",
    fix="Give all nodes one NTP server (setting ntp-servers), check with `timedatectl status`, then repair what stuck.",
    links=("https://github.com/harvester/harvester/issues/7376",),
    causes={
        "clock-behind": "The node's clock is behind the API server's. Set the time, then repair the Addons it held up.",
        "clock-ahead": "The node's clock is ahead. If the harvester pod runs there, every Addon operation sticks.",
    },
    options={
        "warnSeconds": Option(2, "seconds of difference from which on to warn", minimum=0),
        "failSeconds": Option(30, "seconds of difference from which on to block", minimum=0),
    },
    explains=(Explains("addon-stuck", Tie.CLUSTER), Explains("etcd-members", Tie.NODE)),
)
def clock_skew(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose clock is off by more than the threshold."""
    known, stuck, annotations = node_names(view), _stuck(view), _annotations(view)
    leases = yield from read_leases(view, known)
    pods = yield from read_pods(view, known)
    limit = view.options["warnSeconds"]
    worst = combined(leases, bounds_of(pods), view.now, limit)
    for node, skew in worst.items():
        if node or not any(abs(other.seconds) >= limit for name, other in worst.items() if name):
            yield from _judge(view, skew, leases.get(node), stuck, annotations.get(node, ""))
    for name in sorted((known or set()) - set(leases)) if not view.missing(LEASES) else ():
        yield unknown(Code.ERROR, f"the clock of node {name} cannot be told: no Lease of it with both times was read")


def _judge(view: View, skew: Skew, lease: Skew | None, stuck: list[str], ntp: str) -> Iterator[Outcome]:
    size = abs(skew.seconds)
    if size < view.options["warnSeconds"]:
        return
    doubtful = lease is not None and skew is not lease
    where = f"Node {skew.node}'s clock" if skew.node else f"The clock of the node that ran pod {skew.name}"
    side = "behind" if skew.seconds < 0 else "ahead of"
    message = f"{where} is {side} the API server's by {skew.words().replace('−', '').replace('+', '')}"
    message += f" ({signed(skew.seconds)}; NTP there is {ntp})" if ntp else f" ({signed(skew.seconds)})"
    if doubtful and lease:
        message += (
            f", by pod {skew.name}; its Lease shows {signed(lease.seconds)}, but may compare the node with itself"
        )
    if stuck:
        message += f". It may be what holds up the Addons with an operation in progress: {', '.join(stuck)}"
    # a pod without nodeName proves that some node's clock is off: then the pod is what there is to look at
    pod = ResourceRef("v1", "Pod", skew.namespace, skew.name)
    blocks = size >= view.options["failSeconds"] and not doubtful
    yield Finding(
        severity=FAIL if blocks else WARN,
        cause="clock-behind" if skew.seconds < 0 else "clock-ahead",
        message=message,
        hint="Set the clock right before the upgrade and before repairing an Addon, or it may stick again",
        commands=(
            on_node("timedatectl status", why=f"on {skew.node}" if skew.node else "on that node"),
            kubectl("edit settings.harvesterhci.io ntp-servers"),
        ),
        resource=ResourceRef("v1", "Node", "", skew.node) if skew.node else pod,
        evidence=skew.facts() | {"ntpSyncStatus": ntp or None, "stuckAddons": stuck},
        consequence=STICKS if blocks else MAY_STICK,
    )


def _stuck(view: View) -> list[str]:
    found = []
    for addon in () if view.missing(ADDONS) else view.objects(ADDONS):
        try:
            if condition_status(addon, "InProgress") == "True":
                found.append(f"{namespace_of(addon)}/{name_of(addon)}")
        except Unreadable:  # addon-stuck says so
            continue
    return found


def _annotations(view: View) -> dict[str, str]:
    found = {}
    for node in () if view.missing("nodes") else view.objects("nodes"):
        found.update(_ntp(node))
    return found


def _ntp(node: JsonObject) -> dict[str, str]:
    import json

    try:
        content = json.loads(annotation(node, NTP) or "{}")
        return {name_of(node): text_at(content, "ntpSyncStatus")} if isinstance(content, dict) else {}
    except (ValueError, Unreadable):  # node-time-sync says so
        return {}
