"""Objects in YAML and JSON, as kubectl and others write them."""

import json
from datetime import UTC, datetime

import pytest

from preflight.check import need
from preflight.errors import SourceError
from preflight.sources.text.yaml_reading import load_documents
from tests.sources.reading import FIXTURES, names, read, read_stdin

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "x"}, "status": {"phase": "Running"}}


def both(document: object) -> list[str]:
    """Return a document as JSON text and as YAML in kubectl's layout."""
    import yaml

    return [json.dumps(document), yaml.safe_dump(document)]


def test_a_real_file_in_yaml_and_json_reads_the_same():
    path = FIXTURES / "job-predates.yaml"
    from_yaml = read(path)
    as_json = "\n".join(json.dumps(document) for document in load_documents(path.read_bytes()))
    from_json = read_stdin(as_json, now=None)
    assert from_json.entries.keys() == from_yaml.entries.keys()
    for name, entry in from_yaml.entries.items():
        other = from_json.entries[name]
        assert json.dumps(other.objects).replace("{}", "null") == json.dumps(entry.objects).replace("{}", "null")
        assert bool(other.missing) == bool(entry.missing)
    assert len(from_yaml.get("addons.harvesterhci.io").objects) == 5
    assert from_yaml.source.collected_at == from_json.source.collected_at


def test_an_absent_kind_is_missing_and_says_how_to_add_it():
    inventory = read_stdin(json.dumps(POD))
    missing = str(inventory.get("addons.harvesterhci.io").missing)
    assert missing.startswith("not-in-source: standard input holds no addons.harvesterhci.io")
    assert "kubectl get addons.harvesterhci.io -A -o yaml --show-managed-fields" in missing
    assert "secrets" in str(inventory.get("secrets/local-kubeconfig").missing)
    assert str(inventory.get("nodes/files").missing).startswith("node-only: ")
    assert str(inventory.get("nodes/stats-summary").missing).startswith("not-in-source: ")


@pytest.mark.parametrize("text", both({"apiVersion": "harvesterhci.io/v1beta1", "kind": "AddonList", "items": []}))
def test_a_typed_empty_list_is_empty(text):
    entry = read_stdin(text).get("addons.harvesterhci.io")
    assert (entry.objects, entry.missing, entry.gaps) == ((), None, ())


@pytest.mark.parametrize("text", both({"apiVersion": "v1", "kind": "List", "items": []}))
def test_an_untyped_empty_list_says_nothing_of_any_kind(text):
    inventory = read_stdin(text)
    assert all(entry.missing for entry in inventory.entries.values())


@pytest.mark.parametrize("order", [("apiVersion", "kind", "items"), ("items", "apiVersion", "kind")])
def test_items_of_a_typed_list_take_their_kind_from_it(order):
    bare = {key: POD[key] for key in ("metadata", "status")}
    document = {"apiVersion": "v1", "kind": "PodList", "items": [bare]}
    text = json.dumps({key: document[key] for key in order})
    (pod,) = read_stdin(text).get("pods").objects
    assert (pod["apiVersion"], pod["kind"], pod["status"]) == ("v1", "Pod", {"phase": "Running"})


def test_any_served_version_counts():
    text = json.dumps({**POD, "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine",
                       "metadata": {"name": "m", "namespace": "fleet-local"}})  # fmt: skip
    assert names(read_stdin(text), "machines.cluster.x-k8s.io") == ["m"]


def test_same_plural_of_another_group_is_another_kind():
    text = json.dumps({**POD, "kind": "Node", "apiVersion": "longhorn.io/v1beta2",
                       "metadata": {"name": "n", "namespace": "longhorn-system"}})  # fmt: skip
    inventory = read_stdin(text)
    assert names(inventory, "nodes.longhorn.io") == ["n"]
    assert inventory.get("nodes").missing


def test_many_documents_crlf_bom_and_utf16():
    first, second = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n",
    )
    text = f"---\n{first}---\n---\n{second}"
    for data in (text.encode(), text.replace("\n", "\r\n").encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        assert names(read_stdin(data), "pods") == ["a", "b"]


def test_a_text_that_looks_like_a_document_mark_inside_a_block_stays_text():
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: |\n      one\n      ---\n      two\n"
    )
    (pod,) = read_stdin(text).get("pods").objects
    assert pod["metadata"]["annotations"]["x"] == "one\n---\ntwo\n"


def test_secrets_come_without_their_data():
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "x", "data": {"password": "c2VjcmV0"},
              "stringData": {"a": "secret"},
              "metadata": {"name": "local-kubeconfig", "namespace": "fleet-local",
                           "labels": {"owner": "helm"}}}  # fmt: skip
    for text in both(secret) + both({"apiVersion": "v1", "kind": "List", "items": [secret]}):
        inventory = read_stdin(text)
        assert names(inventory, "secrets/local-kubeconfig") == ["local-kubeconfig"]
        assert names(inventory, "secrets/helm-releases") == ["local-kubeconfig"]
        assert "c2VjcmV0" not in repr(inventory)
        assert "stringData" not in repr(inventory)


def test_a_namespace_that_was_not_listed_is_missing_not_empty():
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l", "namespace": "default"}}
    missing = str(read_stdin(json.dumps(lease)).get("leases.coordination.k8s.io").missing)
    assert "no leases.coordination.k8s.io of kube-node-lease" in missing


def test_of_an_object_that_comes_twice_the_newest_is_used_and_noted():
    old = {**POD, "metadata": {**POD["metadata"], "resourceVersion": "9"}}
    new = {**old, "metadata": {**old["metadata"], "resourceVersion": "10"}, "status": {"phase": "Failed"}}
    for documents in ([old, new], [new, old]):
        inventory = read_stdin("\n".join(map(json.dumps, documents)))
        (pod,) = inventory.get("pods").objects
        assert pod["status"]["phase"] == "Failed"
        assert inventory.source.notes == ("1 objects stand in it more than once: the newest of each was used",)


@pytest.mark.parametrize("bad", [None, 3, "text", [], {"metadata": {"name": "x"}}, {"kind": "Pod", "apiVersion": 1}])
@pytest.mark.parametrize("kind", ["List", "PodList"])
def test_what_is_no_object_in_a_list_becomes_a_gap(bad, kind):
    elsewhere = {**POD, "metadata": {"name": "elsewhere", "namespace": "y"}}
    document = {"apiVersion": "v1", "kind": kind, "items": [POD, elsewhere, bad]}
    for text in both(document):
        inventory = read_stdin(text)
        typed = kind == "PodList" and isinstance(bad, dict) and "kind" not in bad
        assert sorted(names(inventory, "pods")) == (["a", "elsewhere", "x"] if typed else ["a", "elsewhere"])
        assert bool(inventory.get("pods").gaps) is not typed
        assert all(str(gap).startswith("unparsable: ") for gap in inventory.get("pods").gaps)
        assert bool(inventory.source.notes) is not typed


def test_an_object_without_metadata_is_a_gap_of_its_kind_only():
    text = json.dumps([{"apiVersion": "v1", "kind": "Pod"}, {**POD, "kind": "Node"}])
    inventory = read_stdin(text)
    assert inventory.get("pods").missing or inventory.get("pods").gaps
    assert inventory.get("nodes").gaps == ()


def test_the_clock_is_the_newest_time_in_the_raw_input():
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
             "spec": {"renewTime": "2026-01-02T03:04:05.678901Z"},
             "metadata": {"name": "n", "namespace": "kube-node-lease", "creationTimestamp": "2025-01-01T00:00:00Z",
                          "deletionTimestamp": "2027-01-01T00:00:00Z"},
             "status": {"notAfter": "2036-01-01T00:00:00Z"}}  # fmt: skip
    for text in both(lease):
        inventory = read_stdin(text, [need("nodes")], now=None)
        assert inventory.source.collected_at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        assert "newest time" in inventory.source.clock


def test_without_any_time_the_clock_has_to_be_given():
    with pytest.raises(SourceError, match="--now"):
        read_stdin(json.dumps(POD), now=None)
    assert read_stdin(json.dumps(POD)).source.clock == "the time given with --now"


def test_fields_of_a_list_in_kubectl_layout_are_those_of_the_whole_document():
    """Thinning out the text and parsing everything come to the same."""
    data = (FIXTURES / "image-pull.yaml").read_bytes()
    needs = [need("pods", "status.containerStatuses.state", "spec.containers.image", "spec.nodeName"),
             need("jobs.batch", "status"), need("addons.harvesterhci.io", "status.conditions", "spec.valuesContent"),
             need("nodes", "metadata.annotations[node.harvesterhci.io/ntp-service]", "status.*.status")]  # fmt: skip
    thin = read_stdin(data, needs)
    whole = read_stdin("\n".join(json.dumps(document) for document in load_documents(data)), needs)
    for one in needs:
        name = one.resource.name
        expected = json.dumps(whole.get(name).objects).replace("{}", "null")
        assert json.dumps(thin.get(name).objects).replace("{}", "null") == expected
        assert thin.get(name).objects


def test_a_truncated_list_is_an_error():
    data = (FIXTURES / "healthy.yaml").read_bytes()
    cut = data.index(b"\nkind: List")
    with pytest.raises(SourceError):
        read_stdin(data[: cut - 200] + b'\n  x: "')
