"""A migration that cannot get through in the time it is given is given up, and what then becomes of the machine.

Rule: KubeVirt (live-migration-source.go 1.2 to 1.8) gives a migration up after completionTimeoutPerGiB seconds for each
10^9 bytes of the machine's memory, rounded up; 0 is no limit. With bandwidthPerMigration b > 0, b times the timeout below
10^9 bytes cannot get through, below 2 x 10^9 bytes hardly. What a guest changes meanwhile is not in the API, so nothing
is said of memory alone. The timeout comes from the configuration of the target: 800 s up to 1.4, 150 s from 1.5 on,
unless it is set. With allowPostCopy, or from 1.5 on allowWorkloadDisruption, a migration is finished another way.
Given up, a migration is begun again for ever up to target 1.6; targets from 1.7.0 on stop the machine, and do not start
it again. These count an evacuation that failed before as well, while its event (one hour) is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    Code,
    Enforcer,
    JsonObject,
    NotApplicable,
    Outcome,
    View,
    boolean_at,
    check,
    judged,
    lies_in,
    name_of,
    namespace_of,
    need,
    text_at,
    unknown,
)

from ._drain import INSTANCE_FIELDS, NODE_FIELDS, Drain
from ._giving_up import Limit, failed_before, too_slow
from ._phases import PHASE_TIMES, time_in_phase
from ._vms import ALL_STOPPED, all_stopped, home_of, is_final

INSTANCES, KUBEVIRTS = "virtualmachineinstances.kubevirt.io", "kubevirts.kubevirt.io"
MIGRATIONS = "virtualmachineinstancemigrations.kubevirt.io"
EVACUATION = "kubevirt-evacuation"
GIVEN_UP = "not completed after"
EVENT_LASTS = timedelta(hours=1)


@check(
    title="A migration gets through in the time it is given",
    needs=(
        need("nodes", *NODE_FIELDS),
        need(KUBEVIRTS, "spec.configuration.migrations"),
        need(
            INSTANCES,
            *INSTANCE_FIELDS,
            "status.phase",
            "status.migrationState.failed",
            "status.migrationState.failureReason",
        ),
        need(MIGRATIONS, "spec.vmiName", "status.phase", PHASE_TIMES),
    ),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/advanced/index",
    why="Nodes are emptied by migration; one that is given up is begun again for ever, or its machine is stopped.",
    how="A limit of bandwidth was set to spare the network, or a guest changes its memory faster than it can be sent.",
    fix="Raise bandwidthPerMigration or completionTimeoutPerGiB, or allow auto-converge; stop the machine otherwise.",
    causes={
        "bandwidth-too-low": "What may be sent in the time that is given is less, or hardly more, than the memory.",
        "failed-before": "A migration of the machine was given up before: stop it for the upgrade, or raise the limits.",
    },
)
def migration_cannot_finish(view: View) -> Iterator[Outcome]:
    """Yield a finding when migrations are given too little, and a warning for machines one of which was given up."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    drain, moving = Drain.of(view), list[JsonObject]()

    def collect(vmi: JsonObject) -> Iterator[Outcome]:
        if home_of(vmi) and not is_final(vmi) and not drain.stops(vmi):
            moving.append(vmi)
        yield from ()

    yield from view.each(INSTANCES, collect)
    stopped = lies_in(view.upgrade.to_version, ">=1.7.0") is True
    kubevirt = next(iter(view.objects(KUBEVIRTS)), None)
    if kubevirt is None:
        yield unknown(Code.INCOMPLETE, "there is no KubeVirt object in harvester-system")
    elif moving:
        limit = Limit.of(kubevirt, view.upgrade)
        if limit is not None:
            yield from too_slow(kubevirt, limit, stopped)
    recent: dict[tuple[str, str], str] = {}
    if stopped:
        yield from view.each(MIGRATIONS, lambda migration: _collect_failed(migration, view, recent))
    yield from judged(moving, lambda vmi: _judge_machine(vmi, recent, stopped))


def _collect_failed(migration: JsonObject, view: View, recent: dict[tuple[str, str], str]) -> Iterator[Outcome]:
    failed = name_of(migration).startswith(EVACUATION) and text_at(migration, "status.phase") == "Failed"
    if failed and time_in_phase(migration, "Failed", view.now) <= EVENT_LASTS:
        recent[namespace_of(migration), text_at(migration, "spec.vmiName")] = name_of(migration)
    yield from ()


def _judge_machine(vmi: JsonObject, recent: dict[tuple[str, str], str], stopped: bool) -> Iterator[Outcome]:
    reason = text_at(vmi, "status.migrationState.failureReason")
    if boolean_at(vmi, "status.migrationState.failed") and GIVEN_UP in reason:
        yield failed_before(vmi, reason, stopped)
    elif migration := recent.get((namespace_of(vmi), name_of(vmi))):
        why = f"evacuation {migration} failed within the last hour, and the drain counts it"
        yield failed_before(vmi, why, stopped, transient=True)
