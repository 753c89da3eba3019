"""Harvester's validator in front of a real API server: the same hooks, asked over HTTPS as AdmissionReviews."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .admission import WEBHOOK, Denial, Hook, Review, UpgradeWebhook, addon_webhook
from .client import Client
from .remote import HttpCluster
from .resources import Kind
from .store import Obj
from .tls import Certificates

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
KIND = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
    status=False,
)
NAME = "harvester-validator"
ATTEMPTS, INTERVAL = 240, 0.25
PROBE: Obj = {
    "apiVersion": "harvesterhci.io/v1beta1",
    "kind": "Addon",
    "metadata": {"name": "webhook-probe", "namespace": "default"},
    "spec": {"chart": "webhook-probe", "enabled": False},
}


class _Store:
    """What hooks see of the cluster."""

    def __init__(self, cluster: HttpCluster) -> None:
        self.objects = cluster.list


class Webhook:
    """The validator of one test; off until `start`."""

    def __init__(self, folder: Path, kubeconfig: Callable[[str], Path]) -> None:
        """`kubeconfig` writes one, given its file name."""
        self._folder, self._kubeconfig = folder, kubeconfig
        self.upgrades = UpgradeWebhook()
        self.hooks: list[Hook] = [addon_webhook, self.upgrades]
        self._server: ThreadingHTTPServer | None = None
        self._client: Client | None = None

    def start(self) -> None:
        """Serve, register, and wait until the API server asks."""
        folder = self._folder / "webhook"
        folder.mkdir(exist_ok=True)
        certificates = Certificates(folder)
        self._client = Client(self._kubeconfig("webhook-kubeconfig"))
        cluster = HttpCluster(self._client)
        self._server = serve(certificates, lambda request: self._judge(cluster, request))
        registered = self._client.request("POST", PATH, _registration(self._server.server_port, certificates))
        assert registered.status == 201, registered.body
        self._wait_until_asked(True)

    def stop(self) -> None:
        """Take the registration back, wait until the API server asks no more, and stop serving."""
        if self._server is None or self._client is None:
            return
        try:
            self._client.delete(f"{PATH}/{NAME}")
            self._wait_until_asked(False)
        finally:
            end(self._server)
            self._client.close()
            self._server = self._client = None

    def _wait_until_asked(self, asked: bool) -> None:
        assert self._client is not None
        path = "/apis/harvesterhci.io/v1beta1/namespaces/default/addons"
        for _ in range(ATTEMPTS):
            answer = self._client.request("POST", path, PROBE, query={"dryRun": "All"})
            if (asked and b"it is asked" in answer.body) or (not asked and answer.status == 201):
                return
            threading.Event().wait(INTERVAL)
        raise RuntimeError(f"the API server does not heed the registration: {answer.status} {answer.body!r}")

    def _judge(self, cluster: HttpCluster, request: Obj) -> Denial | None:
        if request.get("name") == PROBE["metadata"]["name"]:
            return Denial("it is asked")
        resource = request["resource"]
        review = Review(
            operation=request["operation"],
            kind=cluster.kind(resource["resource"], resource["group"]),
            namespace=request.get("namespace", ""),
            name=request.get("name", ""),
            object=request.get("object"),
            old=request.get("oldObject"),
            dry_run=bool(request.get("dryRun")),
            store=_Store(cluster),  # type: ignore[arg-type]
        )
        for hook in self.hooks:
            answer = hook(review)
            if answer is not None:
                return answer if isinstance(answer, Denial) else Denial(answer)
        return None


def serve(certificates: Certificates, judge: Callable[[Obj], Denial | None]) -> ThreadingHTTPServer:
    """Serve AdmissionReviews over HTTPS from a thread; `judge` is given the request of each."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(judge))
    server.socket = certificates.context().wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, name="webhook", daemon=True).start()
    return server


def end(server: ThreadingHTTPServer) -> None:
    """Stop serving."""
    server.shutdown()
    server.server_close()


def _registration(port: int, certificates: Certificates) -> Obj:
    rule = {
        "apiGroups": ["harvesterhci.io"],
        "apiVersions": ["v1beta1"],
        "resources": ["addons", "upgrades"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
    }
    webhook = {
        "name": WEBHOOK,
        "clientConfig": {
            "url": f"https://127.0.0.1:{port}/validate",
            "caBundle": base64.b64encode(certificates.ca.read_bytes()).decode(),
        },
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [webhook],
    }


def _handler(judge: Callable[[Obj], Denial | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            denial = judge(review["request"])
            response: Obj = {"uid": review["request"]["uid"], "allowed": denial is None}
            if denial is not None:
                response["status"] = {"message": denial.message, "code": denial.code, "reason": denial.reason}
            answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Say nothing."""

    return Handler
