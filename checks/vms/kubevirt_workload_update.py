"""When KubeVirt's operator is upgraded it migrates all machines at once, unless it was told not to.

Rule: docs (1.5 to 1.6, 1.6 to 1.7, 1.7 to 1.7): targets 1.6.x, 1.7.0 and 1.7.1; the scripts of 1.7.2 and later do it
themselves. Only an explicit empty list in the values of ManagedChart harvester prevents it: what stands in the KubeVirt
object is put back by the chart.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    need,
    ref_of,
    unknown,
    value_at,
)

CHARTS = "managedcharts.management.cattle.io"
METHODS = "spec.values.kubevirt.spec.workloadUpdateStrategy.workloadUpdateMethods"
PATCH = '{"spec":{"values":{"kubevirt":{"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":[]}}}}}}'


@check(
    title="KubeVirt's upgrade does not migrate all machines at once",
    needs=(need(CHARTS, METHODS),),
    to_versions=">=1.6.0 <1.7.2",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    consequence=degrades(
        Phase.SYSTEM_SERVICES,
        "All machines may migrate at the same time while system services are upgraded, and some may fail to",
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="All machines migrate at the same time while system services are being upgraded, and some may fail to.",
    how="KubeVirt updates running workloads by migration unless its list of methods is empty.",
    fix="Set the list to [] in the values of ManagedChart harvester before the upgrade and remove it afterwards.",
    links=("https://github.com/harvester/harvester/issues/10349",),
    causes={"mass-migration": "The chart does not set an empty list: set it for the upgrade."},
)
def kubevirt_workload_update(view: View) -> Iterator[Outcome]:
    """Yield a warning when the chart leaves KubeVirt free to migrate all machines."""
    chart = view.find(CHARTS, "harvester", "fleet-local")
    if chart is None:
        yield unknown(Code.ERROR, "there is no ManagedChart fleet-local/harvester")
        return
    methods = value_at(chart, METHODS)
    if methods == []:
        return
    yield Finding(
        severity=WARN,
        cause="mass-migration",
        message="ManagedChart harvester does not switch off KubeVirt's workload updates "
        f"(workloadUpdateMethods is {methods if methods is not None else 'not set'}, not [])",
        hint="Set the list to [] before the upgrade and remove it afterwards",
        commands=(kubectl("patch {} harvester -n fleet-local --type merge -p {}", CHARTS, PATCH),),
        resource=ref_of(chart),
        evidence={"workloadUpdateMethods": methods},
    )
