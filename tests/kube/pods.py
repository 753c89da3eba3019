"""What lives on nodes: kubelets behind the API server's proxy, and pods that a test lets run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import errors
from .resources import Kind
from .store import Obj, Store, stamp

RunPod = Callable[[Obj], tuple[str, str]]
"""Given a pod, return the phase it ends in and its log."""

NODES = Kind("", "v1", "nodes", "Node", namespaced=False)
PODS = Kind("", "v1", "pods", "Pod")


class Kubelets:
    """Answers `/api/v1/nodes/NAME/proxy/…` from a dict per node: `{"summary": …, "configz": …}`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.nodes: dict[str, dict[str, Any]] = {}

    def answer(self, name: str, path: str) -> tuple[int, bytes, str]:
        """Return status, body and content type for a proxied path, or raise what the API server answers."""
        if self.store.peek(NODES, None, name) is None:
            raise errors.not_found(NODES, name)
        if name not in self.nodes:
            raise errors.unavailable(
                "error trying to reach service: dial tcp 10.0.0.1:10250: connect: connection refused"
            )
        known = {"stats/summary": "summary", "configz": "configz"}
        body = self.nodes[name].get(known.get(path, path))
        if body is None:
            return 404, b"404 page not found\n", "text/plain; charset=utf-8"
        if isinstance(body, bytes):
            return 200, body, "text/plain; charset=utf-8"
        return 200, json.dumps(body).encode(), "application/json"


class PodRunner:
    """Runs pods that clients create: `run`, if set, decides how each one ends; it ends before the next request."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.run: RunPod | None = None
        self.logs: dict[tuple[str, str], str] = {}
        """Log text by namespace and pod name; a test may fill it for pods of its own."""
        self._waiting: list[tuple[str, str]] = []

    def created(self, pod: Obj) -> None:
        """Note a pod that a request has just created."""
        self._waiting.append((pod["metadata"]["namespace"], pod["metadata"]["name"]))

    def step(self) -> None:
        """Let the waiting pods run to their end."""
        waiting, self._waiting = self._waiting, []
        for namespace, name in waiting if self.run else []:
            pod = self.store.peek(PODS, namespace, name)
            if pod is None or self.run is None:
                continue
            phase, log = self.run(json.loads(json.dumps(pod)))
            self.logs[namespace, name] = log
            self.store.save(PODS, {**pod, "status": self._status(pod, phase)})

    def _status(self, pod: Obj, phase: str) -> Obj:
        now = stamp(self.store.clock.now)
        state: Obj = {"waiting": {"reason": "ContainerCreating"}}
        if phase == "Running":
            state = {"running": {"startedAt": now}}
        elif phase in ("Succeeded", "Failed"):
            reason = "Completed" if phase == "Succeeded" else "Error"
            code = 0 if phase == "Succeeded" else 1
            state = {"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}}
        statuses = [
            {
                "name": entry["name"],
                "image": entry.get("image", ""),
                "ready": False,
                "restartCount": 0,
                "state": state,
            }
            for entry in pod.get("spec", {}).get("containers") or []
        ]
        return {"phase": phase, "startTime": now, "containerStatuses": statuses}

    def log(self, namespace: str, name: str) -> bytes:
        """Return a pod's log, or raise what the API server answers."""
        if self.store.peek(PODS, namespace, name) is None:
            raise errors.not_found(PODS, name)
        if (namespace, name) not in self.logs:
            text = f'container in pod "{name}" is waiting to start: ContainerCreating'
            raise errors.bad_request(text)
        return self.logs[namespace, name].encode()
