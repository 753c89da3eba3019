"""Two classes want to be the default, and Harvester's chart loses: its ManagedChart turns not Ready.

Rule: docs 1.4.0 to 1.4.1; no rule of its own anywhere. A class other than harvester-longhorn is annotated as default
while ManagedChart harvester does not set spec.values.storageClass.defaultStorageClass to false (absent means true):
whenever helm applies the chart, its patch of harvester-longhorn is refused. The chart of 1.4.2 looks up the current
default, and every upgrade script read (1.4.0 to 1.9.0-rc6) sets the value to false itself before it applies the chart.
Edges: what the server refuses is the chart that is not Ready (managed-chart-ready). Where the chart's message names the
refused class, this is its cause and a failure; a chart that is still Ready may turn so: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Consequence,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Tie,
    View,
    annotations_of,
    boolean_at,
    check,
    condition_status,
    kubectl,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
    unknown,
)

from ._fleet import CHARTS, message_of, not_ready

CLASSES = "storageclasses.storage.k8s.io"
OWN = "harvester-longhorn"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
VALUE = "spec.values.storageClass.defaultStorageClass"


@check(
    id="default-storage-class",
    title="Harvester's chart agrees with the default StorageClass",
    category="charts",
    needs=(need(CLASSES, f"metadata.annotations[{IS_DEFAULT}]"), need(CHARTS, VALUE, "status.conditions")),
    from_versions="<=1.4.1",
    enforced_by=(Enforcer.DOCS, Enforcer.WEBHOOK),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="Whenever the chart is applied its StorageClass is refused, the ManagedChart is not Ready, and the server then "
    "refuses the Upgrade.",
    how="Another class was made the default, as witness clusters do for two replicas, and the chart was not told.",
    fix="Set spec.values.storageClass.defaultStorageClass of ManagedChart harvester to false, or make "
    "harvester-longhorn the default for the time of the upgrade.",
    links=("https://github.com/harvester/harvester/issues/7375",),
    causes={"other-default-class": "Another class is the default and the chart does not know: tell it so."},
    explains=(
        Explains("managed-chart-drift", Tie.CHART, folds=True),
        Explains("managed-chart-ready", Tie.CHART, folds=True),
        Explains("harvester-bundle-ready", Tie.CHART, folds=True),
    ),
)
def default_storage_class(view: View) -> Iterator[Outcome]:
    """Yield a finding when another class is the default and the chart still wants to be."""
    others = [
        storage_class
        for storage_class in view.some(CLASSES)
        if name_of(storage_class) != OWN and text_at(annotations_of(storage_class), f"[{IS_DEFAULT}]") == "true"
    ]
    if not others:
        return
    chart = view.find(CHARTS, "harvester", "fleet-local")
    if chart is None:
        yield unknown(Code.ERROR, "no ManagedChart fleet-local/harvester was read, whose values decide")
        return
    if boolean_at(chart, VALUE) is not False:
        for storage_class in others:
            yield _finding(storage_class, chart)


def _finding(storage_class: JsonObject, chart: JsonObject) -> Finding:
    down = not_ready(chart)
    proven = down and OWN in message_of(chart)
    why = ""
    if down:
        why = f": that is why the chart {'is' if proven else 'may'} not {'' if proven else 'be '}Ready"
    return Finding(
        severity=FAIL if proven else WARN,
        cause="other-default-class",
        message=f"StorageClass {name_of(storage_class)} is the default, and ManagedChart harvester wants {OWN} to be{why}",
        hint="Tell the chart that it is not the default",
        commands=(
            kubectl(
                "patch managedcharts.management.cattle.io harvester -n fleet-local --type merge -p {}",
                '{"spec":{"values":{"storageClass":{"defaultStorageClass":false}}}}',
            ),
        ),
        resource=ref_of(storage_class),
        evidence={
            "defaultStorageClass": boolean_at(chart, VALUE),
            "chartReady": condition_status(chart, "Ready") or None,
        },
        enforced_by=(Enforcer.DOCS, Enforcer.WEBHOOK) if proven else (Enforcer.DOCS,),
        consequence=_consequence(proven),
        touches={"chart": ("harvester",)} if proven else {},
    )


def _consequence(proven: bool) -> Consequence:
    if proven:
        return refused("The server refuses to create the Upgrade while ManagedChart harvester is not Ready")
    return refused(
        "The next time the chart is applied it may turn not Ready, and the server then refuses the Upgrade",
        Certainty.POSSIBLE,
    )
