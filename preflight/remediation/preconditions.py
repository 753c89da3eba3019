"""What must hold before a repair touches anything: no upgrade, the permissions, a dry run that the server accepts."""

from __future__ import annotations

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import LEASE_NAMESPACE, Writer, plural_of
from preflight.errors import RemediationError, Unreadable
from preflight.fields import labels_of, ref_of
from preflight.inventory import Inventory, JsonObject
from preflight.permissions import FIX
from preflight.remediation.answers import explain
from preflight.remediation.plan import Action, Plan, Step
from preflight.resources import RESOURCES

STATE_LABEL = "harvesterhci.io/upgradeState"
FINAL_STATES = ("Succeeded", "Failed")
VERBS = {
    Action.DELETE: ("delete", ""),
    Action.CREATE: ("create", ""),
    Action.UPDATE: ("patch", ""),
    Action.UPDATE_STATUS: ("patch", "/status"),
}
UPGRADES = RESOURCES["upgrades.harvesterhci.io"]

Permission = tuple[str, str, str, str]
"""Verb, group, resource (with its subresource), namespace."""


def running_upgrade(upgrades: list[JsonObject]) -> str:
    """Return the name of an Upgrade that has not ended, empty when there is none. One without state has not ended."""
    for upgrade in upgrades:
        if not _has_ended(upgrade):
            return ref_of(upgrade).name or "(without name)"
    return ""


def _has_ended(upgrade: JsonObject) -> bool:
    try:
        return labels_of(upgrade).get(STATE_LABEL) in FINAL_STATES
    except Unreadable:
        return False


def upgrade_reason(inventory: Inventory) -> str:
    """Say why nothing may be repaired now as far as the inventory shows; empty when nothing speaks against it."""
    found = inventory.get("upgrades.harvesterhci.io")
    name = running_upgrade(list(found.objects))
    return f"Upgrade {name} has not ended, and nothing is repaired while a cluster upgrades" if name else ""


def refuse_while_upgrading(writer: Writer) -> None:
    """Ask the server for Upgrades. Raises RemediationError when one runs, or when that cannot be told."""
    try:
        upgrades = writer.list(UPGRADES.api_version, UPGRADES.plural, UPGRADES.namespaces[0])
    except ApiError as error:
        if error.status == 404:  # a cluster that serves no Upgrades cannot run one
            return
        raise RemediationError(f"whether an Upgrade is running cannot be read: {explain(error)}") from None
    name = running_upgrade(upgrades)
    if name:
        raise RemediationError(f"Upgrade {name} has not ended, and nothing is repaired while a cluster upgrades")


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
    """Say which role would do: that of `rbac --fix` holds what repairs of stuck Addons write, and no more."""
    given = {(verb, one.group, one.resource) for one in FIX for verb in one.verbs}
    beyond = sorted({resource for verb, group, resource, _ in lacking if (verb, group, resource) not in given})
    if not beyond:
        return "`harvester-preflight rbac --fix` prints the role that allows it"
    return (
        f"the role of `harvester-preflight rbac --fix` does not hold {', '.join(beyond)} either: that takes an "
        "administrator's account"
    )
