"""A cluster read live is the same as its objects read from a file."""

import pytest

from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.resources import RESOURCES
from preflight.sources.live.reader import read as read_live
from preflight.sources.text.yaml_reading import load_documents
from tests.kube import KubeServer
from tests.sources.reading import FIXTURES, read

NEEDS = [need(name, "spec", "status", "metadata.annotations", "metadata.managedFields") for name in RESOURCES]


def unnumbered(objects):
    """Leave out what the server gives anew to every object that it stores."""
    return [
        {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}}
        for obj in objects
    ]


@pytest.mark.parametrize("name", ["job-predates.yaml", "healthy.yaml", "image-pull.yaml"])
def test_the_same_objects_whether_served_in_small_pages_or_read_from_a_file(name, tmp_path):
    with (FIXTURES / name).open("rb") as file:
        objects = list(load_documents(file.read()))
    from_file = read(FIXTURES / name, NEEDS)
    with KubeServer(objects) as server:
        connection = Connection(kubeconfig=str(server.kubeconfig(tmp_path)))
        live = read_live(NEEDS, connection, page_size=2, wait=lambda _seconds: None)
        assert any("continue" in asked.query for asked in server.requests)
    compared = 0
    for need_name, collected in from_file.entries.items():
        if collected.objects:
            compared += 1
            assert unnumbered(live.get(need_name).objects) == unnumbered(collected.objects), need_name
            assert live.get(need_name).missing is None
    assert compared >= 10
