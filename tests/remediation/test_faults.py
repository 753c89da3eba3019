"""What goes wrong on the way: nothing is lost, the journal is true, the message says what is so."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.errors import RemediationError
from preflight.remediation.interrupts import uninterrupted
from tests.kube import Call, Denial, Fail, Outcome, Review
from tests.remediation.test_converge import journal_of, states
from tests.remediation.world import MakeWorld, World, addon, chart_of, status_of, stuck

JOB_ONE = "/apis/batch/v1/namespaces/addons/jobs/helm-install-one"


def deny(world: World, kind: str, operation: str, text: str, *, dry_run: bool | None = None) -> None:
    def hook(review: Review) -> Denial | str | None:
        meant = review.kind.plural == kind and review.operation == operation
        return text if meant and dry_run in (None, review.dry_run) else None

    world.server.admission.append(hook)


def test_a_job_changed_since_the_plan_is_left_alone(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    plan = here.plan()
    job = here.job("one")
    assert job is not None
    job["metadata"]["labels"]["somebody"] = "was-here"
    here.server.put(job)

    ended = here.apply(plan)

    assert (ended.word, ended.exit_code) == ("not-converged", 5)
    assert "changed since the plan" in ended.messages[0]
    assert "helm-install-one" in ended.messages[0]
    assert here.writes() == [("DELETE", JOB_ONE.replace("one", "two"))]  # the other repair is not held up
    assert states(here) == ["failed", "done"]


def test_a_job_changed_between_dry_run_and_write_is_a_conflict_in_the_servers_words(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()

    def meddle(review: Review) -> None:
        if review.kind.plural == "jobs" and review.operation == "DELETE" and review.dry_run:
            job = here.job("one")
            assert job is not None
            here.server.api.store.put({**job, "metadata": {**job["metadata"], "labels": {"x": "y"}}})

    here.server.admission.append(meddle)
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "409 Conflict" in ended.messages[0]
    assert "somebody else changed it" in ended.messages[0]
    assert here.job("one") is not None
    assert states(here) == ["failed"]


def test_a_job_that_is_gone_ends_its_repair(world: MakeWorld) -> None:
    here = world(*stuck("one"), controllers=False)
    plan = here.plan()
    here.server.remove("jobs", "batch")
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "gone since the plan was made" in ended.messages[0]
    assert "nothing was changed" in ended.messages
    assert here.writes() == []


def test_a_job_made_anew_meanwhile_is_not_deleted(world: MakeWorld) -> None:
    here = world(*stuck("one"), controllers=False)
    plan = here.plan()
    job = here.job("one")
    assert job is not None
    here.server.remove("jobs", "batch")
    here.server.put({**job, "metadata": {**job["metadata"], "uid": "another"}})
    ended = here.apply(plan)
    assert "created again since" in ended.messages[0]
    assert here.job("one") is not None


def test_a_webhooks_denial_is_shown_word_for_word_and_explained(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    deny(here, "jobs", "DELETE", "not on a Friday: ask the duty officer")
    ended = here.apply(here.plan())
    words = 'admission webhook "validator.harvesterhci.io" denied the request: not on a Friday: ask the duty officer'
    assert words in ended.messages[0]
    assert "That means: a webhook of the cluster refuses this" in ended.messages[0]
    assert here.writes() == []
    assert states(here) == ["failed"]
    assert words in journal_of(here)["steps"][0]["message"]  # type: ignore[index]


def test_the_addon_webhooks_denial_is_explained(world: MakeWorld) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    here = world(owner, chart_of(owner), controllers=False)
    plan = here.plan()
    deny(
        here,
        "addons",
        "UPDATE",
        "cannot perform operation, as an existing operation is in progress on addon one",
        dry_run=False,
    )
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "as an existing operation is in progress on addon one" in ended.messages[0]
    assert "refuses every edit" in ended.messages[0]
    assert states(here) == ["failed", "left"]
    assert here.addon("one")["spec"]["enabled"] is True


def test_missing_permissions_are_all_named_before_anything_else(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    here.server.allow = {("get", "*", "*"), ("list", "*", "*"), ("create", "coordination.k8s.io", "leases")}
    with pytest.raises(RemediationError) as failure:
        here.apply(plan)
    text = failure.value.message
    for lacking in ("delete jobs.batch in addons", "update leases.coordination.k8s.io in harvester-system"):
        assert lacking in text
    assert "create leases" not in text
    assert text.endswith("Nothing was changed.")
    assert failure.value.exit_code == 5
    assert here.writes(dry=True) == []
    assert not here.backup.exists()


def test_an_upgrade_that_began_after_the_plan_stops_everything(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    here.server.put(
        {
            "apiVersion": "harvesterhci.io/v1beta1",
            "kind": "Upgrade",
            "metadata": {"name": "hvst-upgrade-x", "namespace": "harvester-system"},
        }
    )
    with pytest.raises(RemediationError, match="hvst-upgrade-x has not ended"):
        here.apply(plan)
    assert here.writes(dry=True) == []


def test_an_upgrade_that_begins_during_the_question_stops_everything(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()

    def confirm(_steps: object) -> bool:
        here.server.put(
            {
                "apiVersion": "harvesterhci.io/v1beta1",
                "kind": "Upgrade",
                "metadata": {"name": "late", "namespace": "harvester-system"},
            }
        )
        return True

    with pytest.raises(RemediationError, match="late has not ended"):
        here.apply(plan, confirm=confirm)
    assert here.writes() == []


def test_an_upgrade_that_begins_between_two_repairs_stops_the_second(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    plan = here.plan()
    upgrade = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {"name": "late", "namespace": "harvester-system"},
    }
    here.server.faults.on(Call(lambda server: server.put(upgrade)), method="GET", path="jobs/helm-install-one", after=1)
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "late has not ended" in " ".join(ended.messages)
    assert "helm-install-two" in ended.messages[-1]
    assert states(here) == ["done", "left"]
    assert here.writes() == [("DELETE", JOB_ONE)]


def test_a_server_that_dies_half_way_leaves_a_true_journal(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    plan = here.plan()
    here.server.faults.on(
        Call(lambda server: server.die()), method="GET", path="jobs/helm-install-one", after=1
    )  # the first read is the backup's; the second looks for the new Job
    ended = here.apply(plan)
    assert (ended.word, ended.exit_code) == ("not-converged", 5)
    text = " ".join(ended.messages)
    assert "the server is gone" in text
    assert "helm-install-two" in text
    assert "not begun" in text
    assert states(here) == ["not-converged", "left"]
    assert json.loads((here.backup / "01_job_addons_helm-install-one.json").read_text())["metadata"]["uid"] == "job-one"


def test_a_write_whose_answer_is_lost_is_not_called_done_nor_failed(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    here.server.faults.on(
        Call(lambda server: server.die()), method="DELETE", path="jobs/helm-install-one", after=1
    )  # the first deletion is the dry run
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert states(here) == ["started"]
    assert "whether the server did it is not known" in ended.messages[0]
    assert "left: step 1 (delete Job addons/helm-install-one): sent, and" in ended.messages[-1]


def test_a_goal_that_is_not_reached_in_time_is_said_with_the_state(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.server.controllers.outcomes["helm-install-one"] = Outcome.NEVER
    ended = here.apply(here.plan(), timeout=30.0)
    assert ended.exit_code == 5
    assert "not within 30 s" in ended.messages[0]
    assert "active 1" in ended.messages[0]
    assert sum(here.time.slept) == pytest.approx(30.0, abs=2)
    assert states(here) == ["not-converged"]
    assert any("waiting until a new Job" in line for line in here.progress)


def test_a_new_job_that_fails_ends_the_waiting_with_its_message(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.server.controllers.outcomes["helm-install-one"] = Outcome.FAIL
    ended = here.apply(here.plan(), timeout=10_000.0)
    assert ended.exit_code == 5
    assert "addon deployment job helm-install-one failed" in ended.messages[0]
    assert sum(here.time.slept) < 100


def test_what_comes_back_after_the_repair_is_found_by_the_second_check(world: MakeWorld) -> None:
    here = world(*stuck("one"))

    def relapse() -> object:
        again = here.addon("one")
        again["status"]["status"] = "AddonUpdating"
        here.server.controllers.running = False
        here.server.put(again)
        return here.examine().report

    ended = here.apply(here.plan(), recheck=relapse)
    assert ended.exit_code == 5
    assert ended.messages == ("still found by addon-stuck: addons/one is stuck",)
    assert journal_of(here)["remaining"] == [
        {
            "check": "addon-stuck",
            "cause": "job-predates-operation",
            "object": "addons/one",
            "message": "addons/one is stuck",
        }
    ]


def test_a_second_check_that_cannot_tell_is_no_success(world: MakeWorld) -> None:
    here = world(*stuck("one"))

    def forbidden() -> object:
        here.server.faults.on(Fail(403), path="/addons", times=None)
        return here.examine().report

    ended = here.apply(here.plan(), recheck=forbidden)
    assert ended.exit_code == 5
    assert "cannot confirm the repair" in ended.messages[0]


CHILD = """
import json, resource, sys
from pathlib import Path
from types import SimpleNamespace
from preflight.errors import RemediationError
from tests.remediation.world import World

folder = Path(sys.argv[1])
here = World(SimpleNamespace(kubeconfig=lambda _folder: folder / "config"), folder)
plan, writer = here.plan(), here.writer
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    ended = here.apply(plan, writer=writer)
    print(json.dumps([ended.exit_code, *ended.messages]))
except RemediationError as error:
    print(json.dumps([error.exit_code, error.message]))
"""
"""Repairs in a process of its own, whose limits and life are ours to take. A file size limit is a disk that is full."""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    with contextlib.ExitStack() as children:

        def start(here: World, disk: str = "") -> subprocess.Popen[str]:
            here.server.kubeconfig(tmp_path).rename(tmp_path / "config")
            command = [sys.executable, "-c", CHILD, str(tmp_path), disk]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            children.enter_context(process)  # waits and closes the pipes, after
            children.callback(process.kill)
            return process

        yield start


def test_a_full_disk_stops_before_anything_is_changed(
    world: MakeWorld, child: Callable[..., subprocess.Popen[str]]
) -> None:
    here = world(*stuck("one"))
    out, errors = child(here, "full").communicate(timeout=60)
    code, message = json.loads(out or f'[0, "{errors}"]')
    assert code == 5
    assert os.strerror(errno.EFBIG) in message
    assert "Nothing was changed" in message
    assert here.writes(dry=True) == []
    assert list(here.backup.iterdir()) == []


def test_a_disk_that_fills_up_half_way_stops_and_the_journal_stays_true(
    world: MakeWorld, child: Callable[..., subprocess.Popen[str]]
) -> None:
    here = world(*stuck("one"), *stuck("two"))
    process = child(here)

    def fill(_server: object) -> None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (64, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    here.server.faults.on(Call(fill), method="GET", path="jobs/helm-install-one", after=1)
    out, errors = process.communicate(timeout=60)
    code, *messages = json.loads(out or f'[0, "{errors}"]')
    assert code == 5
    assert "cannot write the journal" in " ".join(messages)
    assert "step 2 (delete Job addons/helm-install-two): not begun" in " ".join(messages)
    assert states(here) == ["written", "planned"]
    assert here.writes() == [("DELETE", JOB_ONE)]


def test_a_folder_that_cannot_be_made_stops_before_anything_is_changed(world: MakeWorld, tmp_path: Path) -> None:
    here = world(*stuck("one"))
    (tmp_path / "file").write_text("")
    with pytest.raises(RemediationError, match=r"cannot use .*Nothing was changed"):
        here.apply(here.plan(), backup_dir=tmp_path / "file" / "backup")
    assert here.writes() == []


def test_an_interrupt_between_steps_says_what_is_left(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    here.server.controllers.delay = 99
    from preflight.remediation.wait import Clock

    ended = here.apply(here.plan(), clock=Clock(lambda: 0.0, interrupt))
    assert (ended.word, ended.exit_code) == ("interrupted", 130)
    assert "step 1 (delete Job addons/helm-install-one): done, its goal was not waited for" in ended.messages[-1]
    assert "step 2 (delete Job addons/helm-install-two): not begun" in ended.messages[-1]
    assert states(here) == ["written", "left"]
    assert journal_of(here)["outcome"] == "interrupted"
    assert here.server.objects("leases", "coordination.k8s.io") == []


def test_an_interrupt_during_a_write_waits_until_it_is_written_down() -> None:
    done = []

    def write() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_killed_run_leaves_a_journal_that_says_how_far_it_came(
    world: MakeWorld, child: Callable[..., subprocess.Popen[str]]
) -> None:
    here = world(*stuck("one"), *stuck("two"))
    process = child(here)
    here.server.faults.on(Call(lambda _server: process.kill()), method="GET", path="jobs/helm-install-one", after=1)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    document = journal_of(here)
    assert document["outcome"] == "running"
    assert states(here) == ["written", "planned"]
    assert here.writes() == [("DELETE", JOB_ONE)]
    assert (here.backup / "02_job_addons_helm-install-two.json").exists()
    here.server.tick(3)
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"


def test_one_backup_folder_holds_one_run(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan())
    here.server.put(*stuck("one"))
    from preflight.errors import UsageError

    with pytest.raises(UsageError, match="earlier run"):
        here.apply(here.plan())


def test_an_addon_that_cannot_be_created_again_is_not_lost(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan(strategy="rebuild", force=True)
    deny(here, "addons", "CREATE", "no room")
    ended = here.apply(plan)
    assert ended.exit_code == 5
    assert "no room" in ended.messages[0]
    assert str(here.backup / "02_addon_addons_one.json") in ended.messages[0]
    saved = json.loads((here.backup / "02_addon_addons_one.json").read_text())
    assert saved["spec"]["enabled"] is False
    assert "uid" not in saved["metadata"]
    assert states(here) == ["done", "failed"]
