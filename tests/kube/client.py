"""A raw client over the real kubernetes package: its configuration, authentication and transport, and plain JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kubernetes import client, config


class Reply(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Client:
    """Talks to an API server through a kubeconfig. Nothing is retried, error codes are not exceptions."""

    def __init__(self, kubeconfig: Path) -> None:
        configuration = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        self._api = client.ApiClient(configuration)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Reply:
        """Send one request; a body that is no bytes is sent as JSON."""
        sent = {"Accept": "application/json", **self._authorization(), **(headers or {})}
        data: bytes | None = None
        if body is not None:
            sent["Content-Type"] = content_type
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        pool = self._api.rest_client.pool_manager
        response = pool.request(method, url, body=data, headers=sent, timeout=timeout, retries=False)
        return Reply(response.status, {key.title(): value for key, value in response.headers.items()}, response.data)

    def _authorization(self) -> dict[str, str]:
        setting = self._api.configuration.auth_settings().get("BearerToken")
        return {setting["key"]: setting["value"]} if setting else {}

    def get(self, path: str, **query: Any) -> Reply:
        """Send a GET."""
        return self.request("GET", path, query=query)

    def delete(self, path: str, **options: Any) -> Reply:
        """Send a DELETE with DeleteOptions."""
        return self.request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def patch(self, path: str, body: Any, kind: str = "merge-patch+json", **query: Any) -> Reply:
        """Send a PATCH; kind is what follows `application/`."""
        return self.request("PATCH", path, body, content_type=f"application/{kind}", query=query)

    def close(self) -> None:
        """Close the connections."""
        self._api.rest_client.pool_manager.clear()
