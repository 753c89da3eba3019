"""What the tool is compared with, each in a process of its own: `python -m tests.bench.child WHAT ARGUMENT`."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from preflight.cluster.api import Api
from preflight.cluster.wire import resource_path
from preflight.registry import find_plugins, load_checks
from preflight.resources import Resource
from preflight.sources.bundle.lists import place_of
from preflight.sources.live.reader import PAGE_SIZE, WORKERS, Connection, connect
from preflight.sources.needs import merge_needs


def rows() -> list[Resource]:
    """Return what the checks list."""
    needs = [need for check in load_checks(find_plugins(only_ours=True)) for need in check.needs]
    return [need.resource for need in merge_needs(needs).values() if need.resource.how == "list"]


def fetch(server: str, loads: Callable[[bytes], Any]) -> int:
    """Fetch the lists that the checks need and decode them, with the tool's client and as many at a time."""
    api = connect(Connection(server=server, token="x"))
    lists = [row for row in rows() if not row.names]
    lists.sort(key=lambda row: (bool(row.namespaces), not row.namespaced))  # the long ones first, as the tool does
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(lambda row: _fetch_list(api, row, loads), lists))


def _fetch_list(api: Api, row: Resource, loads: Callable[[bytes], Any]) -> int:
    count = 0
    for namespace in row.namespaces or ("",):
        path, token = resource_path(row.api_version, row.plural, namespace), ""
        query: dict[str, str | int] = {"limit": PAGE_SIZE}
        if row.selector:
            query["labelSelector"] = row.selector
        accept = "application/json"
        if row.metadata_only:
            accept += ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        while True:
            page = loads(api.fetch(path, {**query, **({"continue": token} if token else {})}, accept=accept).body)
            count += len(page["items"])
            token = page["metadata"]["continue"]
            if not token:
                break
    return count


def parse_bundle(path: str) -> int:
    """Parse the lists of a bundle that the checks need with the C parser of YAML."""
    import yaml

    wanted = {(row.group, row.plural) for row in rows()}
    count = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            place = place_of(name.partition("/")[2])
            if place and place[1:] in wanted:
                with archive.open(name) as file:
                    count += len(yaml.load(file, yaml.CSafeLoader)["items"])
    return count


def one_by_one(server: str, count: int) -> int:
    """Get volumes by name, each over a connection of its own, as a script that calls kubectl per object does.

    The start of kubectl itself is not in it.
    """
    from http.client import HTTPConnection

    address = server.removeprefix("http://")
    for index in range(count):
        name = f"pvc-vm-{index // 2:06d}-disk-{index % 2}"
        connection = HTTPConnection(address)
        for path in ("/version", resource_path("longhorn.io/v1beta2", "volumes", "longhorn-system", name)):
            connection.request("GET", path)
            json.loads(connection.getresponse().read())
        connection.close()
    return count


def main() -> None:
    import msgspec

    what, argument = sys.argv[1:3]
    print(
        {
            "fetch-json": lambda: fetch(argument, json.loads),
            "fetch-msgspec": lambda: fetch(argument, msgspec.json.decode),
            "parse-bundle": lambda: parse_bundle(argument),
            "one-by-one": lambda: one_by_one(argument, 200),
        }[what]()
    )


if __name__ == "__main__":
    main()
