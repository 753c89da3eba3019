"""Each strategy, over real HTTP, against a server with Harvester's webhook and controllers."""

from __future__ import annotations

import json
import stat

from preflight.documents import load_schema
from tests.kube import Review
from tests.kube.objects import release
from tests.remediation.world import (
    MakeWorld,
    World,
    addon,
    chart_of,
    conditions_of,
    job_of,
    path,
    status_of,
    stuck,
)

BEGAN_LATER = "2026-11-23T18:42:30Z"


def journal_of(world: World) -> dict[str, object]:
    from jsonschema import Draft202012Validator

    document = json.loads((world.backup / "journal.json").read_text())
    Draft202012Validator(load_schema("journal")).validate(document)
    return dict(document)


def states(world: World) -> list[str]:
    return [entry["state"] for entry in journal_of(world)["steps"]]  # type: ignore[attr-defined]


def test_two_stuck_addons_converge_and_only_their_jobs_are_touched(world: MakeWorld) -> None:
    here = world(*stuck("rancher-logging"), *stuck("harvester-vm-dhcp-controller"))
    before = {name: here.addon(name)["spec"] for name in ("rancher-logging", "harvester-vm-dhcp-controller")}

    ended = here.apply(here.plan())

    assert (ended.word, ended.messages, ended.exit_code) == ("converged", (), 0)
    jobs = "/apis/batch/v1/namespaces/addons/jobs/helm-install-"
    assert sorted(here.writes()) == [
        ("DELETE", f"{jobs}harvester-vm-dhcp-controller"),
        ("DELETE", f"{jobs}rancher-logging"),
    ]
    for name, spec in before.items():
        made = here.job(name)
        assert made is not None
        assert made["metadata"]["uid"] != f"job-{name}"
        assert status_of(here.addon(name)) == "AddonDeploySuccessful"
        assert here.addon(name)["spec"] == spec
    assert not [finding for result in here.examine().report.checks for finding in result.findings]
    assert states(here) == ["done", "done"]
    assert journal_of(here)["outcome"] == "converged"


def test_the_deletion_is_held_to_the_state_of_the_plan(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan()
    here.apply(plan)
    bodies = [json.loads(r.body) for r in here.server.requests if r.method == "DELETE" and "/jobs/" in r.path]
    target = plan.steps[0].target
    assert [body.get("dryRun") for body in bodies] == [["All"], None]
    for body in bodies:
        assert body["preconditions"] == {"uid": target.uid, "resourceVersion": target.resource_version}
        assert body["propagationPolicy"] == "Background"


def test_every_dry_run_comes_before_the_first_write(world: MakeWorld) -> None:
    here = world(*stuck("one"), *stuck("two"))
    here.apply(here.plan())
    bodies = [json.loads(r.body) for r in here.server.requests if r.method == "DELETE" and "/jobs/" in r.path]
    assert [bool(body.get("dryRun")) for body in bodies] == [True, True, False, False]


def test_what_is_touched_is_saved_where_only_the_user_can_read_it(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan())
    assert stat.S_IMODE(here.backup.stat().st_mode) == 0o700
    files = sorted(here.backup.iterdir())
    assert [file.name for file in files] == ["01_job_addons_helm-install-one.json", "journal.json"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert json.loads(files[0].read_text())["metadata"]["uid"] == "job-one"


def test_a_folder_that_is_there_keeps_its_mode_and_what_is_in_it(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.backup.mkdir()
    here.backup.chmod(0o755)
    (here.backup / "notes").write_text("mine")
    here.apply(here.plan())
    assert stat.S_IMODE(here.backup.stat().st_mode) == 0o755
    assert (here.backup / "notes").read_text() == "mine"
    assert stat.S_IMODE((here.backup / "journal.json").stat().st_mode) == 0o600


def test_an_absent_job_is_asked_for_with_an_annotation(world: MakeWorld) -> None:
    owner = addon("one", "job-missing")
    here = world(owner, chart_of(owner), controllers=False)

    def wake(review: Review) -> None:
        """helm-controller does nothing until somebody touches the chart."""
        if review.kind.plural == "helmcharts" and review.operation == "UPDATE" and not review.dry_run:
            here.server.controllers.running = True

    here.server.admission.append(wake)
    plan = here.plan()
    ended = here.apply(plan)
    assert ended.word == "converged"
    assert here.writes() == [("PATCH", path("helmcharts", "helm.cattle.io/v1", "one"))]


def test_toggle_disables_waits_and_enables_again(world: MakeWorld) -> None:
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, created=BEGAN_LATER, status={"failed": 1}))
    ended = here.apply(here.plan())
    assert ended.word == "converged", ended.messages
    assert here.writes() == [("PATCH", path("addons", "harvesterhci.io/v1beta1", "one"))] * 2
    assert status_of(here.addon("one")) == "AddonDeploySuccessful"
    assert states(here) == ["done", "done"]


def test_toggle_waits_for_a_controller_that_has_not_looked_yet(world: MakeWorld) -> None:
    """What it sees first after the write is the old failure: no reason to give up."""
    owner = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, created=BEGAN_LATER, status={"failed": 1}))
    here.server.controllers.delay = 5
    ended = here.apply(here.plan())
    assert ended.word == "converged", ended.messages


def test_settle_status_writes_the_status_and_nothing_else(world: MakeWorld) -> None:
    owner = addon("one", "failure-latched", InProgress="False", OperationFailed="True")
    owner["status"]["conditions"].append({"type": "Other", "status": "True", "message": "kept"})
    chart = chart_of(owner)
    here = world(owner, chart, *job_of(chart, created=BEGAN_LATER), release("addons", "one", 1), controllers=False)
    ended = here.apply(here.plan(force=True))
    assert ended.word == "converged", ended.messages
    assert here.writes() == [("PATCH", path("addons", "harvesterhci.io/v1beta1", "one") + "/status")]
    after = here.addon("one")
    assert status_of(after) == "AddonDeploySuccessful"
    assert conditions_of(after) == {
        "Completed": "True",
        "InProgress": "False",
        "OperationFailed": "False",
        "Other": "True",
    }
    assert {"type": "Other", "status": "True", "message": "kept"} in after["status"]["conditions"]
    assert after["spec"] == owner["spec"]


def test_settle_status_passes_where_the_webhook_refuses_every_edit(world: MakeWorld) -> None:
    owner = addon("one", "idle-operation", status="AddonDeploySuccessful")
    here = world(owner, chart_of(owner), release("addons", "one", 1), controllers=False)
    assert here.apply(here.plan(force=True)).word == "converged"
    assert conditions_of(here.addon("one"))["InProgress"] == "False"


def test_rebuild_uninstalls_and_creates_the_addon_anew_disabled(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    ended = here.apply(here.plan(strategy="rebuild", force=True))
    assert ended.word == "converged", ended.messages
    one = path("addons", "harvesterhci.io/v1beta1", "one")
    assert here.writes() == [("DELETE", one), ("POST", one.rpartition("/")[0])]
    made = here.addon("one")
    assert made["metadata"]["uid"] != "addon-one"
    assert made["spec"] == {**addon("one", "x")["spec"], "enabled": False}
    assert here.job("one") is None
    assert here.server.object("helmcharts", "helm.cattle.io", "addons", "one") is None
    assert not here.server.objects("secrets", "", "addons")  # the release was uninstalled
    sent = [json.loads(r.body) for r in here.server.requests if r.method == "POST" and r.path.endswith("/addons")]
    for body in sent:
        assert "status" not in body
        assert not {"uid", "resourceVersion"} & set(body["metadata"])


def test_rebuild_removes_a_foreign_chart_after_the_addon(world: MakeWorld) -> None:
    owner = addon("one", "helm-chart-foreign", status="", InProgress="False")
    chart = chart_of(owner, foreign=True)
    here = world(owner, chart, *job_of(chart))
    ended = here.apply(here.plan(force=True))
    assert ended.word == "converged", ended.messages
    one, chart_path = path("addons", "harvesterhci.io/v1beta1", "one"), path("helmcharts", "helm.cattle.io/v1", "one")
    assert here.writes() == [("DELETE", one), ("DELETE", chart_path), ("POST", one.rpartition("/")[0])]


def test_clean_leftovers_deletes_all_but_the_data(world: MakeWorld) -> None:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "helm-chart-left"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "addons", "labels": {"app.kubernetes.io/instance": "one"}},
    }
    releases = [release("addons", "one", number, "superseded") for number in (1, 10, 9)]
    here = world(owner, chart, *job_of(chart), claim, *releases, release("addons", "other", 1))
    plan = here.plan(force=True)
    assert [step.target.name for step in plan.steps] == [
        "one",
        "helm-install-one",
        "sh.helm.release.v1.one.v1",
        "sh.helm.release.v1.one.v9",
        "sh.helm.release.v1.one.v10",
    ]
    ended = here.apply(plan)
    assert ended.word == "converged", ended.messages
    assert [secret["metadata"]["name"] for secret in here.server.objects("secrets")] == ["sh.helm.release.v1.other.v1"]
    assert [one["metadata"]["name"] for one in here.server.objects("persistentvolumeclaims")] == ["data"]
    assert here.server.object("helmcharts", "helm.cattle.io", "addons", "one") is None


def test_nothing_is_written_when_the_question_is_answered_with_no(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.answer = False
    ended = here.apply(here.plan())
    assert (ended.word, ended.exit_code) == ("declined", 5)
    assert here.asked == [1]
    assert here.writes() == []
    assert states(here) == ["left"]


def test_the_lease_is_given_back(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    here.apply(here.plan())
    methods = [request.method for request in here.server.requests if "/leases" in request.path]
    assert [method for method in methods if method != "GET"] == ["POST", "DELETE"]
    assert here.server.objects("leases", "coordination.k8s.io") == []
