"""From 1.4.2 on a backup target without a refresh interval makes Longhorn poll it without pause: high CPU.

Rule: check.sh check_backup_target (FROM exactly v1.4.1 or v1.4.2) fails; the docs describe it for every target from
1.4.2 on and allow setting the field beforehand. It stops no upgrade, so we warn, for FROM up to 1.4.2 and TO from
1.4.2. check.sh reads .value only; we read what the setting stands at.
Units: refreshIntervalInSeconds in seconds; 0 and absent are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    integer_at,
    kubectl,
    lies_in,
    need,
    ref_of,
    text_at,
)

from ._settings import SETTINGS, find_setting, json_value

NAME = "backup-target"


@check(
    id="backup-target-refresh",
    title="The backup target has a refresh interval",
    category="upgrade",
    needs=(need(SETTINGS, "value", "default", values=("backup-target",)),),
    worst=WARN,
    from_versions="<=1.4.2",
    to_versions=">=1.4.2",
    enforced_by=(Enforcer.CHECK_SH, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-1-to-v1-4-2",
    why="Without an interval the backup target is polled all the time after the upgrade, which eats CPU on every node.",
    how="The field is new in 1.4.2; a target configured before it has none.",
    fix="Add refreshIntervalInSeconds, 60 to 300, to the JSON of setting backup-target.",
    links=("https://github.com/harvester/harvester/issues/7885",),
    causes={"refresh-interval-missing": "A target is set and its refresh interval is 0 or absent: set 60 to 300."},
    consequence=degrades(
        Phase.AFTER, "The upgrade goes on; after it the backup target is polled all the time, which eats CPU"
    ),
)
def backup_target_refresh(view: View) -> Iterator[Outcome]:
    """Yield a finding when a backup target is set without a refresh interval."""
    setting = find_setting(view, NAME)
    target = json_value(setting, NAME)
    kind = text_at(target, "type")
    if not kind or integer_at(target, "refreshIntervalInSeconds"):
        return
    in_script = lies_in(view.upgrade.from_version, ">=1.4.1 <=1.4.2")
    yield Finding(
        severity=WARN,
        cause="refresh-interval-missing",
        message=f"The {kind} backup target has refreshIntervalInSeconds 0 or none",
        hint='Add "refreshIntervalInSeconds": 60 (up to 300) to its JSON',
        commands=(kubectl("edit settings.harvesterhci.io backup-target"),),
        resource=ref_of(setting),
        evidence={"type": kind, "refreshIntervalInSeconds": integer_at(target, "refreshIntervalInSeconds")},
        enforced_by=None if in_script else (Enforcer.DOCS,),
    )
