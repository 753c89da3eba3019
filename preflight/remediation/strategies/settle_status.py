"""Write the Addon's status by hand: the last resort for an Addon that runs but whose controller will never say so.

Rule: the status subresource is not seen by the addon webhook; the controller accepted what was written and a later
disable worked. Only where the newest Helm release says `deployed`: otherwise the status would be a lie.
"""

from __future__ import annotations

import json
from datetime import datetime

from preflight.fields import labels_of, maps_at, text_at
from preflight.inventory import JsonObject
from preflight.remediation.case import DEPLOYED, DISABLED, Case, addon_enabled, addon_status, target_with_uid
from preflight.remediation.plan import Action, Goal, Refused, Step, Until, by_hand
from preflight.values.times import format_time

LOSES = "what the controller recorded about the operation: its times and its failure message"


def steps(case: Case) -> list[Step]:
    """Plan one write to the status subresource."""
    addon = case.addon
    word = _status(case, addon)
    target = target_with_uid(addon)
    status = {"status": word, "conditions": settled_conditions(maps_at(addon, "status.conditions"), case.now)}
    patch = json.dumps({"status": status}, separators=(",", ":"))
    return [
        Step(
            action=Action.UPDATE_STATUS,
            target=target,
            check=case.check,
            cause=case.finding.cause,
            finding=case.finding.resource,
            strategy="settle-status",
            reason=f"states what is so: nothing is going on, and the Addon is {word or 'disabled'}",
            risk="the status says what the controller did not see; recreate-job is gentler wherever it can work",
            undo="write the saved status back",
            loses=LOSES,
            commands=(
                by_hand(
                    "-n {} patch addons.harvesterhci.io {} --subresource status --type merge -p {}",
                    case.namespace,
                    case.name,
                    patch,
                ),
            ),
            body={"status": status},
            goal=Goal(Until.ADDON_STATUS, f"{target.words} is {word or 'disabled'}", (target,), (word,)),
        )
    ]


def settled_conditions(present: list[JsonObject], now: datetime) -> list[JsonObject]:
    """Return the conditions with the three of the Addon's operation settled at `now`, all others kept."""
    time = format_time(now.replace(microsecond=0))
    settled = {"Completed": "True", "InProgress": "False", "OperationFailed": "False"}
    kept = [entry for entry in present if text_at(entry, "type") not in settled]
    return kept + [{"type": kind, "status": status, "lastUpdateTime": time} for kind, status in settled.items()]


def _status(case: Case, addon: JsonObject) -> str:
    if not addon_enabled(addon):
        if case.finding.cause == "idle-operation" and addon_status(addon) in DISABLED:
            return addon_status(addon)
        raise Refused("the Addon is disabled but has not settled: writing a status would hide what is still there")
    release = case.newest_release()
    if release is None:
        raise Refused("there is no Helm release of it, so nothing proves that it is deployed")
    state = str(labels_of(release).get("status") or "unknown")
    if state != "deployed":
        raise Refused(f"its newest Helm release is `{state}`, not `deployed`: the status would be a lie")
    return DEPLOYED
