"""Two classes want to be the default, and Harvester's chart loses: its ManagedChart turns not Ready.

Rule: docs 1.4.0 to 1.4.1; no rule of its own anywhere. A class other than harvester-longhorn is annotated as default
while ManagedChart harvester does not set spec.values.storageClass.defaultStorageClass to false (absent means true):
whenever helm applies the chart, its patch of harvester-longhorn is refused. The chart of 1.4.2 looks up the current
default, and every upgrade script read (1.4.0 to 1.9.0-rc6) sets the value to false itself before it applies the chart.
Edges: what the server refuses is the chart that is not Ready (managed-chart-ready); here it is named as the cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    Outcome,
    View,
    annotations_of,
    boolean_at,
    check,
    condition_status,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

CLASSES, CHARTS = "storageclasses.storage.k8s.io", "managedcharts.management.cattle.io"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
VALUE = "spec.values.storageClass.defaultStorageClass"


@check(
    id="default-storage-class",
    title="Harvester's chart agrees with the default StorageClass",
    category="charts",
    needs=(need(CLASSES, f"metadata.annotations[{IS_DEFAULT}]"), need(CHARTS, VALUE, "status.conditions")),
    worst=WARN,
    from_versions="<=1.4.1",
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="Whenever the chart is applied its StorageClass is refused, the ManagedChart is not Ready, and the server then "
    "refuses the Upgrade.",
    how="Another class was made the default, as witness clusters do for two replicas, and the chart was not told.",
    fix="Set spec.values.storageClass.defaultStorageClass of ManagedChart harvester to false, or make "
    "harvester-longhorn the default for the time of the upgrade.",
    links=("https://github.com/harvester/harvester/issues/7375",),
    causes={"other-default-class": "Another class is the default and the chart does not know: tell it so."},
)
def default_storage_class(view: View) -> Iterator[Outcome]:
    """Yield a finding when another class is the default and the chart still wants to be."""
    others = [
        storage_class
        for storage_class in view.objects(CLASSES)
        if name_of(storage_class) != "harvester-longhorn"
        and text_at(annotations_of(storage_class), f"[{IS_DEFAULT}]") == "true"
    ]
    if not others:
        return
    chart = view.find(CHARTS, "harvester", "fleet-local")
    if chart is None:
        yield unknown(Code.ERROR, "no ManagedChart fleet-local/harvester was read, whose values decide")
        return
    if boolean_at(chart, VALUE) is False:
        return
    ready = condition_status(chart, "Ready")
    for storage_class in others:
        yield Finding(
            severity=WARN,
            cause="other-default-class",
            message=f"StorageClass {name_of(storage_class)} is the default, and ManagedChart harvester wants "
            + (
                "harvester-longhorn to be: that is why the chart may not be Ready"
                if ready not in ("", "True")
                else "harvester-longhorn to be"
            ),
            hint="Tell the chart that it is not the default\n"
            "kubectl patch managedcharts.management.cattle.io harvester -n fleet-local --type merge "
            """-p '{"spec":{"values":{"storageClass":{"defaultStorageClass":false}}}}'""",
            resource=ref_of(storage_class),
            evidence={"defaultStorageClass": boolean_at(chart, VALUE), "chartReady": ready or None},
            enforced_by=(Enforcer.DOCS,),
        )
