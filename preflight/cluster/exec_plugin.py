"""Run a credential plugin of a kubeconfig (`users[].user.exec`, client.authentication.k8s.io/v1 and v1beta1).

The kubernetes package can run one too, but waits for it without end, writes what it says to the log and goes on
without credentials when it fails; a preflight must stop in bounded time, say which plugin failed, and keep its output
to itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from preflight.cluster.identity import Credential
from preflight.errors import SourceError

PLUGIN_SECONDS = 60.0
MAX_OUTPUT = 1 << 20
"""An ExecCredential with certificate and key has a few KiB."""


def run_plugin(spec: Mapping[str, Any], cluster: Mapping[str, Any], folder: str) -> Credential:
    """Run the plugin of `spec` for `cluster`; `folder` is where a relative command starts (the kubeconfig's folder).

    Raises SourceError, naming the plugin and never its output.
    """
    command, version = str(spec.get("command") or ""), str(spec.get("apiVersion") or "")
    if not command or not version:
        raise SourceError("the kubeconfig's exec section has no command or no apiVersion")
    interactive = _interactive(spec, command)
    output = _run(
        [_located(command, folder), *(str(item) for item in spec.get("args") or ())],
        _environment(spec, cluster, version, interactive),
        interactive,
        str(spec.get("installHint") or ""),
    )
    return _credential(output, command, version)


def _interactive(spec: Mapping[str, Any], command: str) -> bool:
    mode = spec.get("interactiveMode") or "IfAvailable"
    terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if mode == "Always" and not terminal:
        raise SourceError(f"the credential plugin {command} asks questions and there is no terminal here")
    return terminal and mode != "Never"


def _located(command: str, folder: str) -> str:
    return os.path.join(folder, command) if os.path.dirname(command) else command


def _environment(
    spec: Mapping[str, Any], cluster: Mapping[str, Any], version: str, interactive: bool
) -> dict[str, str]:
    request: dict[str, Any] = {"interactive": interactive}
    if spec.get("provideClusterInfo"):
        known = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        request["cluster"] = {key: cluster[key] for key in known if cluster.get(key)}
        for extension in cluster.get("extensions") or ():
            if extension.get("name") == "client.authentication.k8s.io/exec":
                request["cluster"]["config"] = extension.get("extension")
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": request}
    more = {str(item.get("name")): str(item.get("value") or "") for item in spec.get("env") or ()}
    return {**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _run(argv: list[str], environment: dict[str, str], interactive: bool, install: str) -> bytes:
    name = argv[0]
    try:
        process = subprocess.Popen(
            argv,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.DEVNULL,
            # Its own group, so that what it starts can be ended with it; not when it must reach the terminal.
            process_group=None if interactive else 0,
        )
    except OSError as error:
        hint = f" ({' '.join(install.split())})" if install else ""
        raise SourceError(f"cannot run the credential plugin {name}: {error.strerror}{hint}") from None
    try:
        output = _output(process, name)
    except subprocess.TimeoutExpired:
        _end(process, group=not interactive)
        raise SourceError(
            f"the credential plugin {name} did not finish within {PLUGIN_SECONDS:g} s;"
            " log in with it first (`kubectl get nodes`), then run this again"
        ) from None
    except BaseException:
        _end(process, group=not interactive)
        raise
    if process.returncode != 0:
        raise SourceError(
            f"the credential plugin {name} failed (exit code {process.returncode}); `kubectl get nodes` shows its words"
        )
    return output


def _output(process: subprocess.Popen[bytes], name: str) -> bytes:
    """Read what the plugin prints, to the limit. Raises TimeoutExpired, SourceError above the limit."""
    kept, ends = bytearray(), time.monotonic() + PLUGIN_SECONDS

    def read() -> None:
        while process.stdout and len(kept) <= MAX_OUTPUT and (piece := os.read(process.stdout.fileno(), 65536)):
            kept.extend(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PLUGIN_SECONDS)
    if len(kept) > MAX_OUTPUT:
        raise SourceError(f"the credential plugin {name} printed more than {MAX_OUTPUT >> 20} MiB, and was ended")
    if reader.is_alive():
        raise subprocess.TimeoutExpired(name, PLUGIN_SECONDS)
    process.wait(max(0.0, ends - time.monotonic()))
    if process.stdout:
        process.stdout.close()
    return bytes(kept)


def _end(process: subprocess.Popen[bytes], *, group: bool) -> None:
    with suppress(OSError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _credential(output: bytes, command: str, version: str) -> Credential:
    try:
        answer = json.loads(output)
        status = answer["status"]
        if answer["kind"] != "ExecCredential" or not isinstance(status, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError(f"the credential plugin {command} did not print an ExecCredential with a status") from None
    if answer.get("apiVersion") != version:
        raise SourceError(f"the credential plugin {command} speaks another version than the kubeconfig's {version}")
    found = Credential(
        *(str(status.get(key) or "") for key in ("token", "clientCertificateData", "clientKeyData")),
    )
    if not found.token and not (found.certificate and found.key):
        raise SourceError(f"the credential plugin {command} gave neither a token nor a certificate with its key")
    return found
