"""What an earlier drain left on the plan of a machine is taken for the answer to the next one.

Rule: Rancher asks for a drain, and Harvester answers, by annotations of the Secret fleet-local/MACHINE-machine-plan (type
rke.cattle.io/machine-plan; rancher machinedrain, harvester upgrade secret_controller and job_controller, v1.4.0 to
v1.9.0-rc6). Their value is the same text in every upgrade: a pre-hook that was left satisfies the next one at once, so the
node is drained and its RKE2 restarted without moving its machines; a drain-done skips the drain; and the controller never
makes the job it waits for. Rancher removes all of them when a drain is over. The controller also wants exactly one such
Secret for each machine, and errs for ever otherwise.
Edges: while an Upgrade runs they are at work, and not looked at. Only metadata is read. A Secret whose machine is gone
harms nobody, and is named as a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    annotations_of,
    check,
    hangs,
    judged,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from .._upgrades import running_upgrades
from ._plan_secrets import machine_of, of_no_machine, wrong_count
from ._waiting import MACHINES

PLANS, UPGRADES, SUFFIX = "secrets/machine-plans", "upgrades.harvesterhci.io", "-machine-plan"
LEFT = (
    "rke.cattle.io/drain-options",
    "rke.cattle.io/drain-done",
    "rke.cattle.io/pre-drain",
    "rke.cattle.io/post-drain",
    "rke.cattle.io/uncordon",
    "rke.cattle.io/drain-error",
    "harvesterhci.io/pre-hook",
    "harvesterhci.io/post-hook",
)


@check(
    title="No drain of an earlier upgrade is left on a machine",
    needs=(
        need(PLANS, *(f"metadata.annotations[{key}]" for key in LEFT)),
        need(MACHINES, "status.nodeRef.name"),
        need(UPGRADES),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade takes what is left for the answer to its own question: a node may be drained without its machines "
    "being moved first, or the upgrade waits for a job that nobody makes.",
    how="An upgrade was stopped or deleted while a node was being drained.",
    fix="Uncordon the node, remove the annotations from the Secret, and see that Rancher's control plane is ready again.",
    links=(
        "https://github.com/harvester/harvester/issues/2972",
        "https://github.com/harvester/harvester/issues/6022",
    ),
    causes={
        "drain-leftover": "Annotations of a drain are on the plan of the machine and no Upgrade runs: remove them.",
        "plan-secret-count": "The machine has no plan Secret, or several: with another number than one no hook is answered.",
        "plan-of-no-machine": "The plan of a machine that is gone: nobody looks at it any more.",
    },
    consequence=hangs(
        Phase.NODE_DRAIN,
        "The node is drained without moving its machines first, or the hook is never answered and the upgrade waits for the "
        "node without end",
    ),
    explains=(Explains("rancher-control-plane-settled", Tie.NODE), Explains("node-schedulable", Tie.NODE)),
)
def machine_plan_leftover(view: View) -> Iterator[Outcome]:
    """Yield a finding for every plan with something left of a drain, and for every machine with another number of plans."""
    plans = [secret for secret in view.objects(PLANS) if name_of(secret).endswith(SUFFIX)]
    machines = {name_of(machine): text_at(machine, "status.nodeRef.name") for machine in view.objects(MACHINES)}
    if machines and not plans:
        yield unknown(Code.INCOMPLETE, f"not one plan Secret was read for {len(machines)} machine(s)")
        return
    if not running_upgrades(view):
        yield from judged(plans, partial(_leftover, machines=machines))
    held = [machine_of(secret) for secret in plans]
    for name, node in sorted(machines.items()):
        if held.count(name) != 1:
            yield wrong_count(view, name, node, [name_of(secret) for secret in plans if machine_of(secret) == name])
    for secret in plans:
        if machine_of(secret) not in machines:
            yield of_no_machine(secret)


def _leftover(secret: JsonObject, machines: dict[str, str]) -> Iterator[Outcome]:
    left = [key for key in LEFT if key in annotations_of(secret)]
    machine = machine_of(secret)
    if not left or machine not in machines:
        return
    node, name = machines[machine], name_of(secret)
    yield Finding(
        severity=FAIL,
        cause="drain-leftover",
        message=f"The plan of machine {machine} (node {node or 'none'}) has {', '.join(left)} left, and no Upgrade runs",
        hint="Uncordon the node, then remove what is left from the Secret",
        commands=(
            *((kubectl("uncordon {}", node),) if node else ()),
            kubectl("annotate secret {} -n fleet-local " + " ".join(["{}-"] * len(left)), name, *left),
        ),
        resource=ref_of(secret),
        evidence={"machine": machine, "annotations": left},
        enforced_by=(Enforcer.SCRIPTS,),
        touches={"node": (node,)} if node else {},
    )
