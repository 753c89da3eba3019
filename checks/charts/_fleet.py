"""What Fleet says about a ManagedChart, and since when.

Rule: fleet summary.go GetDeploymentState (0.10 to 0.15) and deployErrToStatus of its agent. WaitApplied, OutOfSync (of a
chart that is not paused), Pending and NotReady pass by themselves; NotReady whose text begins "not ready:" or "not
installed:" is an error of helm that nobody tries again; ErrApplied goes when its cause does; Modified stays.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from preflight.api import (
    JsonObject,
    View,
    boolean_at,
    condition,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    text_at,
    time_at,
)

CHARTS, BUNDLES = "managedcharts.management.cattle.io", "bundles.fleet.cattle.io"
GRACE = timedelta(minutes=10)
PASSING = frozenset({"WaitApplied", "OutOfSync", "Pending", "NotReady"})
_STATE = re.compile(r"\b(WaitApplied|OutOfSync|Pending|NotReady|ErrApplied|Modified)(?:\(\d+\)|\b)")
_ERROR_OF_HELM = re.compile(r"not (?:ready|installed):", re.IGNORECASE)
_LEFT_OVER = re.compile(r"hvst-upgrade-.*-upgradelog-operator")
_PREFIX = "mcc-"


def bundles_of(view: View) -> dict[str, JsonObject]:
    """Return Fleet's bundles of the ManagedCharts by the chart's name; empty when they were not read."""
    return {
        chart_of(bundle): bundle
        for bundle in view.read(BUNDLES)
        if namespace_of(bundle) == "fleet-local" and chart_of(bundle)
    }


def chart_of(bundle: JsonObject) -> str:
    """Name the ManagedChart a bundle carries, empty when it carries none."""
    name = name_of(bundle)
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


def is_left_over(chart: JsonObject) -> bool:
    """Say whether it is the chart of an earlier upgrade's log."""
    return bool(_LEFT_OVER.fullmatch(name_of(chart)))


def message_of(chart: JsonObject) -> str:
    """Return what condition Ready says, empty when there is none."""
    ready = condition(chart, "Ready")
    return (text_at(ready, "message") or text_at(ready, "reason")) if ready else ""


def not_ready(chart: JsonObject) -> bool:
    """Say whether the server refuses an Upgrade for it: condition Ready is there and not True."""
    ready = condition(chart, "Ready")
    return ready is not None and text_at(ready, "status") != "True"


def states_of(chart: JsonObject, bundle: JsonObject | None) -> frozenset[str]:
    """Return the states Fleet reports for a chart: those of its message, else those its bundle's deployments are in."""
    found = frozenset(_STATE.findall(message_of(chart)))
    return found or frozenset(text_at(entry, "bundleState") for entry in deployments(bundle)) - {"", "Ready"}


def deployments(bundle: JsonObject | None) -> list[JsonObject]:
    """Return what the bundle's summary says about the clusters it is not ready on."""
    return maps_at(mapping_at(bundle, "status.summary"), "nonReadyResources") if bundle else []


def passes_by_itself(chart: JsonObject, bundle: JsonObject | None, now: datetime) -> bool:
    """Say whether a chart that is not Ready can be waited for: a state that passes, and not for long yet."""
    states = states_of(chart, bundle)
    return (
        bool(states)
        and states <= PASSING
        and not _ERROR_OF_HELM.search(message_of(chart))
        and not ("OutOfSync" in states and boolean_at(chart, "spec.paused"))
        and is_young(chart, now)
    )


def is_young(chart: JsonObject, now: datetime) -> bool:
    """Say whether condition Ready changed within the last ten minutes. One without a time is not young."""
    ready = condition(chart, "Ready")
    since = (time_at(ready, "lastTransitionTime") or time_at(ready, "lastUpdateTime")) if ready else None
    return since is not None and abs(now - since) < GRACE
