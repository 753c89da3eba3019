"""1.4.1's first step rewrites two Grafana dashboards; when one is not there the whole upgrade script stops.

Rule: upgrade_manifests.sh of v1.4.1, pre-hook for FROM 1.4.0: ConfigMaps harvester-vm-dashboard and
harvester-vm-detail-dashboard in cattle-dashboards, each with its key, JSON with an array panels; in the first, every
panel titled "CPU Usage" has an array yaxes. The hook returns 1 otherwise and the script runs with bash -e. From 1.4.2
the hook tolerates it. The installer makes both on every cluster. Nobody checks this beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    ResourceRef,
    Unreadable,
    View,
    check,
    fails,
    kubectl,
    need,
    parse_json,
    text_at,
)

CONFIGMAPS = "configmaps/vm-dashboards"
KEYS = {
    "harvester-vm-dashboard": "harvester_vm_dashboard.json",
    "harvester-vm-detail-dashboard": "harvester_vm_info_details.json",
}


@check(
    id="vm-dashboard-configmaps",
    title="The VM dashboards are there for the upgrade to rewrite",
    category="charts",
    needs=(need(CONFIGMAPS, "data"),),
    from_versions="=1.4.0",
    to_versions="=1.4.1",
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-0-to-v1-4-1",
    why="The step that applies the new manifests ends at its very start, and the Upgrade is Failed.",
    how="Somebody removed the dashboards' ConfigMaps or replaced them by others.",
    fix="Restore the two ConfigMaps from the installer's template rancherd-12-monitoring-dashboard.yaml of v1.4.0.",
    consequence=fails(
        Phase.SYSTEM_SERVICES,
        "The step that applies the manifests of 1.4.1 ends at its very start, each time it is tried, and the Upgrade is "
        "Failed",
    ),
    causes={
        "dashboard-missing": "The ConfigMap or its key is not there: restore it.",
        "dashboard-malformed": "The dashboard is not of the form the script rewrites: restore it.",
    },
)
def vm_dashboard_configmaps(view: View) -> Iterator[Outcome]:
    """Yield a finding for each dashboard that the script could not rewrite."""
    for name, key in KEYS.items():
        configmap = view.find(CONFIGMAPS, name, "cattle-dashboards")
        text = text_at(configmap, f"data[{key}]") if configmap else ""
        if not configmap or not text:
            missing = "does not exist" if not configmap else f"has no key {key}"
            yield _finding(name, "dashboard-missing", missing)
        elif problem := _problem(text, key):
            yield _finding(name, "dashboard-malformed", f"cannot be rewritten: {problem}")


def _problem(text: str, key: str) -> str:
    try:
        dashboard = parse_json(text, key)
    except Unreadable as error:
        return str(error)
    panels = dashboard.get("panels") if isinstance(dashboard, dict) else None
    if not isinstance(panels, list):
        return f"{key} holds no array panels"
    if key == KEYS["harvester-vm-dashboard"] and not all(map(_has_axes, panels)):
        return 'a panel "CPU Usage" has no array yaxes'
    return ""


def _has_axes(panel: Any) -> bool:
    if not isinstance(panel, dict):
        return False
    return panel.get("title") != "CPU Usage" or isinstance(panel.get("yaxes"), list)


def _finding(name: str, cause: str, problem: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause=cause,
        message=f"ConfigMap cattle-dashboards/{name} {problem}",
        hint="Restore it from rancherd-12-monitoring-dashboard.yaml of the v1.4.0 installer",
        commands=(kubectl("get configmap {} -n cattle-dashboards -o yaml", name, why="what is there now"),),
        resource=ResourceRef("v1", "ConfigMap", "cattle-dashboards", name),
    )
