"""The connection flags of kubectl, and which files they mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


def flags_of(connection: Connection, context: str = "") -> tuple[str, ...]:
    """Return the flags by which kubectl reaches the same cluster as the same user; a token is never among them.

    `context` is the one that was in use, where none was named and another may be in use when the flags are.
    """
    named = (
        ("--kubeconfig", connection.kubeconfig),
        ("--context", connection.context or context),
        ("--cluster", connection.cluster),
        ("--user", connection.user),
        ("--as", connection.as_),
        *(("--as-group", group) for group in connection.as_groups),
        ("--server", connection.server),
        ("--certificate-authority", connection.certificate_authority),
    )
    flags = [word for flag, value in named if value for word in (flag, value)]
    return (*flags, "--insecure-skip-tls-verify") if connection.insecure_skip_tls_verify else tuple(flags)


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


def names_of_contexts(connection: Connection) -> list[str]:
    """Return the names of the contexts that can be read, to offer them: a file that is broken has none.

    Raises FlagError for a kubeconfig that is named and not there.
    """
    import yaml

    found: dict[str, None] = {}
    for path in kubeconfig_paths(connection):
        try:
            contexts = yaml.safe_load(path.read_bytes())["contexts"]
            found.update(dict.fromkeys(str(entry["name"]) for entry in contexts))
        except (OSError, yaml.YAMLError, ValueError, LookupError, TypeError, RecursionError):
            continue
    return list(found)


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
