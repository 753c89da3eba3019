"""A disruption budget left by a migration that is over keeps the drain of every node waiting.

Rule: upgrade_node.sh of every target waits until no PodDisruptionBudget is called
kubevirt-migration-pdb-kubevirt-evacuation-*. Each belongs to the migration whose name follows its prefix; without such
a migration under way nobody will remove it.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    kubectl,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)

from ._vms import full_name, is_final

PREFIX = "kubevirt-migration-pdb-"
EVACUATION = PREFIX + "kubevirt-evacuation-"
MIGRATIONS = "virtualmachineinstancemigrations.kubevirt.io"


@check(
    title="No disruption budget is left of an evacuation that is over",
    needs=(need("nodes"), need("poddisruptionbudgets.policy"), need(MIGRATIONS, "status.phase")),
    enforced_by=(Enforcer.SCRIPTS,),
    consequence=hangs(Phase.NODE_DRAIN, "The drain of every node waits without end until the budget is gone"),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The drain of each node waits until no such budget exists, without limit.",
    how="KubeVirt lost track of a migration: it ended, or was deleted, and its budget stayed.",
    fix="Delete the budget after making sure that no migration of that machine is under way.",
    causes={"stale-budget": "The migration it protects is over or gone: delete the budget."},
)
def vm_evacuation_pdb(view: View) -> Iterator[Outcome]:
    """Yield a finding for every evacuation budget without a migration under way."""
    if len(view.some("nodes")) == 1:
        yield NotApplicable("the cluster has one node, and a single node is not drained")
        return
    phases = {(namespace_of(migration), name_of(migration)): migration for migration in view.objects(MIGRATIONS)}

    def judge(budget: JsonObject) -> Iterator[Outcome]:
        name = name_of(budget)
        if not name.startswith(EVACUATION):
            return
        migration = phases.get((namespace_of(budget), name.removeprefix(PREFIX)))
        if migration is not None and not is_final(migration):
            return
        state = (
            f"its migration is {text_at(migration, 'status.phase')}" if migration else "it has no migration any more"
        )
        yield Finding(
            severity=FAIL,
            cause="stale-budget",
            message=f"PodDisruptionBudget {full_name(budget)} is stale: {state}",
            hint="Delete it once no migration of that machine is under way",
            commands=(kubectl("delete poddisruptionbudgets.policy {} -n {}", name, namespace_of(budget)),),
            resource=ref_of(budget),
            evidence={"migrationPhase": text_at(migration, "status.phase") if migration else None},
        )

    yield from view.each("poddisruptionbudgets.policy", judge)
