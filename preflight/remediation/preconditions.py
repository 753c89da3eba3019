"""What must hold before a repair touches anything: no upgrade, the permissions, a dry run that the server accepts."""

from __future__ import annotations

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import LEASE_NAMESPACE, Writer, plural_of
from preflight.errors import RemediationError
from preflight.inventory import Inventory, JsonObject
from preflight.permissions import FIX
from preflight.remediation.answers import explain
from preflight.remediation.during import why_refused
from preflight.remediation.plan import Action, Plan, Step
from preflight.resources import RESOURCES

VERBS = {
    Action.DELETE: ("delete", ""),
    Action.CREATE: ("create", ""),
    Action.UPDATE: ("patch", ""),
    Action.UPDATE_STATUS: ("patch", "/status"),
}
UPGRADES, PLANS = RESOURCES["upgrades.harvesterhci.io"], RESOURCES["upgradeplans.management.harvesterhci.io"]

Permission = tuple[str, str, str, str]
"""Verb, group, resource (with its subresource), namespace."""


def upgrade_reason(inventory: Inventory, *, during: bool = False) -> str:
    """Say why nothing may be repaired now as far as the inventory shows; empty when nothing speaks against it.

    With `during` an Upgrade that has not come to its nodes does not.
    """
    return why_refused(upgrades_in(inventory), during=during)


def upgrades_in(inventory: Inventory) -> tuple[JsonObject, ...]:
    """Return the Upgrades and UpgradePlans that were read."""
    return (*inventory.get("upgrades.harvesterhci.io").objects, *inventory.get(PLANS.name).objects)


def refuse_while_upgrading(writer: Writer, *, during: bool = False) -> None:
    """Raise RemediationError when an Upgrade runs that stands against a repair, or when that cannot be told."""
    if reason := why_refused(read_upgrades(writer), during=during):
        raise RemediationError(reason)


def read_upgrades(writer: Writer) -> list[JsonObject]:
    """Ask the server for Upgrades, and for UpgradePlans where it knows them and they may be read.

    Raises RemediationError when Upgrades cannot be read.
    """
    try:
        found = writer.list(UPGRADES.api_version, UPGRADES.plural, UPGRADES.namespaces[0])
    except ApiError as error:
        if error.status == 404:  # a cluster that serves no Upgrades cannot run one
            return []
        raise RemediationError(f"whether an Upgrade is running cannot be read: {explain(error)}") from None
    try:
        return found + writer.list(PLANS.api_version, PLANS.plural, "")
    except ApiError:  # of an experimental Addon: the plan of the repair has seen them, if there are any
        return found


def permissions(plan: Plan) -> list[Permission]:
    """List what a plan needs to be allowed, each once."""
    wanted: dict[Permission, None] = {}
    for step in plan.steps:
        wanted.update(dict.fromkeys(_of_step(step)))
    if wanted:
        group = "coordination.k8s.io"
        for verb in ("get", "create", "update", "delete"):
            wanted[verb, group, "leases", LEASE_NAMESPACE] = None
    return list(wanted)


def _of_step(step: Step) -> list[Permission]:
    target = step.target
    group, plural = target.api_version.rpartition("/")[0], plural_of(target.api_version, target.kind)
    verb, subresource = VERBS[step.action]
    needed: list[Permission] = [(verb, group, plural + subresource, target.namespace)]
    needed.append(("get", group, plural, target.namespace))
    for seen in (*step.also, *step.goal.objects):
        group, plural = seen.api_version.rpartition("/")[0], plural_of(seen.api_version, seen.kind)
        needed.append(("get", group, plural, seen.namespace))
    return needed


def check_permissions(writer: Writer, plan: Plan) -> None:
    """Ask the server about each permission. Raises RemediationError naming all that are missing."""
    try:
        lacking = [wanted for wanted in permissions(plan) if not writer.may(*wanted)]
    except ApiError as error:
        raise RemediationError(f"the permissions cannot be checked: {explain(error)}") from None
    if lacking:
        words = "; ".join(
            f"{verb} {resource}{'.' + group if group else ''}{' in ' + namespace if namespace else ''}"
            for verb, group, resource, namespace in lacking
        )
        raise RemediationError(
            f"{writer.api.user} is not allowed to: {words}. Nothing was changed; {_who_may(lacking)}"
        )


def _who_may(lacking: list[Permission]) -> str:
    """Say which role would do: that of `rbac --fix` is for stuck Addons and paused charts, no more."""
    given = {(verb, one.group, one.resource) for one in FIX for verb in one.verbs}
    beyond = sorted({resource for verb, group, resource, _ in lacking if (verb, group, resource) not in given})
    if not beyond:
        return "`harvester-preflight rbac --fix` prints the role that allows it"
    return (
        f"the role of `harvester-preflight rbac --fix` does not hold {', '.join(beyond)} either: that takes an "
        "administrator's account"
    )
