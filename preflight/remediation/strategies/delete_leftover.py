"""Delete what the log and the plans of an earlier upgrade left behind.

Rule: docs, upgrade troubleshooting, tells to delete the UpgradeLog of an upgrade that is over; the system upgrade
controller runs a Plan on each node that fits, whether its Upgrade exists or not. Only what upgrades name (hvst-upgrade-*),
and only where the Upgrade it belongs to has ended (a log) or is gone (a Plan), which is looked at here once more.
"""

from __future__ import annotations

from dataclasses import replace

from preflight.cluster.writer import OF_UPGRADES
from preflight.fields import labels_of, name_of, ref_of, text_at
from preflight.inventory import JsonObject
from preflight.remediation.case import Case, target_with_uid
from preflight.remediation.plan import Action, Goal, Refused, Step, Target, Until, by_hand

LOGS, LOGGINGS, PLANS = "upgradelogs.harvesterhci.io", "loggings.logging.banzaicloud.io", "plans.upgrade.cattle.io"
RESOURCE_OF = {"UpgradeLog": LOGS, "Logging": LOGGINGS, "Plan": PLANS}
OWNER = "harvesterhci.io/upgrade"
LOSES = {
    "UpgradeLog": "the collected log of that upgrade, WITH ITS VOLUME: download it before if it is still wanted",
    "Logging": "the fluentd and fluentbit that it runs, and what they had not passed on",
    "Plan": "its record of the nodes it has run on",
}


def steps(case: Case) -> list[Step]:
    """Plan one deletion. Raises Refused."""
    ref = case.finding.resource
    resource = RESOURCE_OF.get(ref.kind)
    if resource is None:
        raise Refused(f"a {ref.kind or 'thing without kind'} is yours to delete: the finding names the command")
    obj = case.find(resource, ref.name)
    if obj is None:
        raise Refused(f"{ref.kind} {ref.name} is not among the objects that were read")
    if not ref.name.startswith(OF_UPGRADES):
        raise Refused(f"its name does not begin with {OF_UPGRADES}, so no upgrade made it")
    _must_be_left(case, obj)
    return [_delete(case, target_with_uid(obj), resource)]


def _must_be_left(case: Case, obj: JsonObject) -> None:
    """Raise Refused for what still belongs to something. That no Upgrade runs is seen to for every repair."""
    kind, name = ref_of(obj).kind, name_of(obj)
    upgrades = {name_of(upgrade) for upgrade in case.objects("upgrades.harvesterhci.io", everywhere=True)}
    if kind == "Plan":
        owner = text_at(labels_of(obj), f"[{OWNER}]")
        if not owner or owner in upgrades:
            raise Refused(f"Upgrade {owner} still exists" if owner else "it does not say which Upgrade made it")
    if kind == "Logging":
        logs = [name_of(log) for log in case.objects(LOGS, everywhere=True)]
        if owner := next((log for log in logs if log and name.startswith(log)), ""):
            raise Refused(f"it belongs to UpgradeLog {owner}, and goes with that")


def _delete(case: Case, target: Target, resource: str) -> Step:
    where = ("-n {} ", (target.namespace,)) if target.namespace else ("", ())
    return Step(
        action=Action.DELETE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="delete-leftover",
        reason="left over from an upgrade that is over",
        risk="",
        undo="create it again from the saved object",
        loses=LOSES[target.kind],
        commands=(by_hand(where[0] + f"delete {resource} {{}}", *where[1], target.name),),
        goal=Goal(Until.GONE, f"gone: {target.words}", (replace(target, uid="", resource_version=""),)),
    )
