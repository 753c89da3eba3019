"""What is read of a healthy server: pages, versions, names, namespaces, metadata, kubelets."""

from datetime import UTC, datetime

import pytest

from preflight.api import Code, Reason
from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.errors import SourceError
from preflight.resources import Resource
from preflight.sources.live.reader import read
from tests.kube import KubeServer
from tests.kube.faults import Fail
from tests.sources.raw_server import Reply, raw_server


def pod(name, namespace="default", **more):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **more}}


def names(collected):
    return [obj["metadata"]["name"] for obj in collected.objects]


@pytest.fixture
def server():
    with KubeServer() as server:
        yield server


def reading(server, *needs, **options):
    options.setdefault("wait", lambda _seconds: None)
    return read(needs, Connection(server=server.url, token=getattr(server, "token", "t")), **options)


def test_all_pages_are_read_and_only_the_needed_fields_kept(server):
    server.put(
        *(pod(f"p{number}", annotations={"a": "1"}) | {"spec": {"nodeName": "n", "x": 1}} for number in range(7))
    )
    found = reading(server, need("pods", "spec.nodeName"), page_size=2).get("pods")
    assert names(found) == [f"p{number}" for number in range(7)]
    assert found.objects[0]["spec"] == {"nodeName": "n"}
    assert "annotations" not in found.objects[0]["metadata"]
    assert (found.objects[0]["apiVersion"], found.objects[0]["kind"]) == ("v1", "Pod")
    pages = [asked for asked in server.requests if asked.path == "/api/v1/pods"]
    assert len(pages) == 4
    assert {asked.query["limit"] for asked in pages} == {"2"}


def test_the_clock_is_the_servers(server):
    server.clock = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    server.freeze()
    source = reading(server, need("nodes")).source
    assert source.collected_at == datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (source.type, source.name, source.clock) == ("live", server.url, "the API server's Date header")


def test_a_clock_given_wins_and_without_any_there_is_no_answer():
    with raw_server(lambda _asked: Reply({"gitVersion": "v1"}, date=""), whole=True) as server:
        with pytest.raises(SourceError, match=r"no Date header.*--now"):
            reading(server, need("pods"))
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        source = reading(server, now=moment).source
        assert (source.collected_at, source.clock) == (moment, "given with --now")


def test_rows_of_several_namespaces_are_one_need(server):
    for namespace in ("kube-system", "harvester-system", "default"):
        server.put({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c", "namespace": namespace}})
    found = reading(server, need("configmaps/chart-content")).get("configmaps/chart-content")
    assert [obj["metadata"]["namespace"] for obj in found.objects] == ["harvester-system", "kube-system"]
    assert {obj["kind"] for obj in found.objects} == {"ConfigMap"}


def test_secrets_come_without_their_data(server):
    secret = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "sh.helm.release.v1.a.v1", "namespace": "x", "labels": {"owner": "helm"}},
        "data": {"release": "c2VjcmV0"},
    }
    other = {**secret, "metadata": {"name": "other", "namespace": "x"}}
    local = {**secret, "metadata": {"name": "local-kubeconfig", "namespace": "fleet-local"}}
    server.put(secret, other, local)
    inventory = reading(server, need("secrets/helm-releases"), need("secrets/local-kubeconfig"))
    assert names(inventory.get("secrets/helm-releases")) == ["sh.helm.release.v1.a.v1"]
    assert names(inventory.get("secrets/local-kubeconfig")) == ["local-kubeconfig"]
    for name in inventory.entries:
        assert all("data" not in obj and obj["kind"] == "Secret" for obj in inventory.get(name).objects)
    asked = [request for request in server.requests if "secrets" in request.path]
    assert len(asked) == 2
    assert all("as=PartialObjectMetadata" in request.headers["Accept"] for request in asked)


def test_a_named_object_that_is_not_there_is_none(server):
    found = reading(server, need("endpoints")).get("endpoints")
    assert (found.objects, found.missing, found.gaps) == ((), None, ())


def test_a_name_without_a_namespace_is_looked_for_everywhere(server):
    server.put(pod("wanted", "one"), pod("wanted", "two"), pod("other", "one"))
    row = Resource("pods/wanted", "", "v1", "pods", "Pod", names=("wanted",))
    found = reading(server, need(row)).get("pods/wanted")
    assert [obj["metadata"]["namespace"] for obj in found.objects] == ["one", "two"]


def test_a_group_that_is_not_there_is_missing_or_empty_as_declared(server):
    absent = Resource("things.example.com", "example.com", "v1", "things", "Thing")
    optional = Resource("gadgets.example.com", "example.com", "v1", "gadgets", "Gadget")
    inventory = reading(server, need(absent), need(optional, unserved_is_empty=True))
    assert str(inventory.get("things.example.com").missing).startswith("not-served: ")
    assert inventory.get("gadgets.example.com").missing is None
    assert not [asked for asked in server.requests if "example.com" in asked.path]


def test_a_kind_missing_from_a_group_that_is_there_is_not_served(server):
    row = Resource("relics.harvesterhci.io", "harvesterhci.io", "v1beta1", "relics", "Relic")
    found = reading(server, need(row)).get("relics.harvesterhci.io")
    assert str(found.missing) == "not-served: the cluster's API group harvesterhci.io has no relics"


def aggregated(*versions, stale=False):
    entries = [
        {"version": version, "freshness": "Stale", "resources": []}
        if stale
        else {"version": version, "freshness": "Current", "resources": [{"resource": "machines"}]}
        for version in versions
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "items": [{"metadata": {"name": "cluster.x-k8s.io"}, "versions": entries}],
    }


@pytest.mark.parametrize(
    ("versions", "read_version"), [(("v1beta2", "v1beta1"), "v1beta1"), (("v1beta2", "v1"), "v1beta2")]
)
def test_the_version_the_checks_were_written_for_goes_before_the_preferred_one(versions, read_version):
    def answer(asked):
        return Reply(aggregated(*versions) if asked.path == "/apis" else {"items": [{"metadata": {"name": "m"}}]})

    with raw_server(answer) as server:
        found = reading(server, need("machines.cluster.x-k8s.io")).get("machines.cluster.x-k8s.io")
        assert found.objects[0]["apiVersion"] == f"cluster.x-k8s.io/{read_version}"
        assert server.paths()[2].startswith(f"/apis/cluster.x-k8s.io/{read_version}/namespaces/fleet-local/machines?")
        assert server.paths()[:2] == ["/version", "/apis"]


def test_a_group_whose_server_did_not_answer_discovery_is_not_absent():
    def answer(asked):
        if asked.path == "/apis":
            return Reply(aggregated("v1beta1", stale=True))
        return Reply({"kind": "Status", "message": "no endpoints"}, 503)

    with raw_server(answer) as server:
        found = reading(server, need("machines.cluster.x-k8s.io", unserved_is_empty=True))
        assert str(found.get("machines.cluster.x-k8s.io").missing).startswith("unreachable: ")


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"kind": "Status", "message": "no"}, 403),
        Reply({}),
        Reply(b"no json"),
        Reply({"kind": "APIGroupDiscoveryList"}),
        Reply({"kind": "APIGroupList", "groups": "none"}),
        Reply({"kind": "APIGroupDiscoveryList", "items": [7]}),
    ],
)
def test_discovery_that_failed_makes_no_group_absent(reply):
    def answer(asked):
        return reply if asked.path == "/apis" else Reply(b"404 page not found\n", 404)

    with raw_server(answer) as server:
        inventory = reading(server, need("machines.cluster.x-k8s.io", unserved_is_empty=True), need("jobs.batch"))
        assert str(inventory.get("machines.cluster.x-k8s.io").missing).startswith("not-served: ")
        assert str(inventory.get("jobs.batch").missing).startswith("not-served: ")
        assert "could not be listed" in " ".join(inventory.source.notes)


def test_items_that_are_no_objects_are_a_gap():
    with raw_server(lambda _asked: Reply({"items": [{"metadata": {"name": "a"}}, 7, None]})) as server:
        found = reading(server, need("pods")).get("pods")
    assert names(found) == ["a"]
    assert found.gaps == (Reason(Code.UNPARSABLE, "2 entries of the list of pods are no objects"),)


def test_compressed_answers_are_read():
    import gzip

    body = gzip.compress(b'{"items": [{"metadata": {"name": "packed"}}]}')
    with raw_server(lambda _asked: Reply(body, headers={"Content-Encoding": "gzip"})) as server:
        assert names(reading(server, need("pods")).get("pods")) == ["packed"]
        assert server.asked[-1].headers["Accept-Encoding"] == "gzip"


def test_what_only_the_node_shows_is_said(server):
    found = reading(server, need("nodes/files")).get("nodes/files")
    assert str(found.missing).startswith("node-only: ")


def node(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def test_kubelets_are_asked_once_each_and_a_silent_one_is_a_gap(server):
    server.put(node("n1"), node("n2"))
    server.kubelets["n1"] = {"summary": {"node": {"fs": {"usedBytes": 5, "inodes": 1}}}}
    found = reading(server, need("nodes/stats-summary", "node.fs.usedBytes")).get("nodes/stats-summary")
    assert [dict(obj) for obj in found.objects] == [
        {
            "apiVersion": "v1",
            "kind": "NodeStatsSummary",
            "metadata": {"name": "n1"},
            "node": {"fs": {"usedBytes": 5}},
        }
    ]
    assert len(found.gaps) == 1
    assert str(found.gaps[0]).startswith("unreachable: ")
    assert found.gaps[0].node == "n2"
    assert len([asked for asked in server.requests if "n2/proxy" in asked.path]) == 1


def test_kubelets_that_may_not_be_asked_are_one_sentence(server):
    server.put(node("n1"), node("n2"))
    server.allow = {("list", "", "nodes")}
    found = reading(server, need("nodes"), need("nodes/configz")).get("nodes/configz")
    assert str(found.missing).startswith("forbidden: cannot get nodes/proxy, by which kubelets are asked: ")
    assert found.gaps == ()


def test_kubelets_are_unknown_when_the_nodes_are(server):
    server.allow = set()
    found = reading(server, need("nodes/configz")).get("nodes/configz")
    assert str(found.missing).startswith("forbidden: cannot list nodes: ")


def test_progress_names_what_was_read(server):
    told = []
    reading(server, need("nodes"), need("pods"), progress=told.append)
    assert told[0] == "connecting"
    assert told[-1].startswith("2 of 2 lists: ")


def test_the_garbage_collector_is_on_again_afterwards(server):
    import gc

    reading(server, need("nodes"))
    assert gc.isenabled()


def test_a_server_that_tells_no_version_is_read_all_the_same(server):
    server.put(pod("p"))
    server.faults.on(
        Fail(404, "the server could not find the requested resource", "NotFound"), path=r"^/version", times=None
    )
    assert names(reading(server, need("pods")).get("pods")) == ["p"]
