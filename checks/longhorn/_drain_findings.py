"""What to say about settings of Longhorn that hold up a drain (see longhorn_drain_settings)."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Command,
    Enforcer,
    Finding,
    JsonObject,
    Phase,
    ResourceRef,
    annotations_of,
    delays,
    hangs,
    kubectl,
    name_of,
    ref_of,
    text_at,
)

from .._settings import LONGHORN_SETTINGS
from ._drain import DETACH, KEEPS_LAST, POLICY, POLICY_VALUE, RUNNING_ONLY
from ._volumes import patch

SHOWN = 3
WAITS = hangs(
    Phase.NODE_DRAIN,
    "Longhorn never removes the disruption budget of a node that holds such a replica, and its drain is tried again without "
    "end",
)
STAYS = hangs(
    Phase.NODE_DRAIN,
    "Longhorn keeps the disruption budget of that node while the volume is attached, and its drain never ends",
)
SLOW = delays(
    Phase.NODE_DRAIN,
    "The drain of each node may wait until its replicas were built anew on others, which takes hours for large volumes",
    Certainty.POSSIBLE,
)
PINS = hangs(
    Phase.NODE_DRAIN,
    "The only replica of the upgrade's own repository runs on one node, whose drain then never ends (read in Longhorn's "
    "source, not tried)",
    Certainty.LIKELY,
)
LATE = delays(
    Phase.ADMISSION,
    "After a node was away Longhorn builds missing replicas half an hour late, and the server refuses degraded volumes so "
    "long",
    Certainty.POSSIBLE,
)


def policy_blocks(policy: str, volumes: Sequence[str], chart: JsonObject) -> Finding:
    """Return the finding about a policy under which replicas of these volumes keep their nodes."""
    more = f" and {len(volumes) - SHOWN} more" if len(volumes) > SHOWN else ""
    why = "have a single replica" if policy == KEEPS_LAST else "have no other node to move a replica to"
    return Finding(
        severity=FAIL,
        cause="drain-policy-blocks",
        message=f"Longhorn's {POLICY} is {policy}, and {len(volumes)} volumes {why}: {', '.join(volumes[:SHOWN])}{more}",
        hint=f"Set the policy to {RUNNING_ONLY}, as Harvester does where nobody set another",
        commands=_set_policy(chart),
        resource=_setting(POLICY),
        evidence={"policy": policy, "volumes": list(volumes)},
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=WAITS,
        touches={"volume": tuple(volumes)},
    )


def policy_delays(policy: str, chart: JsonObject) -> Finding:
    """Return the finding about a policy under which replicas move before each drain."""
    return Finding(
        severity=WARN,
        cause="drain-policy-blocks",
        message=f"Longhorn's {POLICY} is {policy}: replicas are moved away from each node before it is drained",
        hint=f"Set the policy to {RUNNING_ONLY} for the time of the upgrade",
        commands=_set_policy(chart),
        resource=_setting(POLICY),
        evidence={"policy": policy},
        enforced_by=(Enforcer.NONE,),
        consequence=SLOW,
    )


def _set_policy(chart: JsonObject) -> tuple[Command, ...]:
    if text_at(chart, POLICY_VALUE):
        merge = f'{{"spec":{{"values":{{"longhorn":{{"defaultSettings":{{"nodeDrainPolicy":"{RUNNING_ONLY}"}}}}}}}}}}'
        return (kubectl("patch managedcharts.management.cattle.io harvester -n fleet-local --type merge -p {}", merge),)
    return (patch(LONGHORN_SETTINGS, POLICY, f'{{"value":"{RUNNING_ONLY}"}}'),)


def by_hand(attachment: JsonObject, node: str) -> Finding:
    """Return the finding about a volume that was attached by hand and stays so."""
    volume = name_of(attachment)
    return Finding(
        severity=FAIL,
        cause="manual-attachment-kept",
        message=f"Volume {volume} is attached to {node} by hand, and Longhorn's {DETACH} is false",
        hint="Detach it in the Longhorn UI once nothing uses it",
        commands=(kubectl("get volumeattachments.longhorn.io {} -n longhorn-system -o yaml", name_of(attachment)),),
        resource=ref_of(attachment),
        evidence={"node": node},
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=STAYS,
        touches={"volume": (volume,), "node": (node,)},
    )


def one_replica(setting: str) -> Finding:
    """Return the finding about a number of replicas that gives the image of the upgrade only one."""
    return Finding(
        severity=FAIL,
        cause="one-replica-default",
        message=f"Longhorn's {setting} is 1, and class longhorn-static says no other number: the image of the upgrade will "
        "have one replica",
        hint="Set it to 2 or 3 for the time of the upgrade",
        commands=(patch(LONGHORN_SETTINGS, setting, '{"value":"2"}'),),
        resource=_setting(setting),
        evidence={"value": 1},
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=PINS,
    )


def interval(setting: str, value: int, upgrades: Sequence[JsonObject]) -> Finding:
    """Return the finding about an interval that an upgrade raised and did not put back."""
    kept = (annotations_of(upgrade).get(f"harvesterhci.io/{setting}") for upgrade in upgrades)
    before = next((text for text in kept if isinstance(text, str) and text.isdigit()), "600")
    return Finding(
        severity=WARN,
        cause="interval-left",
        message=f"Longhorn's {setting} is {value} s although no upgrade runs, which raises it to 1800 s",
        hint=f"Put it back to {before} s",
        commands=(patch(LONGHORN_SETTINGS, setting, f'{{"value":"{before}"}}'),),
        resource=_setting(setting),
        evidence={"value": value},
        enforced_by=(Enforcer.NONE,),
        consequence=LATE,
    )


def _setting(name: str) -> ResourceRef:
    return ResourceRef("longhorn.io/v1beta2", "Setting", "longhorn-system", name)
