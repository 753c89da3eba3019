"""Kubeconfig files, right and wrong ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import yaml

ExecPlugin = Literal["ok", "fail", "hang", "garbage", "expired"]

_PLUGIN = """#!{python}
import json, signal, sys
how, token = {how!r}, {token!r}
if how == "fail":
    sys.exit("the login has expired: run `login` again")
if how == "hang":
    signal.alarm(600)
    signal.pause()
if how == "garbage":
    print("Please open https://login.example/ in a browser")
    sys.exit(0)
status = {{"token": "stale" if how == "expired" else token}}
if how == "expired":
    status["expirationTimestamp"] = "2020-01-01T00:00:00Z"
credential = {{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}
print(json.dumps(credential))
"""


def write(
    folder: Path,
    url: str,
    *,
    name: str = "kubeconfig",
    token: str | None = None,
    exec_plugin: ExecPlugin | None = None,
    ca: Path | None = None,
    insecure: bool = False,
    namespace: str | None = None,
    context: str = "test",
) -> Path:
    """Write a kubeconfig and return its path.

    Args:
        folder: where to; the exec plugin goes there too.
        url: the server's address.
        name: the file's name.
        token: the bearer token; None for none.
        exec_plugin: get the token from a credential plugin instead, which works, fails, hangs, prints no
            credential, or gives a stale token.
        ca: the CA file that the server's certificate is checked against; None: the machine's own CAs.
        insecure: do not check the certificate.
        namespace: the context's namespace.
        context: the name of context, cluster and user.
    """
    cluster: dict[str, Any] = {"server": url}
    if insecure:
        cluster["insecure-skip-tls-verify"] = True
    elif ca is not None:
        cluster["certificate-authority"] = str(ca)
    user: dict[str, Any] = {"token": token} if token and not exec_plugin else {}
    if exec_plugin:
        user["exec"] = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(_plugin(folder, name, exec_plugin, token or "")),
            "interactiveMode": "Never",
        }
    where = {"cluster": context, "user": context, **({"namespace": namespace} if namespace else {})}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": where}],
    }
    path = folder / name
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    path.chmod(0o600)
    return path


def _plugin(folder: Path, name: str, how: ExecPlugin, token: str) -> Path:
    path = folder / f"{name}-login"
    path.write_text(_PLUGIN.format(python=sys.executable, how=how, token=token), encoding="utf-8")
    path.chmod(0o700)
    return path
