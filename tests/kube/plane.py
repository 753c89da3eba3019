"""A real etcd and kube-apiserver, started for a session of tests.

The flags exist in every kube-apiserver from 1.29 on, and in etcd 3.5 and 3.6. The ServiceAccount admission is off, as
in envtest: it would want an account that only a controller makes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import urllib3

from . import kubeconfig
from .client import Client
from .planting import custom_resource_definitions, namespace
from .remote import HttpCluster
from .tls import Certificates, openssl

TOKEN = "test-token"
START_SECONDS, STOP_SECONDS, INTERVAL = 120.0, 20.0, 0.25
STARTS = 3
"""A port that was free a moment ago may be taken when the program comes to it: then others are tried."""


class ControlPlane:
    """etcd and kube-apiserver, running."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self.folder = folder
        self._assets = assets
        self._processes: list[subprocess.Popen[bytes]] = []
        self._etcd = self._peer = self._port = 0

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def certs(self) -> Path:
        """The folder of the certificates."""
        return self.folder / "certs"

    def __enter__(self) -> Self:
        try:
            self.certs.mkdir()
            Certificates(self.certs)
            openssl("genrsa", "-out", str(self.certs / "sa.key"), "2048")
            (self.folder / "tokens.csv").write_text(f'{TOKEN},test,test,"system:masters"\n', encoding="utf-8")
            for left in reversed(range(STARTS)):
                try:
                    self._start_both()
                    break
                except RuntimeError as error:
                    self.stop()
                    if not left or "address already in use" not in str(error):
                        raise
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End both, the API server first."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def kubeconfig(self, folder: Path, **options: Any) -> Path:
        """Write a kubeconfig; the options are those of `kubeconfig.write`."""
        return kubeconfig.write(folder, self.url, **{"token": TOKEN, "ca": self.certs / "ca.crt", **options})

    def _start_both(self) -> None:
        self._etcd, self._peer, self._port = free_ports(3)
        self._start("etcd", *self._etcd_flags())
        self._wait_until(self._etcd_is_healthy)
        self._start("kube-apiserver", *self._apiserver_flags())
        self._wait_until(self._is_ready)

    def _start(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            program = str(self._assets / name)
            self._processes.append(subprocess.Popen([program, *flags], stdout=log, stderr=subprocess.STDOUT))

    def _etcd_flags(self) -> list[str]:
        peer, clients = f"http://127.0.0.1:{self._peer}", f"http://127.0.0.1:{self._etcd}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        ]

    def _apiserver_flags(self) -> list[str]:
        key = self.certs / "sa.key"
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            f"--cert-dir={self.certs}",
            f"--tls-cert-file={self.certs / 'server.crt'}",
            f"--tls-private-key-file={self.certs / 'server.key'}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",  # else it looks for a default route, which a sandbox has not
            "--endpoint-reconciler-type=none",  # no Endpoints object may hold a loopback address
            "--service-account-issuer=https://localhost/",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged=true",
            "--authorization-mode=AlwaysAllow",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--disable-admission-plugins=ServiceAccount",
        ]

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while not ready():
            for process in self._processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(INTERVAL / len(self._processes))
                    raise RuntimeError(f"{process.args!r} ended with {code}: {self._logs()}")
            if time.monotonic() > end:
                raise RuntimeError(f"not ready within {START_SECONDS:g} s: {self._logs()}")

    def _etcd_is_healthy(self) -> bool:
        with urllib3.PoolManager(retries=False, timeout=2.0) as pool:
            try:
                return pool.request("GET", f"http://127.0.0.1:{self._etcd}/health").status == 200
            except (urllib3.exceptions.HTTPError, OSError):
                return False

    def _is_ready(self) -> bool:
        client = Client(self.kubeconfig(self.folder, name="readyz"))
        try:
            return client.request("GET", "/readyz", timeout=5).status == 200
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        finally:
            client.close()

    def _logs(self) -> str:
        texts = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in self.folder.glob("*.log")}
        return "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in sorted(texts.items()))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all of them different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Run a control plane with the CRDs and the namespace the tests need, or skip the test."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        pytest.skip("KUBEBUILDER_ASSETS is not set: no etcd and kube-apiserver to test against")
    for name in ("etcd", "kube-apiserver"):
        if not os.access(Path(assets) / name, os.X_OK):
            pytest.fail(f"KUBEBUILDER_ASSETS is {assets}, and there is no {name} in it")
    with ControlPlane(Path(assets), folder) as plane:
        client = Client(plane.kubeconfig(folder, name="setup"))
        try:
            cluster = HttpCluster(client)
            for name in ("kube-system", "harvester-system"):
                namespace(cluster, name)
            custom_resource_definitions(cluster)
        finally:
            client.close()
        yield plane
