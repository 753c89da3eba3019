"""A repair of this tool that died in the middle: an Addon may be gone or off, and no other check would miss it.

Rule: every fix holds the Lease harvester-preflight-fix in harvester-system while it writes, and deletes it at its end.
One that still names a holder after leaseDurationSeconds belongs to a run that was killed; one that carries the
annotation `unfinished` was left by a run that ended with something half done. Both name that run's journal. A Lease
that has not run out belongs to a run that is still at work, which passes by itself.
Units: times of the Lease are the API server's, as is the decision clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    Certainty,
    Command,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    annotations_of,
    check,
    degrades,
    format_time,
    hangs,
    human_duration,
    integer_at,
    kubectl,
    need,
    ref_of,
    text_at,
    time_at,
    tool,
)

from ._commands import plain

LEASE = "leases.coordination.k8s.io/repair"
NOTES = "preflight.harvesterhci.io/"
SECONDS = 60
"""leaseDurationSeconds where a Lease does not say."""


@check(
    title="No repair was cut off half-way",
    needs=(need(LEASE, "spec", "metadata.annotations"),),
    docs="https://docs.harvesterhci.io/v1.8/advanced/addons",
    why="A fix that is killed between deleting an Addon and creating it again, or between disabling and enabling it, leaves "
    "the Addon gone or off; to every other check that looks as if somebody had wanted it so.",
    how="The machine, the terminal or the pipeline of the fix went away, or the fix ended with a step that failed.",
    fix="Finish what it had begun (`fix --resume JOURNAL`), or put it back (`rollback JOURNAL`).",
    causes={
        "repair-interrupted": "A fix died, or ended half-way. Its journal says what it had done; resume or roll it back.",
        "repair-running": "A fix is at work at this moment. Wait until it has ended.",
    },
)
def repair_interrupted(view: View) -> Iterator[Outcome]:
    """Yield a finding for the lease of a fix that did not come to its end."""
    yield from view.each(LEASE, lambda lease: _judge(view, lease))


def _judge(view: View, lease: JsonObject) -> Iterator[Outcome]:
    holder = text_at(lease, "spec.holderIdentity")
    notes = annotations_of(lease)
    if not holder and text_at(notes, f"[{NOTES}unfinished]") != "true":
        return
    renewed = time_at(lease, "spec.renewTime")
    seconds = integer_at(lease, "spec.leaseDurationSeconds") or SECONDS
    ends = renewed + timedelta(seconds=seconds) if renewed else None
    if holder and ends is not None and ends > view.now:
        yield _running(lease, holder, human_duration(ends - view.now))
        return
    journal, host = (text_at(notes, f"[{NOTES}{key}]") for key in ("journal", "host"))
    where = f"; its journal is {journal} on {host}" if journal else "; nothing says where its journal is"
    yield Finding(
        severity=FAIL,
        cause="repair-interrupted",
        message=f"A fix {'was cut off' if holder else 'ended half-way'}"
        + (f", last heard of at {format_time(renewed)}" if renewed else "")
        + where,
        hint="Finish what it had begun, or put it back; only where the journal is lost, look at the Addons yourself and "
        "remove its mark",
        commands=_commands(plain(journal)),
        resource=ref_of(lease),
        evidence={
            "holder": holder or None,
            "renewed": format_time(renewed) if renewed else None,
            "journal": journal or None,
            "host": host or None,
        },
        consequence=degrades(
            Phase.AFTER,
            "An Addon may be gone, off or half repaired, and the upgrade would go on as if somebody had wanted it so",
            Certainty.POSSIBLE,
        ),
    )


def _commands(journal: str) -> tuple[Command, ...]:
    settle = (tool("fix --resume {} --apply", journal), tool("rollback {} --apply", journal)) if journal else ()
    forget = kubectl(
        "delete leases.coordination.k8s.io harvester-preflight-fix -n harvester-system",
        why="only where the journal is lost and the Addons were looked at",
    )
    return (*settle, forget)


def _running(lease: JsonObject, holder: str, left: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause="repair-running",
        message=f"A fix is at work ({holder}); its lease runs out in {left} unless it is renewed",
        hint="Wait until it has ended, then check again",
        commands=(tool("check --wait 10m"),),
        resource=ref_of(lease),
        evidence={"holder": holder},
        transient=True,
        consequence=hangs(
            Phase.SYSTEM_SERVICES,
            "An upgrade that starts now may meet an Addon in the middle of its repair",
            Certainty.POSSIBLE,
        ),
    )
