"""The connection flags of kubectl, which files they mean, and what a login consists of."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


def impersonation(user: str, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the headers of --as and --as-group. Raises SourceError for groups without a user, as kubectl does."""
    if groups and not user:
        raise FlagError("--as-group needs --as")
    return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)] if user else []


def text_of(section: Mapping[str, Any], key: str) -> str:
    """Return a text of a kubeconfig, empty when missing. Raises SourceError for anything else."""
    found = section.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise SourceError(f"the kubeconfig is broken: {key} is not text")
    return found
