"""A machine with more than one core or thread per socket does not migrate from 1.8 to 1.9.

Rule: docs 1.8 to 1.9: cores times threads above 1 (absent: 1) makes KubeVirt of 1.9.0 want the CPU feature ht, which
the old node does not offer. Sockets do not matter. Targets from 1.7.0 on stop a machine whose evacuation has failed.
The issue is open, so 1.9.1 is taken for the same until the opposite is shown.
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
    Phase,
    View,
    check,
    integer_at,
    need,
    ref_of,
    stops_workload,
)

from ._vms import ALL_STOPPED, all_stopped, full_name, home_of, is_final, stop, touching


@check(
    title="No running machine has several cores or threads per socket",
    needs=(
        need("nodes"),
        need(
            "virtualmachineinstances.kubevirt.io",
            "spec.domain.cpu.cores",
            "spec.domain.cpu.threads",
            "spec.domain.cpu.sockets",
            "status.phase",
            "status.nodeName",
        ),
    ),
    from_versions=">=1.8.0 <1.9.0",
    to_versions="=1.9.0 || =1.9.1",
    worst=WARN,
    enforced_by=(Enforcer.DOCS, Enforcer.SCRIPTS),
    consequence=stops_workload(
        Phase.NODE_DRAIN,
        "Its migration may fail, and the drain of its node then stops the machine; it stays off, restoreVM or not",
    ),
    docs="https://docs.harvesterhci.io/v1.9/upgrade/v1-8-x-to-v1-9-x",
    why="Live migration of such a machine fails in this upgrade; the drain stops it, or waits for it.",
    how="The usual way to give a machine several CPUs is cores.",
    fix="Plan to stop these machines, or define them with sockets and restart them before the upgrade.",
    links=("https://github.com/harvester/harvester/issues/11615",),
    causes={"cores-or-threads": "The machine's cores times threads is above 1: it will not migrate; plan to stop it."},
)
def vm_cpu_topology(view: View) -> Iterator[Outcome]:
    """Yield a warning for every running machine with several cores or threads."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    yield from view.each("virtualmachineinstances.kubevirt.io", _judge)


def _judge(vmi: JsonObject) -> Iterator[Outcome]:
    cores, threads = (integer_at(vmi, f"spec.domain.cpu.{part}") or 1 for part in ("cores", "threads"))
    if cores * threads <= 1 or is_final(vmi):
        return
    yield Finding(
        severity=WARN,
        cause="cores-or-threads",
        message=f"Machine {full_name(vmi)} has {cores} cores with {threads} threads each: it may not migrate from 1.8 "
        "to 1.9",
        hint="Stop it before the upgrade, or define it with sockets instead and restart it",
        commands=stop(vmi),
        resource=ref_of(vmi),
        evidence={"cores": cores, "threads": threads},
        touches=touching(home_of(vmi)),
    )
