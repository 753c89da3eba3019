"""Merging needs: one read per resource, the union of the fields, nothing secret."""

import pytest

from preflight.check import need
from preflight.errors import ConfigError
from preflight.resources import Resource
from preflight.sources.needs import merge_needs


def test_fields_of_all_checks_are_kept():
    merged = merge_needs([need("pods", "spec.nodeName"), need("nodes"), need("pods", "status.phase")])
    assert list(merged) == ["nodes", "pods"]
    pod = {"metadata": {"name": "a", "annotations": {}}, "spec": {"nodeName": "n", "x": 1}, "status": {"phase": "P"}}
    assert merged["pods"].project(pod) == {
        "metadata": {"name": "a"},
        "spec": {"nodeName": "n"},
        "status": {"phase": "P"},
    }


def test_unserved_is_empty_only_when_every_check_says_so():
    both = merge_needs([need("addons.harvesterhci.io", unserved_is_empty=True), need("addons.harvesterhci.io")])
    assert not both["addons.harvesterhci.io"].unserved_is_empty
    one = merge_needs([need("addons.harvesterhci.io", unserved_is_empty=True)])
    assert one["addons.harvesterhci.io"].unserved_is_empty


def test_secret_data_is_dropped_whatever_a_check_asks_for():
    own = Resource("secrets/mine", "", "v1", "secrets", "Secret")
    merged = merge_needs([need("secrets/helm-releases", "data"), need(own, "data.password", "stringData")])
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "x"}, "stringData": {"a": "b"}}
    for entry in merged.values():
        assert entry.project(secret) == {"kind": "Secret", "metadata": {"name": "s"}}


def test_two_meanings_of_one_name_are_an_error():
    with pytest.raises(ConfigError, match="pods"):
        merge_needs([need("pods"), need(Resource("pods", "metrics.k8s.io", "v1", "pods", "PodMetrics"))])
