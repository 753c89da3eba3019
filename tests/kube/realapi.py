"""A real etcd and kube-apiserver, when KUBEBUILDER_ASSETS names the folder that holds them; else the test is skipped.

The binaries are those of envtest (`setup-envtest use 1.34 -p path`). There are no controllers in such a control
plane, so the stand-ins of this package drive it over HTTP, from a thread while `controllers` is on, with a garbage
collector of our own. What a test cannot have here: its own clock, creationTimestamps, uids, faults. The times in a
planted status are moved so that they lie before or after the planted Jobs as they did (see `planting`).

    server = real_api(objects, controllers=True)      # the fixture of `fixtures`
    server.kubeconfig(tmp_path); server.put(…); server.objects("jobs", "batch"); server.tick()
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .client import Client
from .controllers import Controllers
from .plane import INTERVAL, ControlPlane, control_plane
from .planting import plant
from .remote import SWEPT, HttpCluster, Refused, sweep
from .store import Obj
from .webhook import Webhook

__all__ = ["ControlPlane", "RealServer", "control_plane"]

ATTEMPTS, CLEARINGS = 1200, 5
KEPT = ("namespaces", "customresourcedefinitions")
"""A namespace can never be deleted without its controller."""
SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "default")
"""Namespaces in which the API server keeps objects of its own."""


class RealServer:
    """What a test says to a real API server: the part of KubeServer's interface that can be had here."""

    def __init__(self, plane: ControlPlane, *, controllers: bool = False) -> None:
        self.plane = plane
        self.client = Client(plane.kubeconfig(plane.folder, name="tests"))
        self.cluster = HttpCluster(self.client)
        self._driver = HttpCluster(Client(plane.kubeconfig(plane.folder, name="controllers")))
        self.controllers = Controllers(self._driver)
        self.controllers.running = controllers
        self.webhook = Webhook(plane.folder, lambda name: plane.kubeconfig(plane.folder, name=name))
        self._uids: dict[str, str] = {}
        self._planting = threading.Lock()
        """Held while objects are planted: the controllers must not see half of them."""
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
        try:
            self._stop.set()
            if self._thread.is_alive():
                self._thread.join(60)
            self.webhook.stop()
            self._clear()
        finally:
            self.client.close()
            self._driver.client.close()
        if self._failure is not None and error is None:
            raise self._failure

    def _drive(self) -> None:
        while not self._stop.wait(0.1):
            try:
                with self._planting:
                    self._step()
            except BaseException as error:  # handed to the test's thread
                self._failure = error
                return

    def _step(self) -> None:
        """Take a step; where a client wrote in between, a stand-in's stale write fails and the next step sees to it."""
        with contextlib.suppress(Refused):
            sweep(self._driver)
            self.controllers.step()

    def tick(self, times: int = 1) -> None:
        """Let the controllers take so many steps now; not while they run on their own."""
        for _ in range(times):
            sweep(self._driver)
            self.controllers.step()

    def wait_for(self, goal: Callable[[Self], bool]) -> None:
        """Wait, within bounds, until the controllers that run on their own have brought something about."""
        for _ in range(ATTEMPTS):
            if goal(self):
                return
            if self._failure is not None:
                raise self._failure
            self._stop.wait(INTERVAL / 5)
        raise AssertionError("the controllers did not reach the goal")

    def kubeconfig(self, folder: Path, **options: Any) -> Path:
        """Write a kubeconfig; the options are those of `kubeconfig.write`."""
        return self.plane.kubeconfig(folder, **options)

    def put(self, *objects: Obj) -> list[Obj]:
        """Create objects, status included. They get new uids; references among them are kept right."""
        with self._planting:
            return plant(self.cluster, objects, self._uids)

    def gate_upgrades(self, gate: Any) -> None:
        """Let the webhook, which must be on, ask `gate` about each new Upgrade."""
        self.webhook.upgrades.gate = gate

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
        """Leave nothing behind for the next test; several times, since one deletion may bring about another."""
        more = (("upgrades", "harvesterhci.io"), ("leases", "coordination.k8s.io"))
        made = dict.fromkeys((*self.cluster.made, *self._driver.made))
        for _ in range(CLEARINGS):
            left = 0
            for row in (*SWEPT, *more):
                for obj in self.objects(*row):
                    if obj["metadata"].get("namespace") not in SYSTEM:
                        left += self._remove(*row, obj["metadata"]["namespace"], obj["metadata"]["name"])
            for place in made:
                left += place[0] not in KEPT and self._remove(*place)
            if not left:
                return

    def _remove(self, plural: str, group: str, namespace: str | None, name: str) -> int:
        with contextlib.suppress(Refused):
            obj = self.object(plural, group, namespace, name)
            if obj is None:
                return 0
            if obj["metadata"].pop("finalizers", None):
                self.cluster.update(obj)
            self.cluster.delete(plural, group, namespace, name)
        return 1
