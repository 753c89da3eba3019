"""Longhorn up to 1.8.2 restarts machines whose disks are detached unexpectedly while its CSI pods restart.

Rule: docs, running 1.4.0 to 1.5.2: setting auto-delete-pod-when-volume-detached-unexpectedly is true (the default;
longhorn-manager reads it, so by Go's ParseBool: checks/_settings.py) and attached volumes are of access mode rwx and
migratable, as disks of machines are. Later charts set it right.
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
    Unreadable,
    View,
    boolean_at,
    check,
    name_of,
    need,
    ref_of,
    stops_workload,
    text_at,
    unknown,
)

from .._settings import LONGHORN_SETTINGS, longhorn_boolean, longhorn_setting
from ._volumes import patch

NAME = "auto-delete-pod-when-volume-detached-unexpectedly"


@check(
    id="longhorn-auto-delete-pod",
    title="Longhorn does not delete the pods of machines",
    category="longhorn",
    needs=(
        need(LONGHORN_SETTINGS, "value", "default"),
        need("volumes.longhorn.io", "spec.accessMode", "spec.migratable", "status.state"),
    ),
    from_versions=">=1.4.0 <1.6.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-2-to-v1-5-0",
    why="While its CSI pods restart, Longhorn may take disks for detached and delete the pods of running machines.",
    how="The setting is true by default in these versions.",
    fix="Set it to false for the upgrade and to true again afterwards.",
    links=(
        "https://github.com/harvester/harvester/issues/8534",
        "https://github.com/longhorn/longhorn/issues/11158",
    ),
    consequence=stops_workload(
        Phase.SYSTEM_SERVICES,
        "Longhorn may delete the pods of running machines while its CSI pods restart: the machines restart",
    ),
    causes={"pods-may-be-deleted": "The setting is true and machines run on such disks: set it to false meanwhile."},
)
def longhorn_auto_delete_pod(view: View) -> Iterator[Outcome]:
    """Yield a warning when Longhorn would delete pods and machines with such disks run."""
    setting, value = longhorn_setting(view, NAME)
    if not longhorn_boolean(view, NAME):
        return
    disks = []
    for volume in view.objects("volumes.longhorn.io"):
        try:
            shared = text_at(volume, "spec.accessMode") == "rwx" and boolean_at(volume, "spec.migratable")
            if shared and text_at(volume, "status.state") == "attached":
                disks.append(name_of(volume))
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"{error}")
    if disks:
        yield Finding(
            severity=WARN,
            cause="pods-may-be-deleted",
            message=f"Longhorn's setting {NAME} is {value} and {len(disks)} disks of machines are attached",
            hint="Set it to false before the upgrade and to true afterwards",
            commands=(
                patch(LONGHORN_SETTINGS, NAME, '{"value":"false"}', why="before"),
                patch(LONGHORN_SETTINGS, NAME, '{"value":"true"}', why="afterwards"),
            ),
            resource=ref_of(setting),
            evidence={"value": value, "attached": len(disks)},
        )
