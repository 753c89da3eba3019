"""What a stopped upgrade leaves behind trips the next one: its repository VM, its log's managed chart, its plans.

Rule: nobody checks. The repository VM upgrade-repo-hvst-upgrade-* (FROM up to 1.6) has CD-ROM disks; a webhook of
1.4.1 to 1.7.3 refuses live migration of such a VMI, so the left-over one blocks the next Upgrade (vm-live-migration).
A ManagedChart hvst-upgrade-*-upgradelog-operator whose upgrade is gone turns not Ready sooner or later, and the server
refuses that too (managed-chart-ready). A Plan of the system upgrade controller (cattle-system) whose label
harvesterhci.io/upgrade names an Upgrade that is gone still selects nodes: a node that joins runs it.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Consequence,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Remediation,
    Tie,
    Unknown,
    View,
    check,
    degrades,
    harmless,
    judged,
    kubectl,
    labels_of,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
)

from .._upgrades import running_upgrades

VMS, VMIS = "virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io"
CHARTS, PLANS = "managedcharts.management.cattle.io", "plans.upgrade.cattle.io"
UPGRADES, OWNER = "upgrades.harvesterhci.io", "harvesterhci.io/upgrade"
"""OWNER: label of everything an Upgrade makes: the name of that Upgrade."""


@check(
    id="leftover-upgrade-objects",
    title="Nothing is left of an earlier, stopped upgrade",
    category="upgrade",
    needs=(
        need(UPGRADES),
        need(VMS, "status.printableStatus", namespaces=("harvester-system",)),
        need(VMIS, "status.phase", namespaces=("harvester-system",)),
        need(CHARTS),
        need(PLANS, optional=True, unserved_is_empty=True),
    ),
    worst=WARN,
    enforced_by=(Enforcer.NONE,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="A left-over repository VM counts as a VM that cannot migrate; a left-over chart counts as one not ready: the "
    "server refuses the next Upgrade for either.",
    how="An upgrade was stopped or deleted before it removed its own objects.",
    fix="Delete the named objects; no upgrade runs, so nothing uses them.",
    links=("https://github.com/harvester/harvester/issues/7560",),
    causes={
        "repo-vm-left": "The repository VM of an ended upgrade: delete the VirtualMachine.",
        "repo-vmi-left": "The repository VM of an ended upgrade still runs: delete its VirtualMachine.",
        "upgradelog-chart-left": "The managed chart of an ended upgrade's log: delete it.",
        "plan-left": "A Plan of an Upgrade that is gone: delete it, or the next node that joins runs it.",
    },
    explains=(
        Explains("vm-live-migration", tie=Tie.VM),
        Explains("vm-not-migratable-condition", tie=Tie.VM),
        Explains("managed-chart-ready", tie=Tie.CHART),
    ),
)
def leftover_upgrade_objects(view: View) -> Iterator[Outcome]:
    """Yield every repository VM, its instance, every log chart and every orphan plan while no upgrade runs."""
    if running := running_upgrades(view):
        yield NotApplicable(f"upgrade {running[0]} is running, so these objects are in use")
        return
    yield from view.each(VMS, lambda vm: _judge_repo(view, vm, "repo-vm-left"))
    yield from view.each(VMIS, lambda vmi: _judge_repo(view, vmi, "repo-vmi-left"))
    yield from view.each(CHARTS, _judge_chart)
    if missing := view.missing(PLANS):
        yield Unknown(missing.noting("whether a Plan of an earlier upgrade is left"))
    known = {name_of(upgrade) for upgrade in view.objects(UPGRADES)}
    yield from judged(view.read(PLANS), lambda plan: _judge_plan(plan, known))


def _judge_repo(view: View, obj: JsonObject, cause: str) -> Iterator[Outcome]:
    name, namespace = name_of(obj), namespace_of(obj)
    if namespace != "harvester-system" or not name.startswith("upgrade-repo-hvst-upgrade-"):
        return
    runs = cause == "repo-vmi-left"
    trips = bool(runs and lies_in(view.upgrade.from_version, ">=1.4.1 <=1.7.3"))
    state = text_at(obj, "status.phase") if runs else text_at(obj, "status.printableStatus")
    yield Finding(
        severity=WARN,
        cause=cause,
        message=f"{'Running VM' if runs else 'VM'} {name} is left from an earlier upgrade"
        + ("; the server counts its CD-ROM as a reason it cannot migrate" if trips else ""),
        hint="Delete it, since no upgrade is running",
        commands=(kubectl("delete virtualmachines.kubevirt.io {} -n {}", name, namespace),),
        resource=ref_of(obj),
        evidence={"tripsVmLiveMigration": trips} | ({"phase" if runs else "printableStatus": state} if state else {}),
        consequence=_of_machine(runs, trips),
    )


def _of_machine(runs: bool, trips: bool) -> Consequence:
    if trips:
        return refused("The server may refuse the Upgrade; gate vm-live-migration decides", Certainty.POSSIBLE)
    if runs:
        return degrades(Phase.NODE_DRAIN, "It is one more VM that each drain may have to move", Certainty.POSSIBLE)
    return harmless("The upgrade goes on all the same; the volume of the VM stays taken")


def _judge_chart(chart: JsonObject) -> Iterator[Outcome]:
    name = name_of(chart)
    if not (name.startswith("hvst-upgrade-") and name.endswith("-upgradelog-operator")):
        return
    yield Finding(
        severity=WARN,
        cause="upgradelog-chart-left",
        message=f"ManagedChart {name} is left from the log of an earlier upgrade",
        hint="Delete it, since no upgrade is running",
        commands=(kubectl("delete managedcharts.management.cattle.io {} -n fleet-local", name),),
        resource=ref_of(chart),
        consequence=refused(
            "The server may refuse the Upgrade once this chart is not Ready; gate managed-chart-ready decides",
            Certainty.POSSIBLE,
        ),
    )


def _judge_plan(plan: JsonObject, known: set[str]) -> Iterator[Outcome]:
    owner = text_at(labels_of(plan), f"[{OWNER}]")
    if not owner or owner in known:
        return
    name = name_of(plan)
    yield Finding(
        severity=WARN,
        cause="plan-left",
        message=f"Plan {name} is left from upgrade {owner}, which does not exist any more",
        hint="Delete it, since no upgrade is running",
        commands=(kubectl("delete plans.upgrade.cattle.io {} -n {}", name, namespace_of(plan)),),
        resource=ref_of(plan),
        evidence={"upgrade": owner},
        remediation=Remediation("delete-leftover", False),
        consequence=degrades(
            Phase.PRELOAD, "Its jobs may still run on nodes that join or change their labels", Certainty.POSSIBLE
        ),
    )
