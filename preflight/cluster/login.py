"""Find out which server to ask and as whom, as kubectl does: flags, kubeconfig files, the pod's service account.

The kubernetes package reads kubeconfig, refreshes OIDC tokens, rotates service account tokens and knows the proxies;
credential plugins are run by exec_plugin. Overrides go to the client's configuration, never into the kubeconfig's data,
because the package writes that back to the file when it refreshes an OIDC token.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from preflight.cluster.connection import (
    RKE2_KUBECONFIG,
    SERVICE_ACCOUNT,
    Connection,
    impersonation,
    kubeconfig_paths,
)
from preflight.cluster.identity import Login
from preflight.errors import FlagError, SourceError
from preflight.values.foreign_text import one_line, plain_url


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
        raise FlagError(
            "no cluster to read: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, not in a pod and not on a Harvester"
            f" node ({RKE2_KUBECONFIG}); offline: --source FILE or --source demo"
        )
    _override(found, connection)
    return found


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


def _address(host: str) -> str:
    address = (host if "://" in host else f"https://{host}").rstrip("/")
    scheme = address.partition("://")[0].lower()
    if scheme not in ("http", "https") or plain_url(address).endswith("://"):
        raise SourceError(f"not the address of a server: {one_line(plain_url(address))}")
    if "@" in address.partition("://")[2].partition("/")[0]:
        raise SourceError(f"{plain_url(address)}: an address with a user name or password is not used")
    return address
