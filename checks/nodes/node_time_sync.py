"""Nodes whose clocks are not kept by NTP drift apart, and certificates and leases stop making sense in an upgrade.

Rule: docs and the README of check.sh ask for it by hand; nothing automates it. Harvester writes what it sees into
annotation node.harvesterhci.io/ntp-service, JSON with ntpSyncStatus ("synced" when well) and currentNtpServers.
Edges: other values than synced are not documented, so each counts as not synced.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    Unreadable,
    View,
    annotations_of,
    check,
    degrades,
    judged,
    kubectl,
    name_of,
    need,
    on_node,
    parse_json,
    ref_of,
    text_at,
)

ANNOTATION = "node.harvesterhci.io/ntp-service"


@check(
    title="Every node's clock is kept by NTP",
    needs=(need("nodes", f"metadata.annotations[{ANNOTATION}]"),),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Clocks that drift break certificates, leases and etcd, mostly while nodes restart one after the other.",
    how="No NTP server is configured, or the node cannot reach the one it has.",
    fix="Set reachable servers in setting ntp-servers and see `timedatectl status` on the node.",
    causes={
        "clock-not-synced": "The node reports that its clock is not synchronised: check the NTP servers.",
        "time-sync-not-reported": "The node reports nothing about NTP: look at its clock yourself.",
    },
    consequence=degrades(
        Phase.NODE_UPGRADE,
        "The clock may drift, and certificates, leases and etcd may suffer while nodes restart one by one",
        Certainty.POSSIBLE,
    ),
    explains=(Explains("clock-skew", Tie.NODE, causes=("clock-not-synced",)),),
)
def node_time_sync(view: View) -> Iterator[Outcome]:
    """Yield a finding for every node whose clock is not reported as synchronised."""
    yield from judged(view.some("nodes"), _judge)


def _judge(node: JsonObject) -> Iterator[Outcome]:
    name, text = name_of(node), text_at(annotations_of(node), f"[{ANNOTATION}]")
    report = parse_json(text, f"annotation {ANNOTATION} of node {name}") if text else {}
    if not isinstance(report, dict):
        raise Unreadable(f"annotation {ANNOTATION} of node {name} is JSON, but not an object")
    status, servers = text_at(report, "ntpSyncStatus"), text_at(report, "currentNtpServers")
    if status == "synced":
        return
    yield Finding(
        severity=WARN,
        cause="clock-not-synced" if status else "time-sync-not-reported",
        message=f"Node {name} "
        + (f"reports ntpSyncStatus {status!r}, not synced" if status else "does not report whether its clock is set"),
        hint="Look at the clock on the node; its servers come from setting ntp-servers",
        commands=(
            on_node("timedatectl status"),
            kubectl("get settings.harvesterhci.io ntp-servers -o yaml"),
        ),
        resource=ref_of(node),
        evidence={"ntpSyncStatus": status or None, "ntpServers": servers.split()},
    )
