"""Whether Longhorn has taken over where its share volumes are to be reached (status.applied of a setting).

Rule: see rwx_storage_network_1_8_0.py. Units: minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    boolean_at,
    degrades,
    effective_value,
    hangs,
    kubectl,
    maps_at,
    name_of,
    ref_of,
    text_at,
    time_at,
)

from .._settings import LONGHORN_SETTINGS, go_boolean

DAEMONSETS, CNI = "daemonsets.apps", "k8s.v1.cni.cncf.io/networks"
SOON = timedelta(minutes=10)


def not_applied(view: View, setting: JsonObject, names: tuple[str, ...]) -> Iterator[Outcome]:
    """Yield a finding when `setting` is one of these names and Longhorn has not taken it over."""
    name, value = name_of(setting), effective_value(setting)
    if name not in names or boolean_at(setting, "status.applied") is not False:
        return
    since = _last_written(setting)
    young = since is not None and view.now - since <= SOON
    set_now = go_boolean(value) is not False and bool(value)
    stuck = not young and (set_now or _plugin_has_network(view))
    yield Finding(
        severity=FAIL if stuck else WARN,
        cause="network-not-applied",
        message=f"Longhorn has not taken over setting {name} ({value or 'empty'}): volumes it concerns are attached",
        hint="Detach the share volumes it waits for: scale what mounts them down, then up again",
        commands=(
            kubectl("get {} {} -n longhorn-system -o yaml", LONGHORN_SETTINGS, name),
            kubectl("get volumes.longhorn.io -n longhorn-system", why="look for accessMode rwx"),
        ),
        resource=ref_of(setting),
        evidence={"value": value, "applied": False},
        transient=young,
        enforced_by=(Enforcer.SCRIPTS,) if stuck else (Enforcer.NONE,),
        consequence=hangs(
            Phase.IMAGE,
            "The share volume of the upgrade's repository is expected not to be mounted; inferred from Longhorn's code",
            Certainty.LIKELY,
        )
        if stuck
        else degrades(Phase.IMAGE, "A new share volume may not be mounted until it is taken over", Certainty.POSSIBLE),
    )


def _last_written(setting: JsonObject) -> datetime | None:
    """Return when the object was last written, None when it does not say: since then it has been as it is."""
    times = [time for entry in maps_at(setting, "metadata.managedFields") if (time := time_at(entry, "time"))]
    return max(times, default=None)


def _plugin_has_network(view: View) -> bool:
    return any(
        name_of(found) == "longhorn-csi-plugin" and text_at(found, f"spec.template.metadata.annotations[{CNI}]")
        for found in view.read(DAEMONSETS)
    )
