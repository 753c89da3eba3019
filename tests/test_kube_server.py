"""The test server itself, through the real kubernetes package: what the other tests rely on must be true."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3.exceptions

from tests.kube import Call, Drip, Fail, Garbage, KubeServer, Reset, Stall, Truncate, rules_of
from tests.kube.admission import refuse_unsettled_addons
from tests.kube.client import Client
from tests.kube.fixtures import kube_server as kube_server
from tests.kube.resources import DEFAULT_RESOURCES, Kind
from tests.kube.watching import Watch

NS = "/api/v1/namespaces/default"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
ADDONS = "/apis/harvesterhci.io/v1beta1/namespaces/default/addons"

Connect = Callable[..., tuple[KubeServer, Client]]


@pytest.fixture
def connect(kube_server: Callable[..., KubeServer], tmp_path: Path) -> Iterator[Connect]:
    clients = []

    def start(*objects: dict[str, Any], **options: Any) -> tuple[KubeServer, Client]:
        server = kube_server(objects, **options)
        clients.append(Client(server.kubeconfig(tmp_path)))
        return server, clients[-1]

    yield start
    for client in clients:
        client.close()


def pod(name: str, namespace: str = "default", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **metadata}}


def job(name: str = "job", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "status": {"succeeded": 1},
    }


def addon(name: str = "logging", *, in_progress: bool = False, **metadata: Any) -> dict[str, Any]:
    condition = {"type": "InProgress", "status": str(in_progress), "lastUpdateTime": "2026-11-23T18:42:44Z"}
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Addon",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"chart": name, "enabled": True},
        "status": {"status": "AddonEnabling", "conditions": [condition]},
    }


def names(reply: Any) -> list[str]:
    return [item["metadata"]["name"] for item in reply.json["items"]]


# -- discovery, reading ------------------------------------------------------------------------------------------


def test_discovery_names_groups_versions_scope_and_subresources(connect: Connect) -> None:
    server, client = connect()
    assert client.get("/version").json["gitVersion"] == server.api.version["gitVersion"]
    groups = {group["name"]: group for group in client.get("/apis").json["groups"]}
    assert groups["longhorn.io"]["preferredVersion"] == {"groupVersion": "longhorn.io/v1beta2", "version": "v1beta2"}
    served = {entry["name"]: entry for entry in client.get("/apis/harvesterhci.io/v1beta1").json["resources"]}
    assert served["addons"]["namespaced"]
    assert not served["settings"]["namespaced"]
    assert "addons/status" in served
    assert "settings/status" not in served
    assert client.get("/api/v1").json["groupVersion"] == "v1"


def test_a_group_that_is_not_served_is_a_bare_404(connect: Connect) -> None:
    server, client = connect()
    assert client.get("/apis/longhorn.io/v1beta2/volumes").status == 200
    server.kinds.remove("longhorn.io")
    for path in ("/apis/longhorn.io", "/apis/longhorn.io/v1beta2", "/apis/longhorn.io/v1beta2/volumes"):
        reply = client.get(path)
        assert (reply.status, reply.body) == (404, b"404 page not found\n")
    assert "longhorn.io" not in client.get("/apis").body.decode()


@pytest.mark.parametrize("kind", DEFAULT_RESOURCES[:-1], ids=lambda kind: str(kind.resource))
def test_every_kind_can_be_listed(every_kind: Client, kind: Kind) -> None:
    reply = every_kind.get(f"/apis/{kind.api_version}/{kind.plural}" if kind.group else f"/api/v1/{kind.plural}")
    assert (reply.status, reply.json["kind"]) == (200, f"{kind.kind}List")
    assert names(reply) == ["one"]


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    objects = [
        {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "one"}}
        for kind in DEFAULT_RESOURCES[:-1]
    ]
    with KubeServer(objects) as server:
        client = Client(server.kubeconfig(tmp_path_factory.mktemp("every-kind")))
        yield client
        client.close()


def test_an_absent_object_is_a_404_with_a_status(connect: Connect) -> None:
    _, client = connect()
    reply = client.get(f"{ADDONS}/x")
    assert reply.status == 404
    assert reply.json["kind"] == "Status"
    assert reply.json["reason"] == "NotFound"
    assert reply.json["message"] == 'addons.harvesterhci.io "x" not found'
    assert reply.json["details"] == {"name": "x", "group": "harvesterhci.io", "kind": "addons"}


def test_pages_belong_to_one_moment_though_objects_go_between_them(connect: Connect) -> None:
    server, client = connect(*(pod(f"p{number}") for number in range(5)))
    first = client.get("/api/v1/pods", limit=2)
    assert first.json["metadata"]["remainingItemCount"] == 3
    server.remove("pods", name="p3")
    token = first.json["metadata"]["continue"]
    second = client.get("/api/v1/pods", **{"limit": 2, "continue": token})
    third = client.get("/api/v1/pods", **{"limit": 2, "continue": second.json["metadata"]["continue"]})
    assert [*names(first), *names(second), *names(third)] == ["p0", "p1", "p2", "p3", "p4"]
    assert "continue" not in third.json["metadata"]
    assert first.json["metadata"]["resourceVersion"] == third.json["metadata"]["resourceVersion"]
    assert names(client.get("/api/v1/pods")) == ["p0", "p1", "p2", "p4"]


def test_the_server_may_give_smaller_pages_than_asked_for_but_pages_only_on_request(connect: Connect) -> None:
    _, client = connect(pod("a"), pod("b"), pod("c"), page_size=2)
    assert names(client.get("/api/v1/pods", limit=500)) == ["a", "b"]
    assert names(client.get("/api/v1/pods")) == ["a", "b", "c"]


def test_an_expired_continue_token_is_410_and_brings_an_inconsistent_one(connect: Connect) -> None:
    server, client = connect(pod("a"), pod("b"), pod("c"))
    token = client.get("/api/v1/pods", limit=1).json["metadata"]["continue"]
    server.expire_lists()
    server.remove("pods", name="b")
    reply = client.get("/api/v1/pods", **{"limit": 1, "continue": token})
    assert (reply.status, reply.json["reason"]) == (410, "Expired")
    again = client.get("/api/v1/pods", **{"continue": reply.json["metadata"]["continue"]})
    assert names(again) == ["c"]
    assert client.get("/api/v1/pods", **{"continue": "nonsense"}).status == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"labelSelector": "app=x"}, ["a"]),
        ({"labelSelector": "app!=x"}, ["b", "c"]),
        ({"labelSelector": "app in (x, y),tier"}, ["b"]),
        ({"labelSelector": "app notin (x)"}, ["b", "c"]),
        ({"labelSelector": "!app"}, ["c"]),
        ({"fieldSelector": "metadata.name=b"}, ["b"]),
        ({"fieldSelector": "metadata.namespace!=default"}, ["c"]),
    ],
)
def test_selectors(connect: Connect, query: dict[str, str], found: list[str]) -> None:
    labels_b = {"app": "y", "tier": "1"}
    _, client = connect(pod("a", labels={"app": "x"}), pod("b", labels=labels_b), pod("c", namespace="other"))
    assert names(client.get("/api/v1/pods", **query)) == found


def test_a_custom_kind_knows_few_field_selectors(connect: Connect) -> None:
    _, client = connect(addon())
    assert names(client.get(ADDONS, fieldSelector="metadata.name=logging")) == ["logging"]
    assert client.get(ADDONS, fieldSelector="spec.chart=logging").status == 400


def test_items_of_built_in_kinds_come_without_kind_those_of_custom_kinds_with_it(connect: Connect) -> None:
    _, client = connect(pod("a"), addon())
    assert "kind" not in client.get("/api/v1/pods").json["items"][0]
    assert client.get(ADDONS).json["items"][0]["kind"] == "Addon"
    assert client.get(f"{NS}/pods/a").json["kind"] == "Pod"


def test_metadata_only(connect: Connect) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}
    _, client = connect(secret)
    accept = {
        "Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json;"
        "as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    }
    listed = client.request("GET", "/api/v1/secrets", headers=accept)
    assert listed.json["kind"] == "PartialObjectMetadataList"
    assert listed.json["items"][0]["kind"] == "PartialObjectMetadata"
    assert client.request("GET", f"{NS}/secrets/s", headers=accept).json["metadata"]["name"] == "s"
    assert b"aHVud" not in listed.body
    assert b"aHVud" in client.get("/api/v1/secrets").body


def test_a_watch_tells_what_is_and_what_happens(connect: Connect) -> None:
    server, client = connect(pod("a"), pod("x", namespace="other"), addon())
    server.faults.on(Call(lambda server: server.put(pod("b", labels={"late": "yes"}))), path="watch=1")
    reply = client.get(f"{NS}/pods", watch=1, timeoutSeconds=1)
    events = [json.loads(line) for line in reply.body.splitlines()]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
    ]
    version = events[0]["object"]["metadata"]["resourceVersion"]
    server.remove("pods", name="b")
    reply = client.get("/api/v1/pods", watch="true", timeoutSeconds=1, labelSelector="late", resourceVersion=version)
    assert [json.loads(line)["type"] for line in reply.body.splitlines()] == ["ADDED", "DELETED"]


def test_what_happens_before_a_watch_has_spoken_is_told_once(connect: Connect) -> None:
    server, _ = connect(pod("a"))
    watch = Watch(server.api.store, DEFAULT_RESOURCES[2], None, {}, "")
    server.put(pod("b"))
    assert watch.lines().count(b"ADDED") == 2
    server.put(pod("c"))
    assert watch.lines().count(b"ADDED") == 1


def test_a_watch_hears_of_changes_while_it_is_open(connect: Connect) -> None:
    server, client = connect()
    server.faults.on(Call(lambda server: opened.set()), path="watch=1")
    opened = threading.Event()
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(client.get, "/api/v1/pods", watch=1, timeoutSeconds=1)
        assert opened.wait(10)
        server.put(pod("new"))
        assert json.loads(reply.result(10).body)["object"]["metadata"]["name"] == "new"
    assert server.api.store.listeners == []


def test_gzip_only_when_asked(connect: Connect) -> None:
    server, client = connect(pod("a"))
    plain = client.get("/api/v1/pods")
    assert "Content-Encoding" not in plain.headers
    reply = client.request("GET", "/api/v1/pods", headers={"Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.body == plain.body  # urllib3 has unpacked it
    assert int(reply.headers["Content-Length"]) == len(gzip.compress(plain.body, 1))
    assert server.requests[-1].headers["Accept-Encoding"] == "gzip"


def test_the_clock_is_the_tests_and_moves_one_second_per_request(connect: Connect) -> None:
    server, client = connect()
    server.clock = datetime(2027, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert client.get("/version").headers["Date"] == "Fri, 01 Jan 2027 12:00:01 GMT"
    made = client.request("POST", f"{NS}/pods", pod("a")).json
    assert made["metadata"]["creationTimestamp"] == "2027-01-01T12:00:02Z"
    server.freeze()
    assert client.get("/version").headers["Date"] == client.get("/version").headers["Date"]


# -- writing -----------------------------------------------------------------------------------------------------


def test_created_objects_get_identity_and_no_status(connect: Connect) -> None:
    _, client = connect()
    body = addon()
    del body["metadata"]["namespace"]
    first = client.request("POST", ADDONS, body)
    assert first.status == 201
    assert "status" not in first.json
    assert client.request("POST", ADDONS, body).json["reason"] == "AlreadyExists"
    other = client.request("POST", ADDONS, addon("other")).json["metadata"]
    mine = first.json["metadata"]
    assert other["uid"] != mine["uid"]
    assert int(other["resourceVersion"]) > int(mine["resourceVersion"])
    assert client.request("POST", ADDONS, {**body, "metadata": {"name": "x", "namespace": "y"}}).status == 400
    assert client.request("POST", ADDONS, b"{").status == 400


def test_a_stale_resource_version_is_a_conflict_for_put_and_patch(connect: Connect) -> None:
    server, client = connect(addon())
    stored = client.get(f"{ADDONS}/logging").json
    server.put(stored)
    reply = client.request("PUT", f"{ADDONS}/logging", stored)
    assert (reply.status, reply.json["reason"]) == (409, "Conflict")
    stale = {"metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]}, "spec": {"enabled": False}}
    assert client.patch(f"{ADDONS}/logging", stale).status == 409
    assert server.objects("addons", "harvesterhci.io")[0]["spec"]["enabled"]
    fresh = client.get(f"{ADDONS}/logging").json
    fresh["spec"]["enabled"] = False
    assert client.request("PUT", f"{ADDONS}/logging", fresh).json["spec"]["enabled"] is False
    del fresh["metadata"]["resourceVersion"]
    assert client.request("PUT", f"{ADDONS}/logging", fresh).status == 422


def test_the_two_halves_of_an_object_are_written_apart(connect: Connect) -> None:
    _, client = connect(addon())
    change = {"spec": {"enabled": False}, "status": {"status": "AddonDisabled"}}
    by_main = client.patch(f"{ADDONS}/logging", change).json
    assert (by_main["spec"]["enabled"], by_main["status"]["status"]) == (False, "AddonEnabling")
    assert by_main["metadata"]["generation"] == 2
    change["spec"] = {"enabled": True}
    by_status = client.patch(f"{ADDONS}/logging/status", change).json
    assert (by_status["spec"]["enabled"], by_status["status"]["status"]) == (False, "AddonDisabled")
    assert by_status["metadata"]["generation"] == 2


def test_a_write_that_changes_nothing_keeps_the_resource_version(connect: Connect) -> None:
    server, client = connect(addon())
    before = server.objects("addons", "harvesterhci.io")[0]["metadata"]["resourceVersion"]
    assert client.patch(f"{ADDONS}/logging", {}).json["metadata"]["resourceVersion"] == before


def test_kinds_of_patch(connect: Connect) -> None:
    _, client = connect(addon(), pod("a"))
    operations = [
        {"op": "test", "path": "/spec/chart", "value": "logging"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "1"}},
        {"op": "replace", "path": "/metadata/labels/a~1b", "value": "2"},
        {"op": "remove", "path": "/spec/enabled"},
    ]
    done = client.patch(f"{ADDONS}/logging", operations, "json-patch+json").json
    assert done["metadata"]["labels"] == {"a/b": "2"}
    assert "enabled" not in done["spec"]
    assert client.patch(f"{ADDONS}/logging", operations, "json-patch+json").status == 422
    assert "labels" not in client.patch(f"{ADDONS}/logging", {"metadata": {"labels": None}}).json["metadata"]
    strategic = "strategic-merge-patch+json"
    assert client.patch(f"{ADDONS}/logging", {}, strategic).status == 415
    assert client.patch(f"{NS}/pods/a", {"spec": {"nodeName": "n"}}, strategic).json["spec"]["nodeName"] == "n"


def test_apply_creates_or_merges(connect: Connect) -> None:
    _, client = connect()
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
    assert client.patch(f"{NS}/configmaps/c", body, "apply-patch+yaml").status == 422
    assert client.patch(f"{NS}/configmaps/c", body, "apply-patch+yaml", fieldManager="me").status == 201
    body = body.replace(b"a: b", b"c: d")
    again = client.patch(f"{NS}/configmaps/c", body, "apply-patch+yaml", fieldManager="me")
    assert (again.status, again.json["data"]) == (200, {"a": "b", "c": "d"})


def test_preconditions_of_delete(connect: Connect) -> None:
    server, client = connect(job())
    stored = server.objects("jobs", "batch")[0]["metadata"]
    wrong = client.delete(f"{JOBS}/job", preconditions={"uid": "00000000-0000-0000-0000-000000000000"})
    assert wrong.status == 409
    assert f"does not match the UID in record ({stored['uid']})" in wrong.json["message"]
    right = {"uid": stored["uid"], "resourceVersion": stored["resourceVersion"]}
    assert client.delete(f"{JOBS}/job", preconditions={**right, "resourceVersion": "1"}).status == 409
    assert len(server.objects("jobs", "batch")) == 1
    assert client.delete(f"{JOBS}/job", preconditions=right).json["status"] == "Success"
    assert server.objects("jobs", "batch") == []


def owned_by(uid: str) -> list[dict[str, str]]:
    return [{"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": uid}]


@pytest.mark.parametrize(
    ("options", "pods_left"),
    [({"propagationPolicy": "Background"}, []), ({"propagationPolicy": "Foreground"}, []), ({}, ["a"])],
)
def test_propagation_and_the_orphans_a_job_leaves_by_default(
    connect: Connect, options: dict[str, str], pods_left: list[str]
) -> None:
    server, client = connect(job(uid="u1"), pod("a", ownerReferences=owned_by("u1")))
    assert client.delete(f"{JOBS}/job", **options).status == 200
    assert server.objects("jobs", "batch") == []
    assert [one["metadata"]["name"] for one in server.objects("pods")] == pods_left
    assert all("ownerReferences" not in one["metadata"] for one in server.objects("pods"))


def test_finalizers_hold_an_object_until_they_are_gone(connect: Connect) -> None:
    server, client = connect(addon(finalizers=["a/b"]), pod("a", ownerReferences=owned_by("other")))
    kept = client.delete(f"{ADDONS}/logging").json
    assert kept["metadata"]["deletionTimestamp"]
    assert len(server.objects("addons", "harvesterhci.io")) == 1
    assert client.patch(f"{ADDONS}/logging", {"metadata": {"finalizers": None}}).status == 200
    assert server.objects("addons", "harvesterhci.io") == []
    assert len(server.objects("pods")) == 1  # its owner was never here: not ours to collect


def test_an_object_of_two_owners_outlives_the_first(connect: Connect) -> None:
    server, client = connect(job("one", uid="u1"), job("two", uid="u2"))
    server.put(pod("a", ownerReferences=[*owned_by("u1"), *owned_by("u2")]))
    client.delete(f"{JOBS}/one", propagationPolicy="Background")
    assert len(server.objects("pods")) == 1
    client.delete(f"{JOBS}/two", propagationPolicy="Background")
    assert server.objects("pods") == []


def test_foreground_deletion_waits_for_the_dependents(connect: Connect) -> None:
    server, client = connect(job(uid="u1"), pod("a", finalizers=["x/y"], ownerReferences=owned_by("u1")))
    kept = client.delete(f"{JOBS}/job", propagationPolicy="Foreground").json
    assert kept["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert server.objects("pods")[0]["metadata"]["deletionTimestamp"]
    client.patch(f"{NS}/pods/a", {"metadata": {"finalizers": []}})
    assert server.objects("pods") + server.objects("jobs", "batch") == []


def test_a_saved_job_can_be_created_again_only_without_its_old_selector(connect: Connect) -> None:
    _, client = connect()
    saved = client.request("POST", JOBS, job()).json
    assert saved["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": saved["metadata"]["uid"]}
    assert client.patch(f"{JOBS}/job", {"spec": {"template": {"spec": {"x": 1}}}}).status == 422
    client.delete(f"{JOBS}/job")
    for field in ("uid", "resourceVersion"):
        del saved["metadata"][field]
    reply = client.request("POST", JOBS, saved)
    assert (reply.status, reply.json["reason"]) == (422, "Invalid")
    saved["spec"].pop("template")
    assert "not auto-generated" in client.request("POST", JOBS, saved).json["message"]
    saved["spec"].pop("selector")
    assert client.request("POST", JOBS, saved).status == 201


@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_dry_run_checks_all_and_keeps_nothing(connect: Connect, verb: str) -> None:
    server, client = connect(addon(), job(uid="u1"), pod("a", ownerReferences=owned_by("u1")))
    before = {kind: server.objects(*kind) for kind in (("addons", "harvesterhci.io"), ("jobs", "batch"), ("pods",))}
    query = {"dryRun": "All"}
    if verb == "POST":
        made = client.request("POST", ADDONS, addon("new"), query=query)
        assert (made.status, bool(made.json["metadata"]["uid"])) == (201, True)
    elif verb == "DELETE":
        done = client.delete(f"{JOBS}/job", dryRun=["All"], propagationPolicy="Background")
        assert done.json["status"] == "Success"
        assert client.delete(f"{JOBS}/job", dryRun=["All"], preconditions={"uid": "x"}).status == 409
    else:
        body = {**before["addons", "harvesterhci.io"][0], "spec": {"chart": "logging", "enabled": False}}
        kind = "merge-patch+json" if verb == "PATCH" else "json"
        done = client.request(verb, f"{ADDONS}/logging", body, content_type=f"application/{kind}", query=query)
        assert done.json["spec"]["enabled"] is False
    assert {kind: server.objects(*kind) for kind in before} == before
    assert client.patch(f"{ADDONS}/logging", {}, dryRun="Some").status == 422


# -- who may -----------------------------------------------------------------------------------------------------


def test_without_the_right_token_all_is_401(connect: Connect, tmp_path: Path) -> None:
    server, _ = connect(pod("a"))
    for number, token in enumerate((None, "wrong")):
        client = Client(server.kubeconfig(tmp_path, name=f"k{number}", token=token))
        reply = client.get("/api/v1/pods")
        assert (reply.status, reply.json["reason"]) == (401, "Unauthorized")
        client.close()


def test_rbac_words_its_refusals_and_remembers_what_was_used(connect: Connect) -> None:
    server, client = connect(pod("a"), addon())
    server.allow = {("list", "", "pods", "default"), ("get", "harvesterhci.io", "addons"), ("list", "", "nodes")}
    assert client.get(f"{NS}/pods").status == 200
    assert client.get(f"{ADDONS}/logging").status == 200
    reply = client.get("/api/v1/pods")
    assert (reply.status, reply.json["reason"]) == (403, "Forbidden")
    assert reply.json["message"] == (
        'pods is forbidden: User "test" cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert client.patch(f"{ADDONS}/logging/status", {}).json["message"] == (
        'addons.harvesterhci.io "logging" is forbidden: User "test" cannot patch resource "addons/status" '
        'in API group "harvesterhci.io" in the namespace "default"'
    )
    assert server.used == {("list", "", "pods", "default"), ("get", "harvesterhci.io", "addons")}


def test_impersonation_needs_its_own_rule(connect: Connect) -> None:
    server, client = connect()
    headers = {"Impersonate-User": "jane"}
    server.allow = {("list", "", "pods")}
    refused = client.request("GET", "/api/v1/pods", headers=headers)
    assert refused.json["message"].startswith('users "jane" is forbidden: User "test" cannot impersonate')
    server.allow |= {("impersonate", "", "users")}
    assert client.request("GET", "/api/v1/pods", headers=headers).status == 200
    assert 'User "jane" cannot list' in client.request("GET", "/api/v1/nodes", headers=headers).json["message"]


def review(client: Client, **attributes: str) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    reply = client.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert reply.status == 201
    return bool(reply.json["status"]["allowed"])


def test_access_reviews_answer_from_the_same_rules(connect: Connect) -> None:
    server, client = connect()
    wanted = {"verb": "patch", "group": "harvesterhci.io", "resource": "addons", "subresource": "status"}
    assert review(client, **wanted)
    server.allow = {("patch", "harvesterhci.io", "addons/status", "default")}
    assert review(client, **wanted, namespace="default")
    assert not review(client, **wanted, namespace="other")
    assert not review(client, **wanted)
    assert server.used == set()


def test_rules_can_be_read_from_manifests() -> None:
    read = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    named = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["s"]}]
    role = {"kind": "ClusterRole", "metadata": {"name": "bound"}, "rules": read}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bound"}
    binding = {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "x"}, "roleRef": ref}
    own = {"kind": "Role", "metadata": {"name": "r", "namespace": "y"}, "rules": named}
    assert rules_of([role]) == {("list", "", "pods", None, None)}
    assert rules_of([role, binding, own]) == {("list", "", "pods", "x", None), ("get", "", "secrets", "y", "s")}


# -- faults ------------------------------------------------------------------------------------------------------


def test_an_error_strikes_as_often_as_it_is_told_and_lets_the_first_pass(connect: Connect) -> None:
    server, client = connect()
    fault = server.faults.on(Fail(429, headers={"Retry-After": "1"}), path=r"/pods\b", times=2, after=1)
    replies = [client.get("/api/v1/pods") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 429, 429, 200]
    assert replies[1].headers["Retry-After"] == "1"
    assert replies[1].json["reason"] == "TooManyRequests"
    assert fault.hits == 2


def test_broken_answers(connect: Connect) -> None:
    server, client = connect(pod("a"))
    server.faults.on(Truncate(20))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.get("/api/v1/pods")
    server.faults.on(Reset())
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.get("/api/v1/pods")
    server.faults.on(Garbage())
    reply = client.get("/api/v1/pods")
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json
    assert names(client.get("/api/v1/pods")) == ["a"]


def test_a_reset_may_come_after_the_deed(connect: Connect) -> None:
    server, client = connect(job("before"), job("after"))
    server.faults.on(Reset(), path="before")
    server.faults.on(Reset(done=True), path="after")
    for name in ("before", "after"):
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.delete(f"{JOBS}/{name}")
    assert [one["metadata"]["name"] for one in server.objects("jobs", "batch")] == ["before"]


@pytest.mark.parametrize("effect", [Stall(), Stall(after=10)])
def test_a_held_answer_runs_into_the_clients_timeout(connect: Connect, effect: Stall) -> None:
    server, client = connect(pod("a"))
    server.faults.on(effect)
    with pytest.raises(urllib3.exceptions.TimeoutError):
        client.request("GET", "/api/v1/pods", timeout=0.2)
    assert server.stalled.is_set()
    assert names(client.get("/api/v1/pods")) == ["a"]


def test_a_held_answer_can_be_let_go(connect: Connect) -> None:
    server, client = connect(pod("a"))
    server.faults.on(Stall())
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(client.get, "/api/v1/pods")
        assert server.stalled.wait(10)
        assert not reply.done()
        server.release()
        assert names(reply.result(10)) == ["a"]


def test_a_dripping_answer_takes_longer_than_any_single_read(connect: Connect) -> None:
    server, client = connect(pod("a"))
    server.faults.on(Drip(chunk=50, pause=0.1))
    start = time.monotonic()
    assert names(client.request("GET", "/api/v1/pods", timeout=0.3)) == ["a"]
    assert time.monotonic() - start > 0.3


def test_somebody_else_acts_between_two_requests(connect: Connect) -> None:
    server, client = connect(addon())
    stored = client.get(f"{ADDONS}/logging").json
    server.faults.on(Call(lambda server: server.put({**stored, "spec": {"chart": "logging"}})), method="PUT")
    assert client.request("PUT", f"{ADDONS}/logging", stored).status == 409


def test_the_server_dies_in_the_middle_and_stays_dead(connect: Connect) -> None:
    server, client = connect(job())
    server.faults.on(Call(lambda server: server.die()), method="DELETE")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.delete(f"{JOBS}/job")
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.get("/version")
    assert len(server.objects("jobs", "batch")) == 1


def test_a_token_may_expire(connect: Connect) -> None:
    server, client = connect()
    server.expire_token(after=2)
    assert [client.get("/version").status for _ in range(4)] == [200, 200, 401, 401]


def test_a_failure_inside_the_server_fails_the_test(tmp_path: Path) -> None:
    def broken(_: KubeServer) -> None:
        raise AssertionError("a hook's own assertion")

    server = KubeServer()
    server.faults.on(Call(broken))
    with pytest.raises(AssertionError, match="a hook's own assertion"):
        _ask(server, tmp_path)


def _ask(server: KubeServer, folder: Path) -> None:
    with server:
        client = Client(server.kubeconfig(folder))
        assert client.get("/version").status == 500
        client.close()


# -- webhook, kubelets, pods -------------------------------------------------------------------------------------


def test_the_addon_webhook_refuses_while_an_operation_is_in_progress(connect: Connect) -> None:
    server, client = connect(addon(in_progress=True))
    for body in ({"metadata": {"labels": {"a": "b"}}}, {}):
        reply = client.patch(f"{ADDONS}/logging", body, dryRun="All")
        assert reply.status == 400
        assert reply.json["message"] == (
            'admission webhook "validator.harvesterhci.io" denied the request: '
            "cannot perform operation, as an existing operation is in progress on addon logging"
        )
    assert client.patch(f"{ADDONS}/logging/status", {"status": {"conditions": []}}).status == 200
    assert client.patch(f"{ADDONS}/logging", {"spec": {"chart": "other"}}).status == 400
    assert client.patch(f"{ADDONS}/logging", {"spec": {"enabled": False}}).status == 200
    assert client.request("POST", ADDONS, {**addon("x"), "spec": {"chart": "logging"}}).status == 400
    server.admission.append(lambda review: "not on Mondays" if review.operation == "DELETE" else None)
    assert client.delete(f"{ADDONS}/logging").json["message"].endswith("denied the request: not on Mondays")


@pytest.mark.parametrize(
    ("version", "labels", "status"),
    [
        ("v1.6.1", {}, 200),
        ("v1.7.0", {}, 400),
        ("v1.7.0", {"addon.harvesterhci.io/experimental": "true"}, 200),
    ],
)
def test_deleting_an_addon(connect: Connect, version: str, labels: dict[str, str], status: int) -> None:
    setting = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Setting", "metadata": {"name": "server-version"}}
    _, client = connect({**setting, "value": version}, addon(labels=labels))
    assert client.delete(f"{ADDONS}/logging").status == status


def test_the_gate_of_upgrades(connect: Connect) -> None:
    server, client = connect(addon())
    upgrades = "/apis/harvesterhci.io/v1beta1/namespaces/default/upgrades"
    body = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade", "metadata": {"name": "u"}, "spec": {}}
    assert client.request("POST", upgrades, body, query={"dryRun": "All"}).status == 201
    server.gate_upgrades(refuse_unsettled_addons)
    refused = client.request("POST", upgrades, body, query={"dryRun": "All"})
    assert (refused.status, "addon default/logging status is AddonEnabling" in refused.json["message"]) == (400, True)
    client.patch(f"{ADDONS}/logging/status", {"status": {"status": "AddonDeploySuccessful"}})
    assert client.request("POST", upgrades, body).status == 201


def test_kubelets_answer_through_the_proxy(connect: Connect) -> None:
    node = {"apiVersion": "v1", "kind": "Node"}
    server, client = connect({**node, "metadata": {"name": "n1"}}, {**node, "metadata": {"name": "n2"}})
    server.kubelets["n1"] = {"summary": {"node": {"fs": {"usedBytes": 1}}}}
    path = "/api/v1/nodes/{}/proxy/{}"
    assert client.get(path.format("n1", "stats/summary")).json["node"]["fs"]["usedBytes"] == 1
    assert client.get(path.format("n1", "configz")).status == 404
    assert client.get(path.format("n2", "configz")).json["reason"] == "ServiceUnavailable"
    assert client.get(path.format("n3", "configz")).json["message"] == 'nodes "n3" not found'
    server.allow = {("get", "", "nodes")}
    assert 'cannot get resource "nodes/proxy"' in client.get(path.format("n1", "configz")).json["message"]


def test_a_created_pod_runs_as_the_test_says(connect: Connect) -> None:
    server, client = connect()
    server.run_pod = lambda pod: ("Succeeded", f"hello from {pod['spec']['nodeName']}\n")
    made = client.request("POST", f"{NS}/pods", {**pod("probe"), "spec": {"nodeName": "n1", "containers": []}})
    assert made.json["status"]["phase"] == "Pending"
    assert client.get(f"{NS}/pods/probe").json["status"]["phase"] == "Succeeded"
    assert client.get(f"{NS}/pods/probe/log").body == b"hello from n1\n"
    server.put(pod("waiting"))
    assert client.get(f"{NS}/pods/waiting/log").status == 400
    assert client.get(f"{NS}/pods/absent/log").status == 404


def test_reactions_of_kmock_come_first(connect: Connect) -> None:
    server, client = connect()
    server.kmock["get /api/v1/pods"] << 418
    assert client.get("/api/v1/pods").status == 418
    assert client.get("/api/v1/nodes").status == 200
    assert [request.path for request in server.requests] == ["/api/v1/pods", "/api/v1/nodes"]


# -- connection --------------------------------------------------------------------------------------------------


def test_tls_is_checked_against_the_right_ca_only(connect: Connect, tmp_path: Path) -> None:
    server, client = connect(tls=True)
    assert client.get("/version").status == 200
    strangers = [
        server.kubeconfig(tmp_path, name="no-ca", ca=None),
        server.kubeconfig(tmp_path, name="name", url=server.url.replace("127.0.0.1", "localhost")),
    ]
    for kubeconfig in strangers:
        other = Client(kubeconfig)
        with pytest.raises(urllib3.exceptions.SSLError):
            other.get("/version")
        other.close()
    lax = Client(server.kubeconfig(tmp_path, name="lax", insecure=True))
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        assert lax.get("/version").status == 200
    lax.close()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_gets_along_with_the_server(connect: Connect, tmp_path: Path) -> None:
    server, _ = connect(addon(), job(uid="u1"), pod("a", ownerReferences=owned_by("u1")), pod("b"), tls=True)

    def kubectl(*arguments: str) -> str:
        flags = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--cache-dir", str(tmp_path / "cache")]
        done = subprocess.run(["kubectl", *flags, *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    assert kubectl("get", "addons.harvesterhci.io", "-A", "-o", "name") == "addon.harvesterhci.io/logging\n"
    assert kubectl("get", "pods", "--chunk-size=1", "-o", "name") == "pod/a\npod/b\n"
    assert "deleted" in kubectl("delete", "job", "job", "--wait=false")
    assert [one["metadata"]["name"] for one in server.objects("pods")] == ["b"]
    assert "deleted" in kubectl("delete", "pod", "b")  # waits, by a watch, until it is gone
    assert kubectl("auth", "can-i", "list", "pods") == "yes\n"
    server.allow = set()
    assert 'User "test" cannot list resource "nodes"' in kubectl("get", "nodes")


def test_credential_plugins_that_work_and_that_do_not(connect: Connect, tmp_path: Path) -> None:
    server, _ = connect()
    works = Client(server.kubeconfig(tmp_path, name="ok", exec_plugin="ok"))
    assert works.get("/version").status == 200
    works.close()
    for how in ("fail", "garbage"):
        broken = Client(server.kubeconfig(tmp_path, name=how, exec_plugin=how))
        assert broken.get("/version").status == 401
        broken.close()


def test_requests_are_recorded_in_order(connect: Connect) -> None:
    server, client = connect(job())
    client.get("/api/v1/pods", limit=5)
    client.delete(f"{JOBS}/job", propagationPolicy="Background")
    first, second = server.requests
    assert (first.method, first.path, first.query) == ("GET", "/api/v1/pods", {"limit": "5"})
    assert first.headers["Authorization"] == "Bearer test-token"
    assert (second.method, b"Background" in second.body) == ("DELETE", True)


def test_put_keeps_what_a_fixture_brings_and_fills_in_the_rest(connect: Connect) -> None:
    server, _ = connect()
    server.clock = server.clock + timedelta(hours=1)
    given = {"uid": "u", "creationTimestamp": "2020-01-01T00:00:00Z", "resourceVersion": "7"}
    items = {"apiVersion": "v1", "kind": "List", "items": [pod("a", **given), pod("b")]}
    one, two = server.put(items)
    assert (one["metadata"]["uid"], one["metadata"]["creationTimestamp"]) == ("u", "2020-01-01T00:00:00Z")
    assert two["metadata"]["creationTimestamp"] == server.clock.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert int(two["metadata"]["resourceVersion"]) == int(one["metadata"]["resourceVersion"]) + 1
    with pytest.raises(LookupError, match="does not serve"):
        server.put({"apiVersion": "x/v1", "kind": "Y", "metadata": {"name": "z"}})
