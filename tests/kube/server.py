"""The server itself: a thread with its own event loop, and what a test says to it."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import tempfile
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import kmock

from . import kubeconfig
from .admission import Denial, Hook, Review
from .api import Api, Call
from .controllers import Controllers
from .faults import Effect, Fail, Fault, Faults
from .local import LocalCluster
from .pods import RunPod
from .rbac import Rule
from .resources import DEFAULT_RESOURCES, Kind, Kinds
from .store import Clock, Obj
from .tls import Certificates
from .transport import App, Recorded, listener, reset

PATIENCE = 30.0
"""Seconds after which a wait for the server's own thread is given up: only a broken test gets there."""


class KubeServer:
    """A Kubernetes API server for tests: `with KubeServer(objects) as server: …`. See the package's docstring."""

    def __init__(
        self,
        objects: Iterable[Obj] = (),
        *,
        resources: Iterable[Kind] = DEFAULT_RESOURCES,
        token: str | None = "test-token",
        user: str = "test",
        page_size: int | None = None,
        controllers: bool = False,
        tls: bool = False,
        port: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self._clock = Clock()
        self.kinds = Kinds(resources)
        self.api = Api(self.kinds, self._clock)
        self.api.lister.page_size = page_size
        self.token = token
        if token:
            self.api.access.tokens[token] = user
        self.controllers = Controllers(LocalCluster(self.api.writer))
        self.controllers.running = controllers
        self.faults = Faults()
        self.requests: list[Recorded] = []
        """Every request, in order."""
        self.stalled = threading.Event()
        """Set once a request is being held by a Stall."""
        self._stack = contextlib.ExitStack()
        self._tls, self.port = tls, port
        self.certificates: Certificates | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._seen_writes = self._quiet = 0
        self.api.store.put(*objects)

    # -- life ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._tls:
            self.certificates = Certificates(Path(self._stack.enter_context(tempfile.TemporaryDirectory())))
        self._thread = threading.Thread(target=self._run, name="kube-server", daemon=True)
        self._thread.start()
        if not self._started.wait(PATIENCE) or self._failure:
            raise RuntimeError("the test server did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)
        self._stack.close()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to the test's thread
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.kmock = App(self)
        context = self.certificates.context() if self.certificates else None
        async with self.kmock, kmock.Server(self.kmock, port=self.port, server_cls=listener(context)) as self._server:  # type: ignore[arg-type]
            self.port = self._server.port
            self._started.set()
            await self._stop.wait()
            self._hang_up()

    def _hang_up(self) -> None:
        for connection in self._server.server.handler.connections:
            if connection.transport is not None:
                reset(connection.transport)

    def die(self) -> None:
        """Stop at once, as a machine that loses power: connections break, new ones are refused or reset."""
        self.kmock.dead = True

        async def close() -> None:
            runner = self._server.server.runner
            assert runner is not None
            for site in list(runner.sites):
                await site.stop()
            self._hang_up()

        if threading.current_thread() is self._thread:
            self._dying = self._loop.create_task(close())
        else:
            asyncio.run_coroutine_threadsafe(close(), self._loop).result(PATIENCE)

    # -- reaching it ---------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The server's address."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def kubeconfig(self, folder: Path, **options: Any) -> Path:
        """Write a kubeconfig into a folder and return its path; for the options see `kubeconfig.write`."""
        options.setdefault("token", self.token)
        if self.certificates:
            options.setdefault("ca", self.certificates.ca)
        return kubeconfig.write(folder, options.pop("url", self.url), **options)

    # -- objects -------------------------------------------------------------------------------------------------

    def put(self, *objects: Obj) -> list[Obj]:
        """Store objects as they are, status included (Lists are unpacked); return them as stored."""
        with self.lock:
            return self.api.store.put(*objects)

    def remove(self, plural: str, group: str = "", namespace: str | None = None, name: str | None = None) -> int:
        """Take objects away at once: no finalizers, no admission, no garbage collection. Return how many."""
        with self.lock:
            found = [obj for obj in self.objects(plural, group, namespace) if name in (None, obj["metadata"]["name"])]
            for obj in found:
                self.api.store.drop(self.kinds.of(obj), obj)
            return len(found)

    def objects(self, plural: str, group: str = "", namespace: str | None = None) -> list[Obj]:
        """Return copies of all objects of a kind."""
        with self.lock:
            return self.api.store.objects(plural, group, namespace)

    def object(self, plural: str, group: str, namespace: str | None, name: str) -> Obj | None:
        """Return a copy of one object, or None."""
        with self.lock:
            kind = self.kinds.find(group, plural)
            return copy.deepcopy(self.api.store.peek(kind, namespace, name)) if kind else None

    def expire_lists(self) -> None:
        """Make all continue tokens given out so far too old: 410 Expired."""
        with self.lock:
            self.api.lister.expire()

    # -- clock and controllers -----------------------------------------------------------------------------------

    @property
    def clock(self) -> datetime:
        """The API server's time: in the Date header, in creationTimestamps. It moves by `clock_step` per request."""
        return self._clock.now

    @clock.setter
    def clock(self, now: datetime) -> None:
        with self.lock:
            self._clock.now = now

    def freeze(self) -> None:
        """Stop the clock."""
        self._clock.frozen = True

    def tick(self, times: int = 1) -> None:
        """Let the controllers take so many steps now, the clock with them."""
        with self.lock:
            for _ in range(times):
                self._clock.advance()
                self.controllers.step()

    def _begin(self, call: Call, path: str) -> Effect | None:
        """Let time pass and the controllers work; return the fault that strikes this request."""
        self._clock.advance()
        if self._seen_writes != self.api.writes:
            self._seen_writes, self._quiet = self.api.writes, 0
        self._quiet += 1
        if self.controllers.running and self._quiet >= self.controllers.delay:
            self.controllers.step()
        self.api.pods.step()
        return self.faults.take(call.method, path)

    # -- behaviour -----------------------------------------------------------------------------------------------

    @property
    def admission(self) -> list[Hook]:
        """The webhooks, in order; append your own."""
        return self.api.admission

    def gate_upgrades(self, gate: Any) -> None:
        """Set what decides about new Upgrade objects: a callable that gets the Review and returns a refusal or None."""
        self.api.upgrade_webhook.gate = gate

    @property
    def allow(self) -> set[Rule] | None:
        """What the user may do; None: all. See `rbac`."""
        return self.api.access.allow

    @allow.setter
    def allow(self, rules: set[Rule] | None) -> None:
        self.api.access.allow = rules

    @property
    def used(self) -> set[Rule]:
        """The rules that let a request pass so far."""
        return self.api.access.used

    @property
    def kubelets(self) -> dict[str, dict[str, Any]]:
        """Per node what its kubelet answers: `{"summary": …, "configz": …}`."""
        return self.api.kubelets.nodes

    @property
    def logs(self) -> dict[tuple[str, str], str]:
        """Pod logs by (namespace, name)."""
        return self.api.pods.logs

    @property
    def run_pod(self) -> RunPod | None:
        """What becomes of a pod that a client creates: a function from the pod to (phase, log)."""
        return self.api.pods.run

    @run_pod.setter
    def run_pod(self, run: RunPod | None) -> None:
        self.api.pods.run = run

    def expire_token(self, *, after: int = 0) -> Fault:
        """Answer 401 to everything once so many more requests have been answered."""
        return self.faults.on(Fail(401), times=None, after=after)

    def release(self) -> None:
        """Let the answers go that are being held; wait for `stalled` first."""
        self.stalled.clear()
        self._loop.call_soon_threadsafe(self.kmock.release)


__all__ = ["Denial", "Hook", "KubeServer", "Recorded", "Review"]
