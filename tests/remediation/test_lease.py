"""Two repairs never run at once, and a dead one does not block the next for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from preflight.errors import RemediationError
from preflight.remediation.lease import HOST, JOURNAL, NAME, RUN, SECONDS, Lease, Mark
from tests.kube import Fail
from tests.remediation.world import MakeWorld, World, stuck

MARK = Mark("run-1", "/here/journal.json", "here")


def lease_of(here: World) -> dict[str, Any] | None:
    return here.server.object("leases", "coordination.k8s.io", "harvester-system", NAME)


def left_behind(here: World, *, seconds_ago: int, run: str = "", **spec: Any) -> None:
    notes = {RUN: run, JOURNAL: "/j/journal.json", HOST: "there"} if run else {}
    renewed = here.server.clock - timedelta(seconds=seconds_ago)
    here.server.put(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME, "namespace": "harvester-system", "annotations": notes},
            "spec": {
                "holderIdentity": "somebody",
                "leaseDurationSeconds": 60,
                "renewTime": f"{renewed:%Y-%m-%dT%H:%M:%S}.000000Z",
                **spec,
            },
        }
    )


def test_a_second_fix_is_refused_and_told_who_is_at_work(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    left_behind(here, seconds_ago=10)
    with pytest.raises(RemediationError, match=r"another fix is at work \(somebody, .*Nothing was changed"):
        here.apply(plan)
    assert here.writes() == []
    kept = lease_of(here)
    assert kept is not None
    assert kept["spec"]["holderIdentity"] == "somebody"


def test_the_lease_of_a_killed_fix_stops_the_next_one_and_names_its_journal(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    left_behind(here, seconds_ago=3600)
    with pytest.raises(RemediationError, match=r"an earlier fix was cut off.*nothing says where its journal is"):
        here.apply(plan)
    left_behind(here, seconds_ago=3600, run="r1")
    with pytest.raises(
        RemediationError, match=r"fix --resume /j/journal.json --apply.*rollback /j/journal.json"
    ) as seen:
        here.apply(plan, backup_dir=here.folder / "second")
    assert "on there" in seen.value.message
    assert here.writes() == []


@pytest.mark.parametrize(("run", "taken"), [("r1", True), ("r2", False)])
def test_only_the_run_that_settles_a_dead_one_takes_over_its_lease(world: MakeWorld, run: str, taken: bool) -> None:
    here = world()
    left_behind(here, seconds_ago=3600, run="r1")
    lease = Lease(here.writer, lambda: 0.0, MARK, adopts=run)
    if not taken:
        with pytest.raises(RemediationError, match="cut off"):
            lease.acquire()
        return
    lease.acquire()
    assert lease.adopted
    lease.release()
    assert lease_of(here) is None


def test_a_live_run_is_not_taken_over_even_to_settle_it(world: MakeWorld) -> None:
    here = world()
    left_behind(here, seconds_ago=30, run="r1")
    with pytest.raises(RemediationError, match="at work"):
        Lease(here.writer, lambda: 0.0, MARK, adopts="r1").acquire()


def test_what_is_half_done_leaves_a_mark_without_a_holder(world: MakeWorld) -> None:
    here = world()
    lease = Lease(here.writer, lambda: 0.0, MARK)
    lease.acquire()
    lease.release(unfinished=True)
    kept = lease_of(here)
    assert kept is not None
    assert kept["spec"]["holderIdentity"] == ""
    with pytest.raises(RemediationError, match="half done"):
        Lease(here.writer, lambda: 0.0, MARK).acquire()
    again = Lease(here.writer, lambda: 0.0, MARK, adopts=MARK.run)
    again.acquire()
    again.release()
    assert lease_of(here) is None


@pytest.mark.parametrize("spec", [{"holderIdentity": ""}])
def test_a_lease_nobody_holds_is_taken(world: MakeWorld, spec: dict[str, Any]) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    left_behind(here, seconds_ago=1, **spec)
    assert here.apply(plan).word == "converged"


def test_a_lease_that_cannot_be_read_is_not_taken(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    left_behind(here, seconds_ago=1, renewTime="yesterday")
    with pytest.raises(RemediationError, match="cannot be read"):
        here.apply(plan)


def test_two_that_come_at_the_same_moment_do_not_both_get_it(world: MakeWorld) -> None:
    here = world()
    first, second = (Lease(here.writer, lambda: 0.0, MARK) for _ in range(2))
    left_behind(here, seconds_ago=3600, holderIdentity="")
    original = second._writer.get

    def slow(*names: str) -> Any:
        found = original(*names)
        first.acquire()
        return found

    second._writer.get = slow  # type: ignore[method-assign]
    with pytest.raises(RemediationError, match="at this very moment"):
        second.acquire()
    kept = lease_of(here)
    assert kept is not None
    assert kept["spec"]["holderIdentity"] == first.holder


def test_it_is_renewed_while_waiting_and_only_then(world: MakeWorld) -> None:
    here, now = world(), [0.0]
    lease = Lease(here.writer, lambda: now[0], MARK)
    lease.acquire()
    before = len(here.server.requests)
    now[0] = SECONDS / 3 - 1
    lease.renew()
    assert len(here.server.requests) == before
    now[0] = SECONDS / 3
    lease.renew()
    assert here.server.requests[-1].method == "PUT"


def test_one_that_lost_its_lease_stops(world: MakeWorld) -> None:
    here, now = world(), [0.0]
    lease = Lease(here.writer, lambda: now[0], MARK)
    lease.acquire()
    left_behind(here, seconds_ago=0)
    now[0] = 1000.0
    with pytest.raises(RemediationError, match="taken over"):
        lease.renew()
    lease.release()
    kept = lease_of(here)
    assert kept is not None
    assert kept["spec"]["holderIdentity"] == "somebody"


def test_a_fix_that_lost_its_lease_does_not_begin_the_next_repair(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    plan = here.plan()

    def say(text: str) -> None:
        if text.startswith("step 1") and "AddonDeploySuccessful" in text:
            here.time.now += 1000.0
            left_behind(here, seconds_ago=0)

    ended = here.apply(plan, say=say)
    assert ended.exit_code == 5
    assert "another fix has taken over" in " ".join(ended.messages)
    assert [path.rpartition("-")[2] for _, path in here.writes()] == ["one"]
    kept = lease_of(here)
    assert kept is not None
    assert kept["spec"]["holderIdentity"] == "somebody"


def test_a_renewal_that_is_not_answered_is_tried_again_later(world: MakeWorld) -> None:
    here, now = world(), [0.0]
    lease = Lease(here.writer, lambda: now[0], MARK)
    lease.acquire()
    fault = here.server.faults.on(Fail(503), method="PUT")
    now[0] = 1000.0
    lease.renew()
    assert fault.hits == 1
    lease.renew()
    assert here.server.requests[-1].method == "PUT"
