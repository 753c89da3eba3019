"""What a stopped upgrade leaves behind trips the next one: its repository VM and its log's managed chart.

Rule: nobody checks. The repository VM upgrade-repo-hvst-upgrade-* (FROM up to 1.6) has CD-ROM disks; a webhook of
1.4.1 to 1.7.3 refuses live migration of such a VMI, so the left-over one blocks the next Upgrade (vm-live-migration).
A ManagedChart hvst-upgrade-*-upgradelog-operator whose upgrade is gone turns not Ready sooner or later, and the server
refuses that too (managed-chart-ready).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    View,
    check,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

from .._upgrades import running_upgrades

VMS, VMIS = "virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io"
CHARTS = "managedcharts.management.cattle.io"


@check(
    id="leftover-upgrade-objects",
    title="Nothing is left of an earlier, stopped upgrade",
    category="upgrade",
    needs=(
        need("upgrades.harvesterhci.io"),
        need(VMS, namespaces=("harvester-system",)),
        need(VMIS, "status.phase", namespaces=("harvester-system",)),
        need(CHARTS),
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
    },
)
def leftover_upgrade_objects(view: View) -> Iterator[Outcome]:
    """Yield every repository VM, its instance, and every log chart while no upgrade runs."""
    if running := running_upgrades(view):
        yield NotApplicable(f"upgrade {running[0]} is running, so these objects are in use")
        return
    yield from view.each(VMS, lambda vm: _judge_repo(view, vm, "repo-vm-left"))
    yield from view.each(VMIS, lambda vmi: _judge_repo(view, vmi, "repo-vmi-left"))
    yield from view.each(CHARTS, _judge_chart)


def _judge_repo(view: View, obj: JsonObject, cause: str) -> Iterator[Outcome]:
    name, namespace = name_of(obj), namespace_of(obj)
    if namespace != "harvester-system" or not name.startswith("upgrade-repo-hvst-upgrade-"):
        return
    trips = cause == "repo-vmi-left" and lies_in(view.upgrade.from_version, ">=1.4.1 <=1.7.3")
    yield Finding(
        severity=WARN,
        cause=cause,
        message=f"{'Running VM' if cause == 'repo-vmi-left' else 'VM'} {name} is left from an earlier upgrade"
        + ("; the server counts its CD-ROM as a reason it cannot migrate" if trips else ""),
        hint="Delete it, since no upgrade is running\n"
        f"kubectl delete virtualmachines.kubevirt.io {name} -n {namespace}",
        resource=ref_of(obj),
        evidence={"phase": text_at(obj, "status.phase") or None, "tripsVmLiveMigration": bool(trips)},
    )


def _judge_chart(chart: JsonObject) -> Iterator[Outcome]:
    name = name_of(chart)
    if not (name.startswith("hvst-upgrade-") and name.endswith("-upgradelog-operator")):
        return
    yield Finding(
        severity=WARN,
        cause="upgradelog-chart-left",
        message=f"ManagedChart {name} is left from the log of an earlier upgrade",
        hint="Delete it, since no upgrade is running\n"
        f"kubectl delete managedcharts.management.cattle.io {name} -n fleet-local",
        resource=ref_of(chart),
    )
