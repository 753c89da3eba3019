"""Longhorn up to 1.8.2 restarts machines whose disks are detached unexpectedly while its CSI pods restart.

Rule: docs, running 1.4.0 to 1.5.2: setting auto-delete-pod-when-volume-detached-unexpectedly is "true" (the default)
and attached volumes are of access mode rwx and migratable, as disks of machines are. Later charts set it right.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Unreadable,
    View,
    boolean_at,
    check,
    effective_value,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._volumes import patch

SETTINGS = "settings.longhorn.io"
NAME = "auto-delete-pod-when-volume-detached-unexpectedly"


@check(
    id="longhorn-auto-delete-pod",
    title="Longhorn does not delete the pods of machines",
    category="longhorn",
    needs=(
        need(SETTINGS, "value", "default"),
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
    causes={"pods-may-be-deleted": "The setting is true and machines run on such disks: set it to false meanwhile."},
)
def longhorn_auto_delete_pod(view: View) -> Iterator[Outcome]:
    """Yield a warning when Longhorn would delete pods and machines with such disks run."""
    setting = view.find(SETTINGS, NAME, "longhorn-system")
    value = effective_value(setting) if setting else ""
    if setting is None or not value:
        yield unknown(Code.ERROR, f"Longhorn's setting {NAME} was not found or is empty")
        return
    if value.lower() != "true":
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
            message=f"Longhorn's setting {NAME} is true and {len(disks)} disks of machines are attached: the machines "
            "may restart during the upgrade",
            hint="Set it to false before the upgrade and to true afterwards\n"
            + patch("settings.longhorn.io", NAME, '{"value":"false"}'),
            resource=ref_of(setting),
            evidence={"value": value, "attached": len(disks)},
            enforced_by=(Enforcer.DOCS,),
        )
