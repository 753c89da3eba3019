"""The controllers' stand-ins: what they do to Addons must be what Harvester does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kube import KubeServer, Outcome
from tests.kube.client import Client
from tests.kube.fixtures import Factory, any_server, kube_server, real_server  # noqa: F401
from tests.kube.objects import condition
from tests.kube.realapi import RealServer

NS = "logging-system"
ADDON = ("addons", "harvesterhci.io", NS, "logging")
CHART = ("helmcharts", "helm.cattle.io", NS, "logging")
INSTALL = ("jobs", "batch", NS, "helm-install-logging")
JOB_PATH = f"/apis/batch/v1/namespaces/{NS}/jobs/helm-install-logging"
ADDON_PATH = f"/apis/harvesterhci.io/v1beta1/namespaces/{NS}/addons/logging"


def addon(*, enabled: bool = True, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Addon",
        "metadata": {"name": "logging", "namespace": NS, "uid": "a0000000-0000-4000-8000-000000000000"},
        "spec": {"chart": "rancher-logging", "repo": "http://repo", "version": "1.0.0", "enabled": enabled},
        "status": status,
    }


def status(server: KubeServer | RealServer) -> str:
    found = server.object(*ADDON)
    assert found is not None
    return str((found.get("status") or {}).get("status", ""))


def is_true(server: KubeServer | RealServer, name: str) -> bool:
    found = server.object(*ADDON)
    assert found is not None
    return condition(found, name).get("status") == "True"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Callable[[KubeServer | RealServer], Client]]:
    made: list[Client] = []

    def connect(server: KubeServer | RealServer) -> Client:
        made.append(Client(server.kubeconfig(tmp_path)))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def test_an_enabled_addon_becomes_successful_and_then_rests(any_server: Factory) -> None:  # noqa: F811
    server = any_server([addon()])
    server.tick()
    assert status(server) == "AddonEnabling"
    assert is_true(server, "InProgress")
    server.tick(3)
    assert status(server) == "AddonDeploySuccessful"
    assert is_true(server, "Completed")
    assert not is_true(server, "InProgress")
    releases = [one["metadata"]["name"] for one in server.objects("secrets", "", NS)]
    assert releases == ["sh.helm.release.v1.logging.v1"]
    before = server.objects("addons", "harvesterhci.io"), server.objects("jobs", "batch"), server.objects("pods")
    server.tick(3)
    assert before == (
        server.objects("addons", "harvesterhci.io"),
        server.objects("jobs", "batch"),
        server.objects("pods"),
    )


def test_requests_drive_the_controllers_only_when_asked_to(kube_server: Factory, client: Any) -> None:  # noqa: F811
    for controllers, expected in ((False, ""), (True, "AddonDeploySuccessful")):
        server = kube_server([addon()], controllers=controllers)
        connection = client(server)
        for _ in range(3):
            connection.get(ADDON_PATH)
        assert status(server) == expected


def test_a_clock_ahead_makes_the_addon_stick_and_a_new_job_frees_it(kube_server: Factory, client: Any) -> None:  # noqa: F811
    server = kube_server([addon()], controllers=True)
    server.controllers.skew = timedelta(seconds=15)
    server.tick(10)
    assert status(server) == "AddonEnabling"
    first = server.object(*INSTALL)
    assert first is not None
    assert first["status"]["succeeded"] == 1
    server.tick(10)
    assert status(server) == "AddonEnabling"
    connection = client(server)
    path = f"/apis/batch/v1/namespaces/{NS}/jobs/helm-install-logging"
    assert connection.delete(path, propagationPolicy="Background").status == 200
    assert server.object(*INSTALL) is None
    assert server.objects("pods") == []
    connection.get("/version")
    second = server.object(*INSTALL)
    assert second is not None
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    connection.get("/version")
    assert status(server) == "AddonDeploySuccessful"
    assert len(server.objects("helmcharts", "helm.cattle.io")) == 1


def test_the_controllers_may_be_slow(kube_server: Factory, client: Any) -> None:  # noqa: F811
    server = kube_server([addon()], controllers=True)
    server.tick(5)
    server.controllers.delay = 3
    connection = client(server)
    connection.delete(JOB_PATH, propagationPolicy="Background")
    seen = []
    for _ in range(4):
        connection.get("/version")
        seen.append(server.object(*INSTALL) is not None)
    assert seen == [False, False, True, True]


@pytest.mark.parametrize(
    ("outcome", "phase", "failed"),
    [(Outcome.NEVER, "Running", False), (Outcome.IMAGE_PULL, "Pending", False), (Outcome.FAIL, "Failed", True)],
)
def test_jobs_that_do_not_succeed(any_server: Factory, outcome: Outcome, phase: str, failed: bool) -> None:  # noqa: F811
    server = any_server([addon()])
    server.controllers.outcomes["helm-install-logging"] = outcome
    server.tick(6)
    assert status(server) == "AddonEnabling"
    assert is_true(server, "OperationFailed") is failed
    assert is_true(server, "InProgress") is not failed
    assert [pod["status"]["phase"] for pod in server.objects("pods", "", NS)] == [phase]
    job = server.object(*INSTALL)
    assert job is not None
    assert condition(job, "Failed").get("reason") == ("BackoffLimitExceeded" if failed else None)
    if not failed:
        server.controllers.outcomes.clear()
        server.tick(2)
        assert status(server) == "AddonDeploySuccessful"


def test_a_failed_addon_moves_again_only_by_way_of_disabled(any_server: Factory, client: Any) -> None:  # noqa: F811
    server = any_server([addon()])
    server.controllers.outcomes["helm-install-logging"] = Outcome.FAIL
    server.tick(4)
    server.controllers.outcomes.clear()
    server.tick(4)
    assert is_true(server, "OperationFailed")
    connection = client(server)
    assert connection.patch(ADDON_PATH, {"spec": {"enabled": False}}).status == 200
    server.tick()
    assert status(server) == "AddonDisabling"
    server.tick(6)
    assert status(server) == "AddonDisabled"
    assert server.object(*CHART) is None
    assert server.objects("jobs", "batch", NS) == []
    assert connection.patch(ADDON_PATH, {"spec": {"enabled": True}}).status == 200
    server.tick(4)
    assert status(server) == "AddonDeploySuccessful"
    assert not is_true(server, "OperationFailed")


def test_disabling_waits_for_the_operation_in_progress(kube_server: Factory) -> None:  # noqa: F811
    running = {"type": "InProgress", "status": "True", "lastUpdateTime": "2026-11-23T18:42:44Z"}
    server = kube_server([addon(enabled=False, status="AddonDeploySuccessful", conditions=[running])])
    server.tick(5)
    assert status(server) == "AddonDeploySuccessful"
    running["status"] = "False"
    server.put(addon(enabled=False, status="AddonDeploySuccessful", conditions=[running]))
    server.tick(5)
    assert status(server) == "AddonDisabled"


def test_a_delete_job_of_an_earlier_life_does_not_count(kube_server: Factory) -> None:  # noqa: F811
    def job(created: str) -> dict[str, Any]:
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "helm-delete-logging", "namespace": NS, "creationTimestamp": created},
            "status": {"succeeded": 1, "completionTime": created},
        }

    chart = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {
            "name": "logging",
            "namespace": NS,
            "finalizers": ["somebody/else"],
            "deletionTimestamp": "2026-11-23T18:00:00Z",
        },
        "status": {"jobName": "helm-delete-logging"},
    }
    server = kube_server([addon(enabled=False, status="AddonDisabling"), chart, job("2026-11-23T17:59:59Z")])
    server.tick(3)
    assert status(server) == "AddonDisabling"
    server.put(job("2026-11-23T18:00:00Z"))
    server.tick()
    assert status(server) == "AddonDisabled"


def test_a_chart_of_somebody_else_blocks_for_ever(any_server: Factory) -> None:  # noqa: F811
    chart = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": "logging", "namespace": NS},
        "spec": {"chart": "other"},
    }
    server = any_server([addon(), chart])
    server.tick(6)
    assert status(server) == ""
    assert not is_true(server, "InProgress")


def test_deleting_the_addon_uninstalls_it(any_server: Factory, client: Any) -> None:  # noqa: F811
    server = any_server([addon()])
    server.tick(4)
    assert client(server).delete(ADDON_PATH).status == 200
    server.tick()
    chart = server.object(*CHART)
    assert chart is not None
    assert chart["metadata"]["deletionTimestamp"]
    server.tick(6)
    assert server.object(*CHART) is None
    assert server.objects("secrets", "", NS) == []
    assert server.objects("pods", "", NS) == []


def test_a_lost_chart_is_made_anew(any_server: Factory) -> None:  # noqa: F811
    waiting = {"type": "InProgress", "status": "True", "lastUpdateTime": "2020-01-01T00:00:00Z"}
    server = any_server([addon(status="AddonEnabling", conditions=[waiting])])
    server.tick()
    assert status(server) == "AddonDisabled"
    server.tick(4)
    assert status(server) == "AddonDeploySuccessful"


def test_jobs_a_fixture_brings_are_left_alone(kube_server: Factory) -> None:  # noqa: F811
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "backup", "namespace": NS},
        "status": {"active": 1},
    }
    server = kube_server([job])
    server.tick(5)
    assert server.objects("jobs", "batch")[0]["status"] == {"active": 1}
