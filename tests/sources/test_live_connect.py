"""Which server, and as whom: flags, kubeconfig files, the pod's account, the node's own file."""

import base64
import errno
import json
import os
from pathlib import Path

import pytest
import yaml

from preflight.cluster.connection import Connection
from preflight.cluster.login import login
from preflight.errors import FlagError, SourceError
from preflight.sources.live.reader import connect, read
from tests.kube import KubeServer

SECRET = "s3cr3t-word"


def config(name, server="https://10.0.0.1:6443", *, current=True, user=None, cluster=None):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        **({"current-context": name} if current else {}),
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": name, "user": {"token": f"{name}-token"} if user is None else user}],
    }


@pytest.fixture
def written(tmp_path):
    def write(content, name="config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    return write


def token_of(found):
    return dict(found.headers()).get("Authorization")


# -- where from -----------------------------------------------------------------------------------------------------


def test_the_flag_goes_before_the_environment_and_that_before_the_home_folder(written, monkeypatch, tmp_path):
    home = Path(written(config("home"), "home/.kube/config")).parents[1]
    monkeypatch.setenv("HOME", str(home))
    assert token_of(login(Connection())) == "Bearer home-token"
    monkeypatch.setenv("KUBECONFIG", written(config("env"), "env"))
    assert token_of(login(Connection())) == "Bearer env-token"
    assert token_of(login(Connection(kubeconfig=written(config("flag"), "flag")))) == "Bearer flag-token"


def test_several_files_are_one_and_the_first_that_names_a_thing_wins(written, monkeypatch, tmp_path):
    first = written(config("a", server="https://a:6443"), "a")
    second = config("b", server="https://b:6443")
    second["users"].append({"name": "a", "user": {"token": "not-this"}})
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/absent:{first}:{written(second, 'b')}")
    found = login(Connection())
    assert (found.server, token_of(found)) == ("https://a:6443", "Bearer a-token")
    found = login(Connection(context="b"))
    assert (found.server, token_of(found)) == ("https://b:6443", "Bearer b-token")
    found = login(Connection(context="a", cluster="b", user="a"))
    assert (found.server, token_of(found)) == ("https://b:6443", "Bearer a-token")


def test_notes_name_context_user_and_file(written):
    path = written(config("prod"))
    assert login(Connection(kubeconfig=path)).notes == [f"context prod, user prod ({path})"]


def test_in_a_pod_the_service_account_is_used(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("pod-token\n", encoding="utf-8")
    (tmp_path / "ca.crt").write_text("a certificate", encoding="utf-8")
    (tmp_path / "namespace").write_text("tools", encoding="utf-8")
    for module in ("connection", "login"):
        monkeypatch.setattr(f"preflight.cluster.{module}.SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = login(Connection())
    assert found.server == "https://[fd00::1]:443"
    assert token_of(found).lower() == "bearer pod-token"
    assert found.notes == ["connected as the service account of this pod (namespace tools)"]


def test_on_a_node_its_own_file_is_used_and_said(written, monkeypatch):
    path = Path(written(config("default"), "rke2.yaml"))
    monkeypatch.setattr("preflight.cluster.connection.RKE2_KUBECONFIG", path)
    monkeypatch.setattr("preflight.cluster.kubeconfig.RKE2_KUBECONFIG", path)
    found = login(Connection())
    assert token_of(found) == "Bearer default-token"
    assert "this node's own" in " ".join(found.notes)


def test_without_anything_the_error_says_what_to_give():
    with pytest.raises(SourceError, match=r"no cluster to read: .*--source FILE or --source demo") as error:
        login(Connection())
    assert error.value.exit_code == 2


# -- flags ----------------------------------------------------------------------------------------------------------


def test_flags_win_over_the_file(written):
    path = written(config("a", cluster={"insecure-skip-tls-verify": False}))
    found = login(
        Connection(
            kubeconfig=path,
            server="https://other:1/prefix/",
            token="flag-token",
            as_="admin",
            as_groups=("g1", "g2"),
            insecure_skip_tls_verify=True,
        )
    )
    assert found.server == "https://other:1/prefix"
    assert sorted(found.headers()) == [
        ("Authorization", "Bearer flag-token"),
        ("Impersonate-Group", "g1"),
        ("Impersonate-Group", "g2"),
        ("Impersonate-User", "admin"),
    ]
    assert found.user == "the user of --token, impersonating admin"
    assert found.configuration.verify_ssl is False


def test_impersonation_of_the_file_is_used_as_kubectl_does(written):
    user = {"token": "t", "as": "someone", "as-groups": ["g"]}
    found = login(Connection(kubeconfig=written(config("a", user=user))))
    assert ("Impersonate-User", "someone") in found.headers()
    assert ("Impersonate-Group", "g") in found.headers()


def test_groups_without_a_user_are_refused(written):
    with pytest.raises(SourceError, match="--as-group needs --as"):
        login(Connection(kubeconfig=written(config("a")), as_groups=("g",)))


def test_impersonation_and_groups_reach_the_server(tmp_path):
    with KubeServer() as server:
        connection = Connection(server=server.url, token="test-token", as_="admin", as_groups=("one", "two"))
        connect(connection)
        assert server.requests[-1].headers["Impersonate-User"] == "admin"
        assert "two" in str(server.requests[-1].headers) or "one" in str(server.requests[-1].headers)


def test_a_server_alone_is_enough():
    found = login(Connection(server="harvester.local:6443", token="t"))
    assert found.server == "https://harvester.local:6443"


def test_basic_authentication_of_the_file(written):
    found = login(Connection(kubeconfig=written(config("a", user={"username": "u", "password": "p"}))))
    assert token_of(found) == "Basic " + base64.b64encode(b"u:p").decode()


def test_a_token_file_is_relative_to_the_kubeconfig(written, tmp_path):
    written("file-token", "folder/token")
    path = written(config("a", user={"tokenFile": "token"}), "folder/config")
    assert token_of(login(Connection(kubeconfig=path))) == "Bearer file-token"


# -- what can be wrong with them ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a kubeconfig"),
        ("- a\n- b", "not a kubeconfig"),
        (f"users: [{{token: {SECRET}\n", "not YAML: error in line"),
        (b"\xff\xfe".decode("latin-1") + "\x00", "not YAML"),
        ({"kind": "Config"}, "no current context"),
        ({**config("a"), "current-context": "b"}, "has no context b (there: a)"),
        (config("a", current=False), "choose one with --context (there: a)"),
        ({**config("a"), "clusters": []}, "has no cluster named a"),
        ({**config("a"), "clusters": [{"name": "a", "cluster": {}}]}, "has no server address"),
        ({**config("a"), "clusters": [{"name": "a"}]}, "has no server address"),
        ({**config("a"), "contexts": 7}, "cannot be used"),
        ({**config("a"), "contexts": [{"context": {}}]}, "cannot be used"),
        ({**config("a"), "users": [{"name": "a", "user": [SECRET]}]}, "cannot be used"),
        (config("a", server="ftp://x"), "not the address of a server: ftp://x"),
        (config("a", server=f"https://me:{SECRET}@x"), "is not used"),
        (config("a", user={"client-certificate-data": SECRET}), "kubeconfig"),
        (config("a", user={"client-certificate": "/no/such/file", "client-key": "/none"}), "/no/such/file"),
        (config("a", user={"tokenFile": "/no/such/file"}), f"cannot be used: {os.strerror(errno.ENOENT)}"),
        (config("a", cluster={"certificate-authority": "/no/such/ca"}), "/no/such/ca"),
        (config("a", user={"exec": {"command": "x"}}), "no apiVersion"),
        (config("a", user={"exec": {"apiVersion": "v1"}}), "no command"),
        (config("a", user={"exec": "x"}), "exec is not a map"),
        (config("a", user={"auth-provider": {"name": "oidc", "config": {"client-secret": SECRET}}}), "kubeconfig"),
    ],
)
def test_a_broken_file_is_one_line_without_its_secrets(written, content, words):
    path = written(content)
    with pytest.raises(SourceError) as error:
        login(Connection(kubeconfig=path))
    text = error.value.message + error.value.detail
    assert words in text
    assert "\n" not in text
    assert SECRET not in text
    no_cluster_chosen = words in ("no current context", "choose one with --context (there: a)")
    assert error.value.exit_code == (2 if no_cluster_chosen else 4)


def test_an_entry_that_lacks_a_key_is_not_quoted(written, monkeypatch, tmp_path):
    provider = {"name": "oidc", "config": {"client-secret": SECRET}}
    written(config("a", user={"auth-provider": provider}), "c")
    monkeypatch.chdir(tmp_path)  # a short path, so that nothing is only cut off
    with pytest.raises(SourceError) as error:
        login(Connection(kubeconfig="c"))
    assert error.value.message.startswith("the kubeconfig c is broken: ")
    assert "id-token" in error.value.message
    assert SECRET not in error.value.message


def test_files_and_names_that_are_not_there(written, monkeypatch, tmp_path):
    path = written(config("a"))
    for connection, words in [
        (Connection(kubeconfig="/no/such/file"), "--kubeconfig /no/such/file: no such file"),
        (Connection(kubeconfig=path, context="x"), "has no context x"),
        (Connection(kubeconfig=path, cluster="x"), "has no cluster named x"),
        (Connection(kubeconfig=path, user="x"), "has no user named x"),
        (Connection(kubeconfig=path, certificate_authority="/no/ca"), "--certificate-authority /no/ca: no such file"),
    ]:
        with pytest.raises(FlagError, match=words):
            login(connection)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/one:{tmp_path}/two")
    with pytest.raises(FlagError, match=r"KUBECONFIG names .*/one, .*/two: no such file"):
        login(Connection())


def test_an_authority_that_is_no_certificate_is_named(written):
    path = written("not a certificate", "ca.crt")
    with pytest.raises(SourceError, match=f"cannot use the certificate authority {path}"):
        connect(Connection(server="https://127.0.0.1:1", certificate_authority=path))


def test_a_client_certificate_that_is_none_is_named(written):
    data = base64.b64encode(SECRET.encode()).decode()
    path = written(config("a", user={"client-certificate-data": data, "client-key-data": data}))
    with pytest.raises(SourceError, match="cannot use the client certificate or its key") as error:
        connect(Connection(kubeconfig=path))
    assert SECRET not in error.value.message


def test_no_secret_in_a_repr():
    assert SECRET not in repr(Connection(token=SECRET))
    assert SECRET not in repr(login(Connection(server="https://x", token=SECRET)))


# -- OIDC -----------------------------------------------------------------------------------------------------------


def jwt(expires):
    parts = [{"alg": "none"}, {"exp": expires}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


def test_an_oidc_token_is_used_and_the_file_is_left_alone(written):
    valid = jwt(4102444800)
    path = written(config("a", user={"auth-provider": {"name": "oidc", "config": {"id-token": valid}}}))
    before = Path(path).read_bytes()
    found = login(Connection(kubeconfig=path, server="https://other:6443", as_="x"))
    assert token_of(found) == f"Bearer {valid}"
    assert Path(path).read_bytes() == before


def test_an_oidc_issuer_out_of_reach_is_one_line(written):
    settings = {"id-token": jwt(1), "idp-issuer-url": "http://127.0.0.1:9", "client-id": "i", "client-secret": SECRET}
    path = written(config("a", user={"auth-provider": {"name": "oidc", "config": {**settings, "refresh-token": "r"}}}))
    with pytest.raises(SourceError, match="cannot be used") as error:
        login(Connection(kubeconfig=path))
    assert SECRET not in error.value.message


# -- credential plugins ---------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    with KubeServer() as server:
        yield server


def test_a_plugin_gives_the_token(server, tmp_path, capfd):
    inventory = read([], Connection(kubeconfig=str(server.kubeconfig(tmp_path, exec_plugin="ok"))))
    assert inventory.source.name == server.url
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("how", "words"),
    [("fail", r"failed \(exit code 1\)"), ("garbage", "did not print an ExecCredential")],
)
def test_a_plugin_that_goes_wrong_is_named_and_its_words_kept(server, tmp_path, capfd, how, words):
    with pytest.raises(SourceError, match=f"config-login.* {words}") as error:
        read([], Connection(kubeconfig=str(server.kubeconfig(tmp_path, exec_plugin=how))))
    assert "login.example" not in error.value.message
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_hangs_is_ended(server, tmp_path, monkeypatch):
    monkeypatch.setattr("preflight.cluster.exec_plugin.PLUGIN_SECONDS", 0.5)
    with pytest.raises(SourceError, match=r"did not finish within 0.5 s; log in with it first"):
        read([], Connection(kubeconfig=str(server.kubeconfig(tmp_path, exec_plugin="hang"))))


def test_a_plugin_that_is_not_there_is_named_with_its_hint(written):
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "installHint": "get\nit"}
    with pytest.raises(
        SourceError, match=rf"cannot run the credential plugin no-such-login: {os.strerror(errno.ENOENT)}.*\(get it\)"
    ):
        login(Connection(kubeconfig=written(config("a", user={"exec": plugin}))))


def test_a_stale_token_makes_the_plugin_run_again_once(server, tmp_path):
    path = server.kubeconfig(tmp_path, exec_plugin="expired")
    with pytest.raises(SourceError, match="401"):
        read([], Connection(kubeconfig=str(path)))
    plugin = next(tmp_path.glob("*login"))
    counter = tmp_path / "count"
    script = plugin.read_text(encoding="utf-8").replace(
        "status = {", f"open({str(counter)!r}, 'a').write('x')\nstatus = {{", 1
    )
    plugin.write_text(script, encoding="utf-8")
    with pytest.raises(SourceError, match="401"):
        read([], Connection(kubeconfig=str(path)))
    assert counter.read_text(encoding="utf-8") == "xx"


def test_a_token_that_ran_out_is_replaced_on_the_way(server, tmp_path):
    path = server.kubeconfig(tmp_path, exec_plugin="ok")
    plugin = next(tmp_path.glob("*login"))
    api = connect(Connection(kubeconfig=str(path)))
    plugin.write_text(plugin.read_text(encoding="utf-8").replace("test-token", "next-token"), encoding="utf-8")
    server.api.access.tokens.clear()
    server.api.access.tokens["next-token"] = "test"
    assert api.get("/api/v1/nodes")["items"] == []


def test_a_flag_token_needs_no_plugin(server, tmp_path):
    path = server.kubeconfig(tmp_path, exec_plugin="fail")
    assert connect(Connection(kubeconfig=str(path), token="test-token")).version


def test_the_plugin_learns_of_the_cluster_only_when_it_asks(written, tmp_path):
    script = tmp_path / "login"
    script.write_text('#!/bin/sh\necho "$KUBERNETES_EXEC_INFO $EXTRA" > "$0.asked"\nexit 3\n', encoding="utf-8")
    script.chmod(0o700)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./login",
        "env": [{"name": "EXTRA", "value": "more"}],
        "provideClusterInfo": True,
    }
    with pytest.raises(SourceError, match="exit code 3"):
        login(Connection(kubeconfig=written(config("a", user={"exec": plugin}))))
    asked, _, extra = (tmp_path / "login.asked").read_text(encoding="utf-8").strip().rpartition(" ")
    assert extra == "more"
    assert json.loads(asked)["spec"] == {"interactive": False, "cluster": {"server": "https://10.0.0.1:6443"}}
