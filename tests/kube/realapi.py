"""A real etcd and kube-apiserver, when KUBEBUILDER_ASSETS names the folder that holds them; else the test is skipped.

The binaries are those of envtest (`setup-envtest use 1.34 -p path`). There are no controllers in such a control
plane, so the stand-ins of this package drive it over HTTP, from a thread while `controllers` is on, with a garbage
collector of our own. What a test cannot have here: its own clock, creationTimestamps, uids, faults, webhooks.

    server = real_api(objects, controllers=True)      # the fixture of `fixtures`
    server.kubeconfig(tmp_path); server.put(…); server.objects("jobs", "batch"); server.tick()
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import urllib3.exceptions

from . import kubeconfig
from .client import Client
from .controllers import Controllers
from .planting import custom_resource_definitions, plant
from .remote import SWEPT, HttpCluster, Refused, sweep
from .store import Obj
from .tls import openssl

TOKEN = "test-token"
ATTEMPTS, INTERVAL = 240, 0.25


class ControlPlane:
    """etcd and kube-apiserver, running."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self.folder = folder
        self._assets = assets
        self._processes: list[subprocess.Popen[bytes]] = []
        self._etcd, self._peer, self._port = (_free_port() for _ in range(3))

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            self._start("etcd", *self._etcd_flags())
            openssl("genrsa", "-out", str(self.folder / "sa.key"), "2048")
            tokens = self.folder / "tokens.csv"
            tokens.write_text(f'{TOKEN},test,test,"system:masters"\n', encoding="utf-8")
            self._start("kube-apiserver", *self._apiserver_flags(tokens))
            self._wait_until_ready()
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
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def kubeconfig(self, folder: Path, **options: Any) -> Path:
        """Write a kubeconfig; the options are those of `kubeconfig.write`."""
        defaults = {"token": TOKEN, "ca": self.folder / "certs" / "apiserver.crt"}
        return kubeconfig.write(folder, self.url, **{**defaults, **options})

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

    def _apiserver_flags(self, tokens: Path) -> list[str]:
        key = self.folder / "sa.key"
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            f"--cert-dir={self.folder / 'certs'}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--service-account-issuer=https://localhost/",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged=true",
            "--authorization-mode=AlwaysAllow",
            f"--token-auth-file={tokens}",
            "--disable-admission-plugins=ServiceAccount",
        ]

    def _wait_until_ready(self) -> None:
        for _ in range(ATTEMPTS):
            if self._ready():
                return
            for process in self._processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(INTERVAL / 2)
                    raise RuntimeError(f"{process.args!r} ended: {self._logs()}")
        raise RuntimeError(f"the API server did not become ready: {self._logs()}")

    def _ready(self) -> bool:
        if not (self.folder / "certs" / "apiserver.crt").is_file():
            return False
        client = Client(self.kubeconfig(self.folder, name="readyz"))
        try:
            return client.request("GET", "/readyz", timeout=2).status == 200
        except urllib3.exceptions.HTTPError:
            return False
        finally:
            client.close()

    def _logs(self) -> str:
        logs = [path.read_text(encoding="utf-8", errors="replace")[-2000:] for path in self.folder.glob("*.log")]
        return "\n".join(logs)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Run a control plane with the CRDs the tests need, or skip the test."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        pytest.skip("KUBEBUILDER_ASSETS is not set: no etcd and kube-apiserver to test against")
    for name in ("etcd", "kube-apiserver"):
        if not os.access(Path(assets) / name, os.X_OK):
            pytest.fail(f"KUBEBUILDER_ASSETS is {assets}, and there is no {name} in it")
    with ControlPlane(Path(assets), folder) as plane:
        client = Client(plane.kubeconfig(folder, name="setup"))
        custom_resource_definitions(HttpCluster(client))
        client.close()
        yield plane


class RealServer:
    """What a test says to a real API server: the part of KubeServer's interface that can be had here."""

    def __init__(self, plane: ControlPlane, *, controllers: bool = False) -> None:
        self.plane = plane
        self.client = Client(plane.kubeconfig(plane.folder, name="tests"))
        self.cluster = HttpCluster(self.client)
        self.controllers = Controllers(HttpCluster(Client(plane.kubeconfig(plane.folder, name="controllers"))))
        self.controllers.running = controllers
        self._uids: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="controllers", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        if self.controllers.running:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(30)
        self._clear()
        self.client.close()
        if self._failure is not None and error is None:
            raise self._failure

    def _drive(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self._step()
            except BaseException as error:  # handed to the test's thread
                self._failure = error
                return

    def _step(self) -> None:
        """Take a step; where a client wrote in between, a stand-in's stale write fails and the next step sees to it."""
        with contextlib.suppress(Refused):
            sweep(self._controller_cluster)
            self.controllers.step()

    @property
    def _controller_cluster(self) -> HttpCluster:
        cluster = self.controllers.cluster
        assert isinstance(cluster, HttpCluster)
        return cluster

    def tick(self, times: int = 1) -> None:
        """Let the controllers take so many steps now; not while they run on their own."""
        for _ in range(times):
            sweep(self._controller_cluster)
            self.controllers.step()

    def wait_for(self, goal: Callable[[Self], bool]) -> None:
        """Wait, within bounds, until the controllers that run on their own have brought something about."""
        for _ in range(ATTEMPTS):
            if goal(self):
                return
            self._stop.wait(INTERVAL / 5)
        raise AssertionError("the controllers did not reach the goal")

    def kubeconfig(self, folder: Path, **options: Any) -> Path:
        """Write a kubeconfig; the options are those of `kubeconfig.write`."""
        return self.plane.kubeconfig(folder, **options)

    def put(self, *objects: Obj) -> list[Obj]:
        """Create objects, status included. They get new uids; references among them are kept right."""
        return plant(self.cluster, objects, self._uids)

    def objects(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return all objects of a kind."""
        return self.cluster.list(plural, group, namespace)

    def object(self, plural: str, group: str, namespace: str | None, name: str) -> Obj | None:
        """Return one object, or None."""
        return self.cluster.get(plural, group, namespace, name)

    def remove(self, plural: str, group: str = "", namespace: str | None = None, name: str | None = None) -> int:
        """Take objects away at once, whatever their finalizers say. Return how many."""
        found = [obj for obj in self.objects(plural, group, namespace) if name in (None, obj["metadata"]["name"])]
        for obj in found:
            metadata = obj["metadata"]
            if metadata.pop("finalizers", None):
                self.cluster.update(obj)
            self.cluster.delete(plural, group, metadata.get("namespace"), metadata["name"])
        return len(found)

    def _clear(self) -> None:
        more = ("upgrades", "versions", "settings")
        for row in (*SWEPT, *((plural, "harvesterhci.io") for plural in more), ("leases", "coordination.k8s.io")):
            with contextlib.suppress(Refused):
                self.remove(*row)
