"""Settings of Longhorn under which the drain of a node does not end, or takes much longer.

Rule: what lets a node be drained is in checks/longhorn/_drain.py, with its sources. The image of the upgrade (running
1.7 and later) has as many replicas as setting default-replica-count says where class longhorn-static does not: with one,
its running replica keeps the node it lies on. The upgrade controller raises replica-replenishment-wait-interval to 1800
and puts it back at the very end (v1.4.0 to v1.9.0-rc6): so much while no Upgrade runs is left from one that did not end.
Edges: a single node is not drained. A missing or unreadable setting is unknown, unless the chart's values say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.api import (
    Code,
    Enforcer,
    JsonObject,
    NotApplicable,
    NotCollected,
    Outcome,
    Unknown,
    Unreadable,
    View,
    check,
    integer_at,
    lies_in,
    mapping_at,
    name_of,
    need,
    unknown,
)

from .._settings import LONGHORN_SETTINGS, longhorn_number
from .._upgrades import running_upgrades
from ._drain import (
    DETACH_VALUE,
    EVICTS_ALL,
    EVICTS_LAST,
    KEEPS_LAST,
    POLICY_VALUE,
    attached_by_hand,
    cannot_move,
    keeps_what_was_attached_by_hand,
    places,
    policy_during,
    started_alone,
)
from ._drain_findings import by_hand, interval, one_replica, policy_blocks, policy_delays
from ._volumes import unlisted

CHARTS, CLASSES, UPGRADES = (
    "managedcharts.management.cattle.io",
    "storageclasses.storage.k8s.io",
    "upgrades.harvesterhci.io",
)
STATIC, COUNT, INTERVAL = "longhorn-static", "default-replica-count", "replica-replenishment-wait-interval"
RAISED = 1800


@check(
    id="longhorn-drain-settings",
    title="Longhorn's settings let nodes be drained",
    category="longhorn",
    needs=(
        need("nodes", "spec.unschedulable"),
        need(LONGHORN_SETTINGS, "value", "default"),
        need(CHARTS, POLICY_VALUE, DETACH_VALUE),
        need(CLASSES, "parameters.numberOfReplicas"),
        need(UPGRADES, f"metadata.annotations[harvesterhci.io/{INTERVAL}]"),
        need("nodes.longhorn.io", "spec.allowScheduling", "status.conditions"),
        need("volumes.longhorn.io", "spec.numberOfReplicas", "spec.replicaSoftAntiAffinity"),
        need("replicas.longhorn.io", "spec.volumeName", "spec.healthyAt", "spec.failedAt"),
        need(
            "volumeattachments.longhorn.io",
            "spec.volume",
            "spec.attachmentTickets.*.type",
            "spec.attachmentTickets.*.nodeID",
        ),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Rancher drains each node and waits until Longhorn lets its instance manager go: these settings say when that is.",
    how="Somebody changed them in the Longhorn UI or in the values of ManagedChart harvester, or an upgrade did not end.",
    fix="Set node-drain-policy to allow-if-replica-is-stopped and detach-manually-attached-volumes-when-cordoned to true "
    "where they were set; give default-replica-count 2 or 3; put the wait interval back to what it was (600 by default).",
    causes={
        "drain-policy-blocks": "By the policy replicas must leave a node before it can be drained, or the last ones stay.",
        "manual-attachment-kept": "The volume was attached by hand and stays so: detach it, or set the setting to true.",
        "one-replica-default": "The image of the upgrade will have one replica, which keeps its node: want 2 or 3.",
        "interval-left": "The interval is what an upgrade sets while it runs: put it back.",
    },
)
def longhorn_drain_settings(view: View) -> Iterator[Outcome]:
    """Yield a finding for every setting that keeps a drain from ending, or makes it slower."""
    if len(view.some("nodes")) < 2:
        yield NotApplicable("the cluster has one node, which is not drained")
        return
    yield from unlisted(view)
    chart = next((item for item in view.read(CHARTS) if name_of(item) == "harvester"), None)
    if chart is None and not view.missing(CHARTS):
        yield unknown(Code.INCOMPLETE, "no ManagedChart fleet-local/harvester was read, whose values decide")
    for rule in (_policy, _by_hand) if chart else ():
        yield from _apart(lambda rule=rule: rule(view, chart))  # type: ignore[misc]
    yield from _apart(lambda: _one_replica(view))
    yield from _apart(lambda: _interval(view))


def _apart(rule: Callable[[], Iterator[Outcome]]) -> Iterator[Outcome]:
    """Run one rule; what it could not read is its own unknown, and the other rules still speak."""
    try:
        yield from rule()
    except NotCollected as error:
        yield Unknown(error.reason)
    except Unreadable as error:
        yield unknown(Code.UNPARSABLE, str(error))


def _policy(view: View, chart: JsonObject) -> Iterator[Outcome]:
    policy = policy_during(view, chart)
    if policy == KEEPS_LAST and (alone := started_alone(view)):
        yield policy_blocks(policy, alone, chart)
    elif policy in (EVICTS_ALL, EVICTS_LAST) and view.objects("volumes.longhorn.io"):
        stuck = cannot_move(view, policy, places(view))
        yield policy_blocks(policy, stuck, chart) if stuck else policy_delays(policy, chart)


def _by_hand(view: View, chart: JsonObject) -> Iterator[Outcome]:
    if keeps_what_was_attached_by_hand(view, chart):
        for attachment in view.objects("volumeattachments.longhorn.io"):
            if node := attached_by_hand(attachment):
                yield by_hand(attachment, node)


def _one_replica(view: View) -> Iterator[Outcome]:
    modern = lies_in(view.upgrade.from_version, ">=1.7.0")
    if modern is None:
        yield unknown(Code.ERROR, "how many replicas the image of the upgrade has depends on the running version")
    if not modern:
        return
    static = view.find(CLASSES, STATIC)
    told = integer_at(mapping_at(static, "parameters"), "numberOfReplicas") if static else None
    if told is None and longhorn_number(view, COUNT) == 1:
        yield one_replica(COUNT)


def _interval(view: View) -> Iterator[Outcome]:
    value = longhorn_number(view, INTERVAL)
    if value >= RAISED and not running_upgrades(view):
        yield interval(INTERVAL, value, view.objects(UPGRADES))
