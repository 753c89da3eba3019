"""What Fleet can never put right by itself: an immutable field that differs, an object that is gone, a chart in error.

Rule: fleet (0.10 to 0.15) corrects no drift of Harvester's charts (Rancher sets no correctDrift): Modified stays, and
ErrApplied goes only when its cause does. Parameters of a StorageClass are immutable: where numberOfReplicas of
harvester-longhorn or vmstate-persistence is not spec.values.storageClass.replicaCount of ManagedChart harvester (3 when
it is not set), helm's upgrade of the chart is refused again and again, and wait_managed_chart of the script never ends
(harvester#7072). longhorn.persistence.defaultClassReplicaCount is about the class `longhorn`, which Longhorn makes anew.
Objects that are gone: what the bundle's summary lists with `missing: true`, and the class itself.
Edges: the server looks at condition Ready alone. A chart that is still Ready is not refused yet: then a warning, unless
it is the class that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    hangs,
    integer_at,
    judged,
    kubectl,
    mapping_at,
    maps_at,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._drift import in_error, lacks
from ._fleet import BUNDLES, CHARTS, bundles_of, deployments, is_left_over, states_of

CLASSES, OWN = "storageclasses.storage.k8s.io", "harvester-longhorn"
CLASSES_OF_THE_CHART = (OWN, "vmstate-persistence")
VALUE = "spec.values.storageClass.replicaCount"
CHART_DEFAULT = 3
HANGS = hangs(
    Phase.SYSTEM_SERVICES,
    "Parameters of a StorageClass cannot be changed: the chart of the target stays in ErrApplied, and the script waits for "
    "it without limit",
)


@check(
    id="managed-chart-drift",
    title="Fleet can apply every managed chart as it is",
    category="charts",
    needs=(
        need(CHARTS, VALUE, "status.conditions"),
        need(CLASSES, "parameters.numberOfReplicas"),
        need(BUNDLES, "status.summary", namespaces=("fleet-local",)),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.WEBHOOK, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade of Harvester's chart is the upgrade of its system services: what cannot be applied now keeps the "
    "server from accepting the Upgrade, or the script waiting for the chart.",
    how="The StorageClass was made anew with another number of replicas, an object of the chart was deleted, or helm meets "
    "an error each time it applies the chart.",
    fix="Set the value of the ManagedChart to what the class has; let the chart be applied again where an object is gone; "
    "read the error of the bundle and remove its cause.",
    links=("https://github.com/harvester/harvester/issues/7072",),
    causes={
        "replica-count-mismatch": "A class of the chart has another number of replicas than the values say: set the "
        "value.",
        "chart-object-missing": "Objects of the chart are not there, and Fleet does not put them back by itself: let it "
        "apply the chart again.",
        "apply-error": "Each attempt to apply the chart ends in an error: remove what the error names.",
    },
    explains=(
        Explains("managed-chart-ready", Tie.CHART, folds=True, causes=("chart-object-missing", "apply-error")),
        Explains("harvester-bundle-ready", Tie.CHART, folds=True, causes=("chart-object-missing", "apply-error")),
        Explains("managed-chart-ready", Tie.CHART, causes=("replica-count-mismatch",)),
    ),
)
def managed_chart_drift(view: View) -> Iterator[Outcome]:
    """Yield a finding for every class that differs, and for every chart Fleet cannot put right by itself."""
    charts, bundles = view.some(CHARTS), bundles_of(view)
    classes = {name_of(item): item for item in view.some(CLASSES)}

    def judge(chart: JsonObject) -> Iterator[Outcome]:
        if is_left_over(chart):
            return
        bundle, own = bundles.get(name_of(chart)), name_of(chart) == "harvester"
        gone = [_named(entry, classes) for place in deployments(bundle) for entry in _missing_of(place)]
        class_gone = own and OWN not in classes
        if class_gone and not any(OWN in name for name in gone):
            gone.append(f"StorageClass {OWN}")
        if gone:
            yield lacks(chart, gone, class_gone)
        if "ErrApplied" in states_of(chart, bundle):
            yield in_error(chart, bundle, view)
        for name in CLASSES_OF_THE_CHART if own else ():
            yield from _replicas(chart, classes.get(name))

    yield from judged(charts, judge)


def _replicas(chart: JsonObject, storage_class: JsonObject | None) -> Iterator[Outcome]:
    if storage_class is None:
        return
    name, value = name_of(storage_class), integer_at(chart, VALUE)
    wanted = CHART_DEFAULT if value is None else value
    has = integer_at(mapping_at(storage_class, "parameters"), "numberOfReplicas")
    if has is None:
        yield unknown(Code.UNPARSABLE, f"StorageClass {name} has no parameter numberOfReplicas")
    elif has != wanted:
        yield Finding(
            severity=FAIL,
            cause="replica-count-mismatch",
            message=f"StorageClass {name} has numberOfReplicas {has}, and the values of ManagedChart harvester say {wanted}",
            hint="Set the value of the chart to what the class has",
            commands=(
                kubectl(
                    "patch managedcharts.management.cattle.io harvester -n fleet-local --type merge -p {}",
                    f'{{"spec":{{"values":{{"storageClass":{{"replicaCount":{has}}}}}}}}}',
                ),
            ),
            resource=ref_of(storage_class),
            evidence={"numberOfReplicas": has, "replicaCount": wanted},
            enforced_by=(Enforcer.SCRIPTS,),
            consequence=HANGS,
            touches={"chart": ("harvester",)},
        )


def _missing_of(place: JsonObject) -> list[JsonObject]:
    return [entry for entry in maps_at(place, "modifiedStatus") if entry.get("missing") is True]


def _named(entry: JsonObject, classes: Mapping[str, JsonObject]) -> str:
    kind, name = text_at(entry, "kind"), text_at(entry, "name")
    where = "/".join(filter(None, (text_at(entry, "namespace"), name)))
    there = " (there, but made by somebody else)" if kind == "StorageClass" and name in classes else ""
    return f"{kind} {where}{there}"
