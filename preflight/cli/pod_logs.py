"""`why --logs`: the last lines of the pods that an upgrade waits for, few, without secrets and safe to show."""

from __future__ import annotations

from typing import Any

from preflight.cluster.connection import Connection
from preflight.values.foreign_text import one_line, visible

MOST_PODS, MOST_LINES, MOST_BYTES, LONGEST_LINE = 2, 20, 16_384, 400


def add_logs(document: dict[str, Any], connection: Connection) -> None:
    """Put the end of its pods' logs into each run of an answer, or why there is none.

    Raises SourceError when the cluster is gone meanwhile.
    """
    from preflight.cluster.api import connect

    api = connect(connection)
    for run in document["runs"]:
        run["logs"] = [_log(api, pod) for pod in run["pods"][:MOST_PODS]]


def _log(api: Any, pod: str) -> dict[str, Any]:
    from urllib.parse import quote

    from preflight.cluster.errors import ApiError
    from preflight.values.secrets import without_secrets

    namespace, _, name = pod.partition("/")
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}/log"
    query = {"tailLines": str(MOST_LINES), "limitBytes": str(MOST_BYTES)}
    try:
        body = api.fetch(path, query, accept="text/plain, application/json").body
    except ApiError as error:
        return {"pod": pod, "lines": [], "reason": one_line(error.server_message or error.message, 300)}
    text = without_secrets(body[-MOST_BYTES:].decode("utf-8", "replace"))
    lines = [line[:LONGEST_LINE] for line in text.splitlines()[-MOST_LINES:]]
    return {"pod": pod, "lines": [visible(line) for line in lines], "reason": None if lines else "it is empty"}
