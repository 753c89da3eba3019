"""Grafana of Addon rancher-monitoring must not keep its data on the disk of one node.

Rule: our own; the Helm value grafana.persistence.type of the Addon is "hostPath", and that node is drained too.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    kubectl,
    name_of,
    namespace_of,
    need,
    parse_yaml,
    ref_of,
    stops_workload,
    text_at,
)

TYPE = "grafana.persistence.type"


@check(
    id="storage-team-grafana-disk",
    title="Grafana keeps no data on the disk of one node",
    category="storage-team",
    needs=(need("addons.harvesterhci.io", "spec.valuesContent", values=(TYPE,)),),
    docs="https://wiki.example/storage/grafana",
    why="While that node is drained, Grafana cannot start elsewhere.",
    how="Somebody set the value when there was no storage class yet.",
    fix="Move the dashboards to a volume, then set the value to pvc.",
    consequence=stops_workload(Phase.NODE_DRAIN, "Grafana is down while its node is drained"),
    causes={"host-path": "The value is hostPath: move the data to a volume."},
)
def storage_team_grafana_disk(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Addon with the value."""

    def judge(addon: JsonObject) -> Iterator[Outcome]:
        values = parse_yaml(text_at(addon, "spec.valuesContent"), f"valuesContent of Addon {name_of(addon)}")
        if isinstance(values, dict) and text_at(values, TYPE) == "hostPath":
            yield Finding(
                severity=FAIL,
                cause="host-path",
                message=f"Addon {name_of(addon)} keeps Grafana's data on one node: {TYPE} is hostPath",
                hint="Move the dashboards to a volume, then set the value to pvc",
                commands=(kubectl("edit addons.harvesterhci.io {} -n {}", name_of(addon), namespace_of(addon)),),
                resource=ref_of(addon),
                evidence={"type": "hostPath"},
            )

    yield from view.each("addons.harvesterhci.io", judge)
