"""Everything that can go wrong on the way to the API server, and what each comes to."""

import errno
import json
import os
import socket
import threading

import pytest

from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.cluster.errors import ApiError
from preflight.errors import SourceError
from preflight.resources import Resource
from preflight.sources.live.reader import connect, read
from preflight.values.foreign_text import one_line, plain_url
from tests.kube import Drip, Fail, Garbage, KubeServer, Reset, Stall, Truncate
from tests.sources.raw_server import Reply, raw_server

PODS = r"/api/v1/pods"


def pods(count):
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{number}", "namespace": "x"}}
        for number in range(count)
    ]


@pytest.fixture
def server():
    with KubeServer(pods(5)) as server:
        yield server


class Waits(list):
    """Stands in for sleeping."""

    def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture
def waits():
    return Waits()


def inventory_of(server, waits, *needs, request_timeout=None, **options):
    connection = Connection(server=server.url, token="test-token", request_timeout=request_timeout)
    return read(needs or [need("pods")], connection, wait=waits, page_size=2, **options)


def pods_of(server, waits, **options):
    return inventory_of(server, waits, **options).get("pods")


# -- answers that are worth another try ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fail(429, headers={"Retry-After": "7"}), [7.0, 7.0]),
        (Fail(429), [0.5, 1.0]),
        (Fail(503, headers={"Retry-After": "2"}), [2.0, 2.0]),
        (Fail(500), [0.5, 1.0]),
        (Fail(502), [0.5, 1.0]),
        (Reset(), [0.5, 1.0]),
        (Truncate(40), [0.5, 1.0]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_short_trouble_is_waited_out(server, waits, fault, waited):
    server.faults.on(fault, path=PODS, times=2, after=1)
    found = pods_of(server, waits)
    assert (len(found.objects), found.missing, found.gaps) == (5, None, ())
    assert waits == waited


@pytest.mark.parametrize(
    ("fault", "code", "words", "tries"),
    [
        (Fail(429), "error", "429", 6),
        (Fail(500), "error", "etcdserver: request timed out", 4),
        (Fail(502), "unreachable", "502", 4),
        (Fail(503), "unreachable", "503", 4),
        (Fail(504), "timed-out", "504", 2),
        (Reset(), "unreachable", "the connection broke", 4),
        (Truncate(40), "unreachable", "the connection broke", 4),
        (Garbage(), "unparsable", "not JSON", 1),
        (Garbage(b"[]"), "unparsable", "not a list", 1),
        (Garbage(b'{"kind": "PodList", "items": {"a": 1}}'), "unparsable", "not a list", 1),
        (Fail(404), "not-served", "the server has no pods (404)", 1),
        (Fail.expired(), "error", "expired 4 times", 4),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_lasting_trouble_makes_its_own_list_unknown(server, waits, fault, code, words, tries):
    struck = server.faults.on(fault, path=PODS, times=None)
    inventory = inventory_of(server, waits, need("pods"), need("nodes"))
    assert str(inventory.get("pods").missing).startswith(f"{code}: ")
    assert words in str(inventory.get("pods").missing)
    assert "\n" not in str(inventory.get("pods").missing)
    assert inventory.get("pods").objects == ()
    assert struck.hits == tries
    assert inventory.get("nodes").missing is None


def test_a_server_that_wants_to_be_left_alone_for_an_hour_is(server, waits):
    server.faults.on(Fail(429, headers={"Retry-After": "3600"}), path=PODS)
    assert "429" in str(pods_of(server, waits).missing)
    assert waits == []


def test_no_wait_goes_past_the_deadline(server, waits):
    server.faults.on(Fail(503, headers={"Retry-After": "30"}), path=PODS)
    assert "503" in str(pods_of(server, waits, timeout=20).missing)
    assert waits == []


# -- lists ----------------------------------------------------------------------------------------------------------


def test_a_list_that_expires_half_way_is_read_again_from_its_start(server, waits):
    server.faults.on(Fail.expired(), path="continue=", times=3, after=1)
    found = pods_of(server, waits)
    assert [obj["metadata"]["name"] for obj in found.objects] == ["p0", "p1", "p2", "p3", "p4"]
    firsts = [asked for asked in server.requests if asked.path == PODS and "continue" not in asked.query]
    assert len(firsts) == 4


def test_an_object_deleted_between_two_pages_is_no_error(server, waits):
    from tests.kube import Call

    server.faults.on(Call(lambda live: live.remove("pods", "", "x", "p4")), path="continue=")
    found = pods_of(server, waits)
    assert found.missing is None
    assert len(found.objects) in (4, 5)


def test_a_server_that_gives_the_same_page_for_ever_is_left(waits):
    page = {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "again"}}
    with raw_server(lambda _asked: Reply(page)) as server:
        assert "the same page over and over" in str(pods_of(server, waits).missing)
        assert len(server.asked) == 3


# -- who may do what ------------------------------------------------------------------------------------------------


def test_credentials_refused_at_the_start_end_the_run(server, waits):
    with pytest.raises(SourceError) as error:
        read([need("pods")], Connection(server=server.url, token="s3cr3t-token"), wait=waits)
    text = error.value.message
    assert error.value.exit_code == 4
    assert server.url in text
    assert "401" in text
    assert "the user of --token" in text
    assert "log in again" in text
    assert "s3cr3t" not in text + error.value.detail


def test_credentials_that_run_out_half_way_make_the_rest_unknown(server, waits):
    server.expire_token(after=3)  # version, first page of pods, second page
    found = pods_of(server, waits, workers=1)
    assert str(found.missing).startswith("forbidden: the server stopped accepting the credentials (401) before pods")


def test_a_forbidden_list_says_which_and_why(server, waits):
    server.allow = {("list", "", "pods")}
    inventory = inventory_of(server, waits, need("pods"), need("jobs.batch"), need("endpoints"))
    assert inventory.get("pods").missing is None
    why = str(inventory.get("jobs.batch").missing)
    assert why.startswith("forbidden: cannot list jobs.batch: ")
    assert 'User "test" cannot list' in why
    assert str(inventory.get("endpoints").missing).startswith("forbidden: cannot get endpoints in namespace default: ")


def test_one_forbidden_namespace_of_several_is_a_gap(server, waits):
    server.allow = {("list", "", "configmaps", "kube-system")}
    found = inventory_of(server, waits, need("configmaps/chart-content")).get("configmaps/chart-content")
    assert found.missing is None
    assert len(found.gaps) == 4
    assert str(found.gaps[0]).startswith(
        "forbidden: cannot list configmaps/chart-content in namespace cattle-logging-system"
    )


# -- time -----------------------------------------------------------------------------------------------------------


def test_a_stalled_list_times_out_and_costs_itself_only(server, waits):
    server.faults.on(Stall(), path=PODS, times=None)
    inventory = inventory_of(server, waits, need("pods"), need("nodes"), request_timeout=0.2)
    assert str(inventory.get("pods").missing).startswith("timed-out: cannot list pods: ")
    assert inventory.get("nodes").missing is None
    assert waits == [0.5]


def test_an_answer_that_stops_half_way_times_out(server, waits):
    server.faults.on(Stall(after=30), path=PODS, times=None)
    assert str(pods_of(server, waits, request_timeout=0.2).missing).startswith("timed-out: ")


def test_an_answer_that_drips_for_ever_ends_with_the_deadline(server, waits):
    server.faults.on(Drip(pause=0.05), path=PODS, times=None)
    inventory = inventory_of(server, waits, need("pods"), need("nodes"), timeout=1)
    assert str(inventory.get("pods").missing).startswith("timed-out: ")
    assert inventory.get("nodes").missing is None


def test_a_server_that_never_answers_is_named(server, waits):
    server.faults.on(Stall(), path="/version", times=None)
    with pytest.raises(SourceError, match=f"{server.url} did not answer within --timeout|cannot read .*{server.url}"):
        pods_of(server, waits, timeout=0.3)
    with pytest.raises(SourceError, match="request-timeout"):
        pods_of(server, waits, request_timeout=0.2)


# -- the first word -------------------------------------------------------------------------------------------------


def test_an_unreachable_server_is_one_line_with_its_address(waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError) as error:
        read([need("pods")], Connection(server=f"http://127.0.0.1:{port}"), wait=waits)
    text = error.value.message
    assert (
        text == f"cannot read the cluster at http://127.0.0.1:{port}: no connection: {os.strerror(errno.ECONNREFUSED)}"
    )
    assert error.value.exit_code == 4
    assert waits == []


def test_an_unknown_host_name_is_one_line(waits):
    with pytest.raises(SourceError, match=r"https://harvester\.invalid:6443: its host name is not known here"):
        read([], Connection(server="https://harvester.invalid:6443"), wait=waits)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>please log in</html>", headers={"Content-Type": "text/html"}),
        Reply([1]),
        Reply({"hello": "world"}),
        Reply({"gitVersion": 7}),
        Reply(b"<html>not here</html>", 404),
        Reply(b"", 302, headers={"Location": "https://login.example/"}),
    ],
)
def test_what_is_no_api_server_is_said_to_be_none(waits, reply):
    with raw_server(lambda _asked: reply, whole=True) as server:
        with pytest.raises(SourceError, match=f"{server.url}.* as a Kubernetes API server"):
            pods_of(server, waits)
        assert len(server.asked) == 1


def test_a_server_that_is_starting_is_waited_for(server, waits):
    server.faults.on(Fail(503), path="/version", times=2)
    assert pods_of(server, waits).missing is None
    assert waits == [0.5, 1.0]


def test_the_version_may_be_forbidden(waits):
    def answer(asked):
        if asked.path == "/version":
            return Reply({"kind": "Status", "reason": "Forbidden"}, 403)
        return Reply({"items": [], "metadata": {}})

    with raw_server(answer, whole=True) as server:
        assert pods_of(server, waits).missing is None


def test_a_redirect_is_not_followed_with_the_token(waits):
    with raw_server(lambda _asked: Reply({})) as other:
        away = Reply(b"", 307, headers={"Location": other.url + "/api/v1/pods"})
        with raw_server(lambda _asked: away) as server:
            assert "307" in str(pods_of(server, waits).missing)
        assert other.asked == []


# -- proxies --------------------------------------------------------------------------------------------------------


def test_a_proxy_that_refuses_is_named_without_its_password(monkeypatch, waits):
    with raw_server(lambda _asked: Reply(b"", 407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:s3cr3t@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(SourceError) as error:
            read([], Connection(server="https://192.0.2.1:6443"), wait=waits)
    assert "192.0.2.1:6443" in error.value.message
    assert f"the proxy {proxy.url} does not let us through: Tunnel connection failed: 407" in error.value.message
    assert "s3cr3t" not in error.value.message


def test_no_proxy_keeps_the_cluster_off_the_proxy(monkeypatch, server, waits):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    assert pods_of(server, waits).missing is None


def test_a_plain_proxy_gets_the_requests(monkeypatch, waits):
    with raw_server(lambda _asked: Reply({"items": []})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        read([need("pods")], Connection(server="http://harvester.invalid"), wait=waits)
        assert "http://harvester.invalid/api/v1/pods?limit=500" in proxy.paths()


# -- writes ---------------------------------------------------------------------------------------------------------


def api_of(server, waits):
    return connect(Connection(server=server.url, token="test-token"), wait=waits)


def test_a_write_returns_the_object(server, waits):
    api = api_of(server, waits)
    path = "/api/v1/namespaces/x/configmaps"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    made = api.post(path, body)
    assert made["metadata"]["uid"]
    assert api.post(path, {**body, "metadata": {"name": "d"}}, {"dryRun": "All"})["metadata"]["name"] == "d"
    assert api.get(f"{path}/c")["data"] == {"a": "1"}
    assert api.patch(f"{path}/c", {"data": {"b": "2"}})["data"] == {"a": "1", "b": "2"}
    assert api.patch(f"{path}/c", [{"op": "remove", "path": "/data/a"}])["data"] == {"b": "2"}
    current = api.get(f"{path}/c")
    assert api.put(f"{path}/c", {**current, "data": {"z": "9"}})["data"] == {"z": "9"}
    api.delete(f"{path}/c", {"preconditions": {"uid": made["metadata"]["uid"]}})
    with pytest.raises(ApiError) as error:
        api.get(f"{path}/d")
    assert (error.value.status, error.value.reason, error.value.path) == (404, "NotFound", f"{path}/d")
    assert error.value.details["name"] == "d"


def test_a_conflict_keeps_the_servers_words(server, waits):
    api = api_of(server, waits)
    with pytest.raises(ApiError) as error:
        api.delete("/api/v1/namespaces/x/pods/p0", {"preconditions": {"uid": "another"}})
    assert (error.value.status, error.value.reason) == (409, "Conflict")
    assert "another" in error.value.server_message
    assert error.value.server_message in error.value.message


@pytest.mark.parametrize(
    "fault", [Fail(500), Fail(503), Fail(429, headers={"Retry-After": "1"}), Reset(), Reset(done=True)], ids=str
)
def test_no_write_is_sent_twice(server, waits, fault):
    api = api_of(server, waits)
    server.faults.on(fault, method="PATCH", times=None)
    with pytest.raises(ApiError) as error:
        api.patch("/api/v1/namespaces/x/pods/p0", {"metadata": {"labels": {"a": "b"}}})
    assert len([asked for asked in server.requests if asked.method == "PATCH"]) == 1
    assert waits == []
    if isinstance(fault, Reset):
        assert "whether the server did it is not known" in error.value.message


# -- what others wrote ----------------------------------------------------------------------------------------------


def test_the_servers_words_cannot_drive_the_terminal(waits):
    status = {"kind": "Status", "message": "no\x1b[2J\x07\r\nway \u202e" + "x" * 9000, "reason": "Bad\x1b]0;"}
    with raw_server(lambda _asked: Reply(status, 400)) as server:
        why = str(pods_of(server, waits).missing)
    assert "\x1b" not in why
    assert "\n" not in why
    assert "\u202e" not in why
    assert len(why) < 2200


def test_texts_of_others_become_one_short_line():
    assert one_line("a\n b\tc\x00d") == "a b c d"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def test_a_shown_address_has_no_secrets():
    assert plain_url("https://me:pw@proxy:3128/a/?token=x#y") == "https://proxy:3128/a"
    assert plain_url("https://[fd00::1]:6443/") == "https://[fd00::1]:6443"
    assert "pw" not in plain_url("https://me:pw@proxy:not-a-port")


def test_an_answer_without_end_is_cut_off(monkeypatch, waits):
    monkeypatch.setattr("preflight.cluster.api.MAX_BODY_BYTES", 1 << 20)
    body = json.dumps({"items": [], "padding": "x" * (3 << 20)}).encode()
    with raw_server(lambda _asked: Reply(body)) as server:
        assert "the answer is larger than 1 MiB" in str(pods_of(server, waits).missing)


def test_nothing_reaches_the_terminal_on_its_own(capfd, waits):
    with KubeServer(pods(1), tls=True) as server:
        connection = Connection(server=server.url, token="test-token", insecure_skip_tls_verify=True)
        inventory = read([need("pods")], connection, wait=waits)
    assert len(inventory.get("pods").objects) == 1
    assert "the server's certificate was not verified" in inventory.source.notes
    assert capfd.readouterr() == ("", "")


def test_a_crash_in_one_list_is_that_lists_own(server, waits, monkeypatch):
    broken = Resource("odd", "", "v1", "pods", "Pod", namespaces=(7,))  # type: ignore[arg-type]
    inventory = inventory_of(server, waits, need("pods"), need(broken))
    assert inventory.get("pods").missing is None
    assert str(inventory.get("odd").missing).startswith("crashed: ")


def test_no_thread_is_left_behind(server, waits):
    pods_of(server, waits)
    for thread in threading.enumerate():
        if thread.name.startswith("preflight-read"):
            thread.join(10)
            assert not thread.is_alive()
