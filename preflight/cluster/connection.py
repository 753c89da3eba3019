"""Find out which server to ask and as whom, as kubectl does: flags, kubeconfig files, the pod's service account.

The kubernetes package reads kubeconfig, refreshes OIDC tokens, rotates service account tokens and knows the proxies;
credential plugins are run by exec_plugin. Overrides go to the client's configuration, never into the kubeconfig's data,
because the package writes that back to the file when it refreshes an OIDC token.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.cluster.errors import one_line, plain_url
from preflight.cluster.exec_plugin import Credential
from preflight.errors import FlagError, SourceError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
RKE2_KUBECONFIG = Path("/etc/rancher/rke2/rke2.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The connection flags of kubectl."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    as_: str = ""
    as_groups: tuple[str, ...] = ()
    server: str = ""
    token: str = field(default="", repr=False)
    certificate_authority: str = ""
    insecure_skip_tls_verify: bool = False
    request_timeout: float | None = None
    """Seconds to wait for a connection or for the next bytes of an answer; None: 30, 0: for ever."""


@dataclass(slots=True, repr=False)
class Login:
    """Where to send requests and what proves who sends them."""

    server: str
    """The base address of every path, without a slash at its end."""
    user: str
    """In words, for messages."""
    notes: list[str]
    configuration: Any
    """A kubernetes.client.Configuration."""
    impersonation: list[tuple[str, str]]
    credential: Credential | None = None
    plugin: Callable[[], Credential] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of identity. Tokens that run out are refreshed here by the kubernetes package."""
        found = list(self.impersonation)
        if self.credential and self.credential.token:
            return [*found, ("Authorization", f"Bearer {self.credential.token}")]
        with self.lock:
            try:
                settings = self.configuration.auth_settings()
            except Exception as error:  # whatever the package lets through when a refresh fails
                raise SourceError(f"cannot refresh the credentials of {self.user}: {type(error).__name__}") from None
        return found + [("Authorization", str(item["value"]).strip()) for item in settings.values() if item["value"]]

    def renew(self, used: list[tuple[str, str]]) -> bool:
        """Run the credential plugin again after a 401; False when that cannot change anything.

        The server's word decides and not an expiry time, since this machine's clock may be wrong.
        """
        if self.plugin is None:
            return False
        with self.lock:
            if self.credential and ("Authorization", f"Bearer {self.credential.token}") in used:
                self.credential = self.plugin()
        return self.headers() != used


def login(connection: Connection) -> Login:
    """Resolve the flags, the environment and the files into a Login; nothing is sent yet.

    Raises SourceError: no configuration, a broken one, or a plugin that failed.
    """
    from kubernetes.client.configuration import Configuration

    configuration = Configuration()
    configuration.connection_pool_maxsize = 32
    paths = kubeconfig_paths(connection)
    if paths:
        from preflight.cluster.kubeconfig import from_kubeconfig

        found = from_kubeconfig(paths, connection, configuration)
    elif connection.server:
        found = Login("", "no user", ["no kubeconfig: only the flags"], configuration, [])
    elif os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(SERVICE_ACCOUNT / "token"):
        found = _in_cluster(configuration)
    else:
        raise SourceError(
            "no cluster to read: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, not in a pod and not on a Harvester"
            f" node ({RKE2_KUBECONFIG}); offline: --source FILE or --source demo"
        )
    _override(found, connection)
    return found


def kubeconfig_paths(connection: Connection) -> list[Path]:
    """Return the kubeconfig files to merge; none means the service account of a pod. Raises SourceError."""
    if connection.kubeconfig:
        path = Path(connection.kubeconfig).expanduser()
        if not os.path.exists(path):
            raise FlagError(f"--kubeconfig {connection.kubeconfig}: no such file")
        return [path]
    named = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if named:
        there = [path for path in named if os.path.exists(path)]
        if not there and not connection.server:
            raise FlagError(f"KUBECONFIG names {', '.join(map(str, named))}: no such file")
        return there
    # Not Path.exists, which raises for a folder that only root may enter, as that of RKE2 is.
    home = Path("~/.kube/config").expanduser()
    if os.path.exists(home):
        return [home]
    in_pod = os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(SERVICE_ACCOUNT / "token")
    return [RKE2_KUBECONFIG] if os.path.exists(RKE2_KUBECONFIG) and not in_pod and not connection.server else []


def _in_cluster(configuration: Any) -> Login:
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.incluster_config import InClusterConfigLoader

    loader = InClusterConfigLoader(
        token_filename=str(SERVICE_ACCOUNT / "token"),
        cert_filename=str(SERVICE_ACCOUNT / "ca.crt"),
        environ=os.environ,
    )
    try:
        loader.load_and_set(configuration)
        namespace = (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
    except (ConfigException, OSError, ValueError) as error:
        raise SourceError(f"cannot use the service account of this pod: {one_line(error)}") from None
    user = f"the service account of this pod (namespace {namespace})"
    return Login("", user, [f"connected as {user}"], configuration, [])


def _override(found: Login, connection: Connection) -> None:
    """Let the flags win over everything else."""
    configuration = found.configuration
    if connection.server:
        configuration.host = connection.server
    if connection.token:
        configuration.refresh_api_key_hook = None
        configuration.api_key = {"BearerToken": f"Bearer {connection.token}"}
        found.credential = found.plugin = None
        found.user = "the user of --token"
    if connection.certificate_authority:
        path = Path(connection.certificate_authority).expanduser()
        if not path.is_file():
            raise FlagError(f"--certificate-authority {connection.certificate_authority}: no such file")
        configuration.ssl_ca_cert = str(path)
    if connection.insecure_skip_tls_verify:
        configuration.verify_ssl = False
    if connection.as_ or connection.as_groups:
        found.impersonation = impersonation(connection.as_, connection.as_groups)
    if found.impersonation:
        found.user += f", impersonating {found.impersonation[0][1]}"
    if not configuration.verify_ssl:
        found.notes.append("the server's certificate was not verified")
    found.server = _address(configuration.host)
    configuration.host = found.server


def impersonation(user: str, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the headers of --as and --as-group. Raises SourceError for groups without a user, as kubectl does."""
    if groups and not user:
        raise FlagError("--as-group needs --as")
    return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)] if user else []


def _address(host: str) -> str:
    address = (host if "://" in host else f"https://{host}").rstrip("/")
    scheme = address.partition("://")[0].lower()
    if scheme not in ("http", "https") or plain_url(address).endswith("://"):
        raise SourceError(f"not the address of a server: {one_line(plain_url(address))}")
    if "@" in address.partition("://")[2].partition("/")[0]:
        raise SourceError(f"{plain_url(address)}: an address with a user name or password is not used")
    return address


def text_of(section: Mapping[str, Any], key: str) -> str:
    """Return a text of a kubeconfig, empty when missing. Raises SourceError for anything else."""
    found = section.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise SourceError(f"the kubeconfig is broken: {key} is not text")
    return found
