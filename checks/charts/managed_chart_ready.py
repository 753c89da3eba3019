"""A ManagedChart that is not Ready makes the server refuse the Upgrade: Harvester itself is one of them.

Rule: validator.go checkManagedCharts (v1.4.0 to v1.9.0-rc6): every managedcharts.management.cattle.io in fleet-local
whose condition Ready has a status other than "True". A chart without that condition passes there, and here. check.sh
looks at the bundles instead (fleet-bundle-ready, harvester-bundle-ready). Left-over charts of an upgrade log count.
Edges: which states pass by themselves, and for how long they may take: checks/charts/_fleet.py. One of the charts every
cluster of the running release has (checks/knowledge/releases.yaml) that was not read is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Tie,
    View,
    check,
    condition,
    judged,
    kubectl,
    mapping_at,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
    unknown,
)

from ._fleet import BUNDLES, CHARTS, bundles_of, is_left_over, message_of, not_ready, passes_by_itself, states_of


@check(
    id="managed-chart-ready",
    title="Every managed chart is Ready",
    category="charts",
    needs=(
        need(CHARTS, "status.conditions", "spec.paused"),
        need(BUNDLES, "status.summary", optional=True, namespaces=("fleet-local",)),
    ),
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
        "chart-not-ready": "Condition Ready is not True; its message says what fleet could not apply. WaitApplied for "
        "longer than a quarter of an hour: look whether fleet-agent runs in cattle-fleet-local-system.",
        "chart-modified": "Objects of the chart differ from it: undo the edit or make it part of spec.values.",
        "upgradelog-chart-left": "The chart of an earlier upgrade's log: delete it.",
    },
    waived_by="harvesterhci.io/skipWebhook",
    consequence=refused(),
    explains=(
        Explains("harvester-bundle-ready", Tie.CHART, folds=True),
        Explains("fleet-bundle-ready", Tie.CHART, folds=True),
    ),
)
def managed_chart_ready(view: View) -> Iterator[Outcome]:
    """Yield a finding for every managed chart whose Ready condition is not True."""
    charts, bundles = view.some(CHARTS), bundles_of(view)
    yield from judged(charts, lambda chart: _judge(chart, bundles.get(name_of(chart)), view))
    release = view.release(view.upgrade.from_version)
    for name in release.managed_charts if release else ():
        if not any(ref_of(chart).name == name for chart in charts):
            yield unknown(Code.INCOMPLETE, f"ManagedChart {name} was not read, and every such cluster has it")


def _judge(chart: JsonObject, bundle: JsonObject | None, view: View) -> Iterator[Outcome]:
    if not not_ready(chart):
        return
    name, message = name_of(chart), message_of(chart)
    status = text_at(condition(chart, "Ready") or {}, "status")
    left = is_left_over(chart)
    modified = "odified" in message or "Modified" in states_of(chart, bundle)
    yield Finding(
        severity=FAIL,
        cause="upgradelog-chart-left" if left else "chart-modified" if modified else "chart-not-ready",
        message=f"ManagedChart {name} is not Ready: status {status or '(none)'}" + (f", {message}" if message else ""),
        hint="Delete it; it belongs to the log of an earlier upgrade"
        if left
        else "Read what is not applied, undo or adopt the change, then let fleet apply it again",
        commands=(
            kubectl("delete managedcharts.management.cattle.io {} -n fleet-local", name)
            if left
            else kubectl("describe bundles.fleet.cattle.io mcc-{} -n fleet-local", name),
        ),
        resource=ref_of(chart),
        evidence={
            "ready": status or None,
            "message": message or None,
            "bundleSummary": mapping_at(bundle, "status.summary") if bundle else None,
        },
        transient=not left and passes_by_itself(chart, bundle, view.now),
    )
