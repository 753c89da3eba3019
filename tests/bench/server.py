"""Serve a cluster over HTTP as an API server does, from pages that were encoded beforehand.

`python -m tests.bench.server NODES PODS VMS VOLUMES JOBS` prints the port, then serves until it is killed. It is a
process of its own, so that its work is in nobody's account. Spoken: aggregated discovery, lists in pages with continue
tokens (410 once they are stale), namespaced and named reads, selectors by name, gzip, PartialObjectMetadata.
"""

from __future__ import annotations

import gzip
import json
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.cluster import Kind, Size, cluster

PAGE = 500
DATE = "Mon, 10 Feb 2025 18:33:12 GMT"
GENERATION = "7"
ITEM_LESS = ("apiVersion", "kind")


def compact(obj: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in obj.items() if key not in ITEM_LESS}, separators=(",", ":"))


def metadata_only(obj: dict[str, Any]) -> str:
    kept = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return json.dumps(kept, separators=(",", ":"))


class Served:
    """A cluster and its encoded pages."""

    def __init__(self, size: Size) -> None:
        self.kinds = cluster(size)
        self.by_path: dict[tuple[str, str], list[Kind]] = {}
        for kind in self.kinds.values():
            if kind.row.how == "list":
                self.by_path.setdefault((kind.row.api_version, kind.row.plural), []).append(kind)
        self.discovery = json.dumps({"kind": "APIGroupDiscoveryList", "items": self._groups()}).encode()
        for place, kinds in self.by_path.items():
            for start in range(0, sum(map(len, kinds)), PAGE):
                self.page(place, start, PAGE, False)

    def _groups(self) -> list[dict[str, Any]]:
        groups: dict[str, dict[str, list[str]]] = {}
        for api_version, plural in self.by_path:
            group, _, version = api_version.rpartition("/")
            if group:
                groups.setdefault(group, {}).setdefault(version, []).append(plural)
        return [
            {
                "metadata": {"name": group},
                "versions": [
                    {"version": version, "freshness": "Current", "resources": [{"resource": name} for name in plurals]}
                    for version, plurals in versions.items()
                ],
            }
            for group, versions in groups.items()
        ]

    @cache  # noqa: B019 - one object for the life of the process
    def page(self, place: tuple[str, str], start: int, limit: int, partial: bool) -> bytes:
        """Return one page of all namespaces, compressed."""
        encode = metadata_only if partial else compact
        texts: list[str] = []
        passed = 0
        for kind in self.by_path[place]:
            texts += kind.texts(encode, max(0, start - passed), max(0, start + limit - passed))
            passed += len(kind)
        return gzip.compress(_list(texts, start + limit if start + limit < passed else 0).encode(), 1)

    @cache  # noqa: B019
    def numbers(self, resource: str) -> dict[str, int]:
        """Return the number of each object by its name."""
        return {name: index for index, name in enumerate(self.kinds[resource].names())}

    def chosen(self, place: tuple[str, str], namespace: str, name: str, partial: bool) -> list[str]:
        """Return the objects of a namespace or of a name."""
        encode = metadata_only if partial else compact
        for kind in self.by_path[place] if name else ():
            index = self.numbers(kind.row.name).get(name, -1)
            if index >= len(kind.given):
                return list(kind.texts(encode, index, index + 1))
        return [
            encode(obj)
            for kind in self.by_path[place]
            for obj in kind.given
            if namespace in ("", obj["metadata"].get("namespace")) and name in ("", obj["metadata"]["name"])
        ]

    def templated(self, place: tuple[str, str], namespace: str) -> bool:
        """Say whether the template of a kind makes objects of this one namespace, and of no other."""
        return any(kind.count and kind.namespace(len(kind) - 1) == namespace for kind in self.by_path[place])

    def kubelet(self, node: str, what: str) -> dict[str, Any] | None:
        name = {"stats/summary": "nodes/stats-summary", "configz": "nodes/configz"}.get(what, "")
        found = (obj for obj in self.kinds[name].given if obj["metadata"]["name"] == node) if name else iter(())
        return next(found, None)


def _list(texts: list[str], following: int) -> str:
    token = f"{GENERATION}.{following}" if following else ""
    head = {"resourceVersion": "1", "continue": token}
    return f'{{"kind":"List","apiVersion":"v1","metadata":{json.dumps(head)},"items":[{",".join(texts)}]}}'


def status(code: int, reason: str, message: str) -> tuple[int, bytes]:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return code, json.dumps({**body, "message": message}).encode()


def answer(served: Served, path: str, query: dict[str, list[str]], accept: str) -> tuple[int, bytes]:
    """Return status and body; a compressed body begins with gzip's own two bytes."""
    if path == "/version":
        return 200, b'{"gitVersion":"v1.29.9+rke2r1"}'
    if path == "/apis":
        return 200, served.discovery
    parts = path.strip("/").split("/")
    if "proxy" in parts:
        found = served.kubelet(parts[3], "/".join(parts[5:]))
        return (200, json.dumps(found).encode()) if found else status(404, "NotFound", f"{path} not found")
    version, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    place, name = (version, rest[0] if rest else ""), "/".join(rest[1:])
    if place not in served.by_path:
        return status(404, "NotFound", "the server could not find the requested resource")
    partial = "PartialObjectMetadata" in accept
    if name:
        texts = served.chosen(place, namespace, name, partial)
        return (200, texts[0].encode()) if texts else status(404, "NotFound", f'{place[1]} "{name}" not found')
    wanted = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
    if wanted or query.get("labelSelector") or (namespace and not served.templated(place, namespace)):
        return 200, _list(served.chosen(place, namespace, wanted, partial), 0).encode()
    generation, _, start = query.get("continue", [f"{GENERATION}.0"])[0].partition(".")
    if generation != GENERATION:
        return status(410, "Expired", "The provided continue parameter is too old")
    return 200, served.page(place, int(start), int(query.get("limit", [str(PAGE)])[0]), partial)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    served: Served

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        code, body = answer(self.served, address.path, parse_qs(address.query), self.headers.get("Accept", ""))
        head = f"HTTP/1.1 {code} X\r\nDate: {DATE}\r\nContent-Type: application/json\r\n"
        if body[:2] == b"\x1f\x8b":
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                head += "Content-Encoding: gzip\r\n"
            else:
                body = gzip.decompress(body)
        self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def log_message(self, *_: object) -> None:
        return


def main() -> None:
    Handler.served = Served(Size(*map(int, sys.argv[1:6])))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
