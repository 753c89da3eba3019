"""How a real API server is started, filled and driven, shown on stand-ins: the binaries are seldom at hand."""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kube import Review, webhook
from tests.kube.admission import Denial
from tests.kube.client import Client
from tests.kube.controllers import Controllers
from tests.kube.fixtures import Factory, kube_server  # noqa: F401
from tests.kube.jobs import acceptable
from tests.kube.objects import condition, created, parse_time
from tests.kube.planting import custom_resource_definitions, plant
from tests.kube.realapi import ControlPlane, RealServer, control_plane
from tests.kube.remote import HttpCluster, sweep
from tests.kube.resources import DEFAULT_RESOURCES
from tests.kube.server import KubeServer
from tests.kube.test_controllers import ADDON, ADDON_PATH, CHART, INSTALL, NS, addon, status
from tests.kube.tls import Certificates

ROOT = Path(__file__).resolve().parent.parent.parent

ETCD = """#!{python}
import http.server, sys
flags = dict(flag.lstrip("-").partition("=")[::2] for flag in sys.argv[1:])
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = int(flags["listen-client-urls"].rpartition(":")[2])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
APISERVER = """#!{python}
import pathlib, signal, ssl, sys, threading
sys.path.insert(0, {root!r})
from tests.kube import KubeServer
flags = dict(flag.lstrip("-").split("=", 1) for flag in sys.argv[1:])
token, user, *_ = pathlib.Path(flags["token-auth-file"]).read_text().split(",")
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
class Given:
    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(flags["tls-cert-file"], flags["tls-private-key-file"])
        return context
server = KubeServer(token=token, user=user, port=int(flags["secure-port"]))
server.certificates = Given()
with server:
    stop.wait()
"""


def program(path: Path, text: str) -> None:
    path.write_text(text.format(python=sys.executable, root=str(ROOT)), encoding="utf-8")
    path.chmod(0o700)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    program(folder / "etcd", ETCD)
    program(folder / "kube-apiserver", APISERVER)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(folder))
    return folder


def test_a_control_plane_is_started_filled_driven_and_emptied(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "plane").mkdir()
    planes = control_plane(tmp_path / "plane")
    plane = next(planes)
    with RealServer(plane) as server:
        server.put(addon())
        server.tick(4)
        found, chart = server.object(*ADDON), server.object(*CHART)
        assert found is not None
        assert chart is not None
        assert found["status"]["status"] == "AddonDeploySuccessful"
        assert found["metadata"]["uid"] != addon()["metadata"]["uid"]
        assert chart["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]
        crds = server.objects("customresourcedefinitions", "apiextensions.k8s.io")
        assert "addons.harvesterhci.io" in [crd["metadata"]["name"] for crd in crds]
    with RealServer(plane, controllers=True) as server:
        assert server.object(*ADDON) is None
        assert server.object(*INSTALL) is None
        server.put(addon())
        server.wait_for(lambda server: status(server) == "AddonDeploySuccessful")
    with pytest.raises(StopIteration):
        next(planes)


def test_a_program_that_ends_at_once_is_an_error_with_its_log(assets: Path, tmp_path: Path) -> None:
    program(assets / "kube-apiserver", "#!{python}\nimport sys\nsys.exit('unknown flag: --secure-port')\n")
    (tmp_path / "plane").mkdir()
    with pytest.raises(RuntimeError, match="unknown flag: --secure-port"):
        ControlPlane(assets, tmp_path / "plane").__enter__()


def test_a_port_taken_meanwhile_is_no_failure(assets: Path, tmp_path: Path) -> None:
    busy = (
        "#!{python}\nimport os, pathlib, sys\nhere = pathlib.Path(sys.argv[0])\n"
        "if not here.with_name('tried').exists():\n"
        "    here.with_name('tried').touch()\n"
        "    sys.exit('listen tcp 127.0.0.1:1: bind: address already in use')\n"
        "os.execv(str(here.with_name('second')), sys.argv)\n"
    )
    (assets / "kube-apiserver").rename(assets / "second")
    program(assets / "kube-apiserver", busy)
    (tmp_path / "plane").mkdir()
    with ControlPlane(assets, tmp_path / "plane") as plane:
        assert (assets / "tried").exists()
        client = Client(plane.kubeconfig(tmp_path))
        assert client.get("/version").status == 200
        client.close()


def test_what_a_real_server_says_of_a_finished_job_is_said() -> None:
    when = "2026-11-23T18:40:00Z"
    full = acceptable({"succeeded": 1, "active": 1, "completionTime": when}, heralded=True)
    assert [entry["type"] for entry in full["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert (full["startTime"], full["completionTime"]) == (when, when)
    assert "active" not in full
    failed = {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": when}]}
    full = acceptable(failed, heralded=True)
    assert [entry["type"] for entry in full["conditions"]] == ["FailureTarget", "Failed"]
    assert full["startTime"] == when
    assert [entry["type"] for entry in acceptable(full, heralded=False)["conditions"]] == ["Failed"]
    running = {"active": 1, "startTime": when}
    assert acceptable(running, heralded=True) == running


def test_a_missing_program_is_an_error_and_not_a_skip(assets: Path, tmp_path: Path) -> None:
    (assets / "etcd").unlink()
    with pytest.raises(pytest.fail.Exception, match="no etcd in it"):
        next(control_plane(tmp_path))


def test_without_the_variable_the_test_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="KUBEBUILDER_ASSETS is not set"):
        next(control_plane(tmp_path))


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[KubeServer], Client]]:
    made: list[Client] = []

    def start(server: KubeServer) -> Client:
        made.append(Client(server.kubeconfig(tmp_path, name=f"kubeconfig-{len(made)}")))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_same_controllers_work_over_http(kube_server: Factory, connect: Any) -> None:  # noqa: F811
    server = kube_server()
    cluster = HttpCluster(connect(server))
    custom_resource_definitions(cluster)
    uids: dict[str, str] = {}
    plant(cluster, [addon()], uids)
    stored = server.object(*ADDON)
    assert stored is not None
    assert uids == {"a0000000-0000-4000-8000-000000000000": stored["metadata"]["uid"]}
    controllers = Controllers(cluster)
    for _ in range(4):
        sweep(cluster)
        controllers.step()
    assert status(server) == "AddonDeploySuccessful"
    connect(server).delete(ADDON_PATH, propagationPolicy="Orphan")
    server.put({**server.objects("pods")[0], "metadata": _orphan()})
    sweep(cluster)
    assert "orphan" not in [pod["metadata"]["name"] for pod in server.objects("pods")]


def _orphan() -> dict[str, Any]:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "gone", "uid": "gone"}
    return {"name": "orphan", "namespace": NS, "ownerReferences": [owner]}


@pytest.mark.parametrize(("finalizer", "left"), [("orphan", ["child"]), ("foregroundDeletion", [])])
def test_the_sweep_ends_deletions_that_wait_for_it(
    kube_server: Factory,  # noqa: F811
    connect: Any,
    finalizer: str,
    left: list[str],
) -> None:
    parent = {"name": "parent", "namespace": NS, "uid": "u", "finalizers": [finalizer]}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "parent", "uid": "u"}
    child = {"name": "child", "namespace": NS, "ownerReferences": [owner]}
    server = kube_server(
        [
            {"apiVersion": "v1", "kind": "Pod", "metadata": child},
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {**parent, "deletionTimestamp": "2026-11-23T18:00:00Z"},
            },
        ]
    )
    daemon_set = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "not planted"}
    metadata = {"name": "agent", "namespace": NS, "ownerReferences": [daemon_set]}
    server.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    sweep(HttpCluster(connect(server)))
    assert server.objects("jobs", "batch") == []
    assert server.remove("pods", name="agent") == 1
    assert [pod["metadata"]["name"] for pod in server.objects("pods")] == left


def test_planted_references_follow_the_new_uids(kube_server: Factory, connect: Any) -> None:  # noqa: F811
    source = kube_server([addon()])
    source.tick(4)
    rows = (("pods", ""), ("jobs", "batch"), ("helmcharts", "helm.cattle.io"), ("addons", "harvesterhci.io"))
    objects = {"apiVersion": "v1", "kind": "List", "items": [one for row in rows for one in source.objects(*row)]}
    target = kube_server()
    plant(HttpCluster(connect(target)), [objects], {})
    for dependent, owner in ((("pods", ""), INSTALL), (INSTALL[:2], CHART), (CHART[:2], ADDON)):
        child, parent = target.objects(*dependent)[0], target.object(*owner)
        assert parent is not None
        assert child["metadata"]["ownerReferences"][0]["uid"] == parent["metadata"]["uid"]
        assert parent["metadata"]["uid"] != (source.object(*owner) or parent)["metadata"]["uid"]
    job = target.object(*INSTALL)
    assert job is not None
    selector = {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
    assert job["spec"]["selector"]["matchLabels"] == selector
    pod = target.objects("pods")[0]
    assert pod["metadata"]["labels"]["controller-uid"] == pod["metadata"]["ownerReferences"][0]["uid"]
    assert pod["status"]["phase"] == source.objects("pods")[0]["status"]["phase"]
    assert status(target) == "AddonDeploySuccessful"


def test_planted_times_lie_before_and_after_the_jobs_as_they_did(kube_server: Factory, connect: Any) -> None:  # noqa: F811
    def job(name: str, made: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": NS, "creationTimestamp": made}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {}}}

    times = {"InProgress": "2020-01-01T00:07:00Z", "Other": "2020-01-01T00:00:30Z"}
    conditions = [{"type": kind, "status": "True", "lastUpdateTime": when} for kind, when in times.items()]
    server = kube_server()
    cluster = HttpCluster(connect(server))
    objects = [addon(conditions=conditions), job("old", "2020-01-01T00:00:00Z"), job("young", "2020-01-01T00:01:00Z")]
    plant(cluster, objects, {})
    made = created(server.object("jobs", "batch", NS, "young") or {})
    found = server.object(*ADDON) or {}
    begun, other = (parse_time(condition(found, kind)["lastUpdateTime"]) for kind in times)
    assert begun == made + timedelta(seconds=1)
    assert other == made - timedelta(seconds=30)
    assert cluster.now() >= made + timedelta(seconds=1)


def test_the_webhook_answers_reviews_over_https(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    serving = webhook.serve(certificates, lambda request: Denial("no") if request["name"] == "bad" else None)
    try:
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            serving.server_port,
            context=ssl.create_default_context(cafile=str(certificates.ca)),
            timeout=10,
        )
        answers = {}
        for name in ("bad", "good"):
            body = json.dumps({"kind": "AdmissionReview", "request": {"uid": name, "name": name}})
            connection.request("POST", "/validate", body, {"Content-Type": "application/json"})
            answers[name] = json.loads(connection.getresponse().read())["response"]
            connection.close()
    finally:
        webhook.end(serving)
    assert answers["good"] == {"uid": "good", "allowed": True}
    assert answers["bad"]["status"] == {"message": "no", "code": 400, "reason": "BadRequest"}


def test_the_webhook_is_registered_until_it_stops(kube_server: Factory, tmp_path: Path) -> None:  # noqa: F811
    """The stand-in for an API server never asks it, and is asked itself whether it does."""
    server = kube_server(resources=(*DEFAULT_RESOURCES, webhook.KIND))
    asked = []

    def heed(review: Review) -> str | None:
        asked.append(review.name)
        registered = server.objects("validatingwebhookconfigurations", "admissionregistration.k8s.io")
        return "it is asked" if review.name == "webhook-probe" and registered else None

    server.admission.append(heed)
    there = webhook.Webhook(tmp_path, lambda name: server.kubeconfig(tmp_path, name=name))
    there.start()
    (made,) = server.objects("validatingwebhookconfigurations", "admissionregistration.k8s.io")
    assert made["webhooks"][0]["clientConfig"]["url"].startswith("https://127.0.0.1:")
    there.stop()
    assert server.objects("validatingwebhookconfigurations", "admissionregistration.k8s.io") == []
    assert asked
