"""A ManagedChart that is not Ready makes the server refuse the Upgrade: Harvester itself is one of them.

Rule: validator.go checkManagedCharts (v1.4.0 to v1.9.0-rc6): every managedcharts.management.cattle.io in fleet-local
whose condition Ready has a status other than "True". A chart without that condition passes there, and here. check.sh
looks at the bundles instead (fleet-bundle-ready, harvester-bundle-ready). Left-over charts of an upgrade log count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    check,
    condition,
    mapping_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

CHARTS, BUNDLES = "managedcharts.management.cattle.io", "bundles.fleet.cattle.io"
LEFTOVER = re.compile(r"hvst-upgrade-.*-upgradelog-operator")


@check(
    id="managed-chart-ready",
    title="Every managed chart is Ready",
    category="charts",
    needs=(need(CHARTS, "status.conditions"), need(BUNDLES, "status.summary", optional=True)),
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The server refuses the Upgrade, and the upgrade of a chart that cannot be applied now will not work either.",
    how="An object of the chart was edited by hand, another default StorageClass stands against the chart, a webhook's "
    "certificate or memory was changed, or an upgrade log left its chart behind.",
    fix="Undo the edit, or move it into spec.values of the ManagedChart; then raise spec.forceSyncGeneration of its "
    "bundle. Delete a left-over chart of an upgrade log.",
    links=(
        "https://github.com/harvester/harvester/issues/7560",
        "https://github.com/harvester/harvester/issues/7996",
        "https://github.com/harvester/harvester/issues/7545",
    ),
    causes={
        "chart-not-ready": "Condition Ready is not True; its message says what fleet could not apply.",
        "chart-modified": "Objects of the chart differ from it: undo the edit or make it part of spec.values.",
        "upgradelog-chart-left": "The chart of an earlier upgrade's log: delete it.",
    },
    waived_by="harvesterhci.io/skipWebhook",
)
def managed_chart_ready(view: View) -> Iterator[Outcome]:
    """Yield a finding for every managed chart whose Ready condition is not True."""
    bundles = () if view.missing(BUNDLES) else view.objects(BUNDLES)
    summaries = {name_of(bundle): bundle for bundle in bundles if namespace_of(bundle) == "fleet-local"}
    yield from view.each(CHARTS, lambda chart: _judge(chart, summaries.get(f"mcc-{name_of(chart)}")))


def _judge(chart: JsonObject, bundle: JsonObject | None) -> Iterator[Outcome]:
    ready = condition(chart, "Ready")
    if ready is None or text_at(ready, "status") == "True":
        return
    name, message = name_of(chart), text_at(ready, "message") or text_at(ready, "reason")
    left = bool(LEFTOVER.fullmatch(name))
    cause = "upgradelog-chart-left" if left else "chart-modified" if "odified" in message else "chart-not-ready"
    yield Finding(
        severity=FAIL,
        cause=cause,
        message=f"ManagedChart {name} is not Ready: status {text_at(ready, 'status') or '(none)'}"
        + (f", {message}" if message else ""),
        hint="Delete it; it belongs to the log of an earlier upgrade\n"
        f"kubectl delete managedcharts.management.cattle.io {name} -n fleet-local"
        if left
        else "Read what is not applied, undo or adopt the change, then let fleet apply it again\n"
        f"kubectl describe bundles.fleet.cattle.io mcc-{name} -n fleet-local",
        resource=ref_of(chart),
        evidence={
            "ready": text_at(ready, "status") or None,
            "message": message or None,
            "bundleSummary": mapping_at(bundle, "status.summary") if bundle else None,
        },
        transient=not left and "odified" not in message,
        enforced_by=(Enforcer.WEBHOOK,),
    )
