"""A fix that is killed at any moment is not forgotten: the next check finds it, no second fix runs over it, and both
finishing it and putting it back lead to a whole cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from preflight.model import SourceInfo
from preflight.remediation.apply import Tools, apply_rest
from preflight.remediation.lease import NAME, remove_mark, trace_of
from preflight.remediation.plan import Plan
from preflight.remediation.resume import resume_plan
from preflight.remediation.saved import read_journal
from tests.kube.objects import release
from tests.remediation.killing import Killed, killed_at
from tests.remediation.test_rollback import go_back, mark, way_back
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, status_of, stuck


@dataclass(frozen=True)
class Repair:
    """One strategy: what it repairs, how it is asked for, and what must be so afterwards."""

    objects: Callable[[], list[dict[str, Any]]]
    choice: dict[str, Any]
    finished: Callable[[World], bool]
    whole: Callable[[World], bool]
    """Whether it is as before the fix, or as whole as that."""
    controllers: bool = True


def enabled(here: World) -> bool:
    found = here.server.object("addons", "harvesterhci.io", "addons", "one")
    return found is not None and found["spec"]["enabled"] is True


def deployed(here: World) -> bool:
    here.server.tick(8)
    return enabled(here) and status_of(here.addon("one")) == "AddonDeploySuccessful"


def rebuilt(here: World) -> bool:
    found = here.server.object("addons", "harvesterhci.io", "addons", "one")
    return found is not None and found["spec"]["enabled"] is False and not here.job("one")


def failed() -> list[dict[str, Any]]:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    return [owner, chart, *job_of(chart, status={"failed": 1})]


def idle() -> list[dict[str, Any]]:
    owner = addon("one", "idle-operation", status="AddonDeploySuccessful")
    return [owner, chart_of(owner), release("addons", "one", 1)]


def foreign() -> list[dict[str, Any]]:
    owner = addon("one", "helm-chart-foreign", status="", InProgress="False")
    chart = chart_of(owner, foreign=True)
    return [owner, chart, *job_of(chart)]


def leftovers() -> list[dict[str, Any]]:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    chart["metadata"].pop("finalizers")
    secret = release("addons", "one", 1)
    secret["metadata"]["uid"] = "release"  # one plan is for all worlds
    return [owner, chart, secret]


def gone(here: World) -> bool:
    return not here.server.objects("helmcharts", "helm.cattle.io") and not here.server.objects("secrets")


def foreign_chart(here: World) -> bool:
    found = here.server.object("helmcharts", "helm.cattle.io", "addons", "one")
    return enabled(here) and found is not None and not found["metadata"].get("ownerReferences")


def kept(here: World) -> bool:
    """Say that release and HelmChart are there; the controllers, once they run, may have installed it anew beside."""
    first = here.server.object("secrets", "", "addons", "sh.helm.release.v1.one.v1")
    return first is not None and bool(here.server.objects("helmcharts", "helm.cattle.io"))


REPAIRS = {
    "recreate-job": Repair(lambda: stuck("one"), {}, deployed, enabled),
    "toggle": Repair(failed, {}, deployed, enabled),
    "settle-status": Repair(idle, {"force": True}, enabled, enabled, controllers=False),
    "rebuild": Repair(lambda: stuck("one"), {"strategy": "rebuild", "force": True}, rebuilt, enabled),
    "rebuild-foreign": Repair(foreign, {"force": True}, rebuilt, foreign_chart),
    "clean-leftovers": Repair(leftovers, {"force": True}, gone, kept, controllers=False),
}


@dataclass
class Dying:
    """Worlds in which one fix dies at this or that moment. What they hold is the same, so one plan fits all of them."""

    world: MakeWorld
    repair: Repair
    monkeypatch: pytest.MonkeyPatch
    plan: Plan | None = None

    def run(self, last: int, *, answered: bool) -> tuple[World, list[tuple[str, str]]]:
        """Let the fix die at one call; return the world and the calls it had made."""
        here = self.world(*self.repair.objects(), controllers=self.repair.controllers)
        here.folder = here.folder / f"{last}-{answered}"
        here.folder.mkdir()
        self.plan, writer = self.plan or here.plan(**self.repair.choice), here.writer
        with killed_at(self.monkeypatch, last, answered=answered) as life, contextlib.suppress(Killed):
            here.apply(self.plan, writer=writer, recheck=None)  # what it reads afterwards changes nothing
        return here, life.calls

    def moments(self) -> list[tuple[int, bool]]:
        """Return (call, whether it is answered) of every moment from taking the lease on at which a run can die."""
        _, calls = self.run(10_000, answered=False)
        first = next(number for number, (method, path) in enumerate(calls) if method == "post" and "/leases" in path)
        writes = {number for number, (method, _) in enumerate(calls) if method != "get" and number >= first}
        return [(number, False) for number in range(first, len(calls))] + [(number, True) for number in sorted(writes)]

    def dead(self) -> Iterator[tuple[tuple[int, bool], World]]:
        """Yield each moment and the world after it, the lease run out; none for which it had come to its end."""
        for last, answered in self.moments():
            here, calls = self.run(last, answered=answered)
            assert len(calls) == last + 1
            lease = lease_of(here)
            if lease is None:
                # the lease is taken before the first write, and given back after the last goal was reached
                assert self.repair.finished(here) or not here.writes()
                continue
            assert "another fix is at work" in words(lease, here)
            here.server.clock += timedelta(minutes=2)
            assert "cut off" in words(lease, here)
            assert str(here.backup / "journal.json") in words(lease, here)
            yield (last, answered), here


@pytest.fixture(params=REPAIRS)
def dying(request: pytest.FixtureRequest, world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> Dying:
    return Dying(world, REPAIRS[request.param], monkeypatch)


def lease_of(here: World) -> dict[str, Any] | None:
    return here.server.object("leases", "coordination.k8s.io", "harvester-system", NAME)


def words(lease: dict[str, Any], here: World) -> str:
    trace = trace_of(lease, here.server.clock)
    assert trace is not None
    return trace.words


def resume(here: World) -> Any:
    document, writer = read_journal(here.backup / "journal.json"), here.writer
    assert writer.api.date is None or writer.api.date
    source = SourceInfo("live", writer.api.server, here.server.clock)
    rest = resume_plan(
        document,
        here.backup,
        lambda target: writer.get(target.api_version, target.kind, target.namespace, target.name),
        source,
    )
    assert not rest.plan.refusals, rest.plan.refusals
    if not rest.plan.steps:
        remove_mark(writer, document["id"])
        return "converged"
    tools = Tools(
        writer=writer,
        backup_dir=here.backup,
        command="resume",
        confirm=here.confirm,
        progress=here.progress.append,
        say=here.said.append,
        recheck=None,
        timeout=120.0,
        clock=here.time.clock,
        settles=mark(here),
    )
    ended = apply_rest(rest, document, tools)
    assert ended.messages == ()
    return ended.word


def test_whenever_it_died_it_can_be_finished(dying: Dying) -> None:
    for moment, here in dying.dead():
        begun = bool(here.writes())
        assert resume(here) == "converged", moment
        assert dying.repair.finished(here) or not begun, moment
        assert lease_of(here) is None, moment


def test_whenever_it_died_it_can_be_put_back(dying: Dying) -> None:
    for moment, here in dying.dead():
        here.server.tick(8)  # what was begun, such as uninstalling, comes to its end first
        plan = way_back(here)
        assert not plan.refusals, (moment, plan.refusals)
        if plan.steps:
            assert go_back(here, plan).messages == (), moment
        else:
            remove_mark(here.writer, mark(here).run)
        assert dying.repair.whole(here), moment
        assert lease_of(here) is None, moment


def test_one_that_dies_before_it_has_the_lease_has_changed_nothing(dying: Dying) -> None:
    first, _ = dying.moments()[0]
    here, calls = dying.run(first, answered=False)
    assert len(calls) == first + 1
    assert here.writes() == []
    assert lease_of(here) is None
