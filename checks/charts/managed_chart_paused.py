"""A paused ManagedChart is what a stopped upgrade leaves behind: nothing applies its changes any more.

Rule: docs, upgrade troubleshooting; nothing enforces it. The upgrade pauses harvester, harvester-crd,
rancher-monitoring-crd and rancher-logging-crd while it works; a controller from 1.5.1 on resumes them by itself when
the upgrade ends, earlier ones do not. While an upgrade runs the pause is right.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Remediation,
    View,
    boolean_at,
    check,
    degrades,
    judged,
    kubectl,
    name_of,
    need,
    ref_of,
    tool,
)

from .._upgrades import running_upgrades

CHARTS, UPGRADES = "managedcharts.management.cattle.io", "upgrades.harvesterhci.io"
PAUSED_BY_UPGRADES = ("harvester", "harvester-crd", "rancher-monitoring-crd", "rancher-logging-crd")


@check(
    id="managed-chart-paused",
    title="No managed chart is left paused",
    category="charts",
    needs=(need(CHARTS, "spec.paused"), need(UPGRADES)),
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="A paused chart hides drift and ignores changes; it means that an earlier upgrade did not end as it should.",
    how="An upgrade was stopped or failed between pausing the charts and resuming them.",
    fix="Set spec.paused of the ManagedChart to false.",
    causes={"chart-left-paused": "spec.paused is true and no upgrade runs: set it to false."},
    consequence=degrades(
        Phase.SYSTEM_SERVICES,
        "Until somebody resumes it, changes to the chart are not applied and drift of its objects stays unseen",
    ),
)
def managed_chart_paused(view: View) -> Iterator[Outcome]:
    """Yield a finding for every chart an upgrade paused, while none runs."""
    if running := running_upgrades(view):
        yield NotApplicable(f"upgrade {running[0]} is running, and a running upgrade pauses charts")
        return
    yield from judged(view.some(CHARTS), _judge)


def _judge(chart: JsonObject) -> Iterator[Outcome]:
    name = name_of(chart)
    if name not in PAUSED_BY_UPGRADES or not boolean_at(chart, "spec.paused"):
        return
    yield Finding(
        severity=WARN,
        cause="chart-left-paused",
        message=f"ManagedChart {name} is paused although no upgrade runs",
        hint="Resume it",
        commands=(
            kubectl(
                "patch managedcharts.management.cattle.io {} -n fleet-local --type merge -p {}",
                name,
                '{"spec":{"paused":false}}',
            ),
            tool(
                "fix --only {}", f"managed-chart-paused:fleet-local/{name}", why="the same, saved first: shows the plan"
            ),
        ),
        remediation=Remediation("unpause", False),
        resource=ref_of(chart),
        evidence={"paused": True},
    )
