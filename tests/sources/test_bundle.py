"""Support bundles in the layout and the encoding of the kit."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from preflight.api import Code, Reason
from preflight.check import need
from preflight.errors import SourceError
from preflight.inventory import View, namespace_gap
from preflight.model import UpgradePair
from preflight.sources.text.yaml_reading import load_documents
from tests.bundles import NAMESPACES, bundle_files, encode, node_archive, write_folder, write_zip, zipped
from tests.sources.reading import ALL_NEEDS, FIXTURES, NOW, names, read

ADDONS = "addons.harvesterhci.io"
VOLUMES = "volumes.longhorn.io"
GROUPS = ("harvesterhci.io/v1beta1", "longhorn.io/v1beta2", "kubevirt.io/v1", "batch/v1")
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default"},
    "status": {"phase": "Running"},
}


def fixture(name: str) -> list[dict]:
    return [item for document in load_documents((FIXTURES / name).read_bytes()) for item in document["items"]]


def test_a_zip_and_a_folder_give_what_the_objects_give(tmp_path):
    files = bundle_files(fixture("job-predates.yaml"))
    direct = read(FIXTURES / "job-predates.yaml", now=NOW)
    nested = write_folder(tmp_path / "outer" / "bundle", files).parent
    for source in (write_zip(tmp_path, files), write_folder(tmp_path / "flat", files), nested):
        inventory = read(source, now=NOW)
        assert inventory.source.type == "support-bundle"
        for kind in (ADDONS, "helmcharts.helm.cattle.io", "nodes", "settings.harvesterhci.io", "events", "pods"):
            got = [_plain(obj) for obj in inventory.get(kind).objects]
            assert got == [_plain(obj) for obj in direct.get(kind).objects], kind
            assert got
        assert "Secrets" in str(inventory.get("secrets/helm-releases").missing)
        assert "kube-node-lease is not in the bundle" in str(inventory.get("leases.coordination.k8s.io").missing)


def _plain(value):
    """An object without what the kit's encoding cannot tell apart: empty text, null, missing."""
    if isinstance(value, dict):
        plain = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in plain.items() if item not in (None, "", {}, [])}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_the_clock_is_the_bundles(tmp_path):
    files = bundle_files([NODE])
    inventory = read(write_zip(tmp_path, files), [need("nodes")])
    assert inventory.source.collected_at == datetime(2026, 11, 23, 19, 53, 4, tzinfo=UTC)
    del files["metadata.yaml"]
    inventory = read(write_zip(tmp_path, files, "supportbundle_a_2026-01-02T03-04-05+01-00"), [need("nodes")])
    assert inventory.source.collected_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    inventory = read(write_zip(tmp_path, files, "x"), [need("nodes")])
    assert "newest file" in inventory.source.clock
    assert read(write_zip(tmp_path, files, "x"), [need("nodes")], now=NOW).source.collected_at == NOW
    with pytest.raises(SourceError, match="--now"):
        read(write_folder(tmp_path / "plain", files), [need("nodes")])


def volume(**status) -> dict:
    metadata = {"name": "v", "namespace": "longhorn-system", "labels": {"a": "", "b": "null-ish"}}
    return {"apiVersion": "longhorn.io/v1beta2", "kind": "Volume", "metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"robustness": ""}, {"robustness": None}),
        ({"conditions": None, "z": 1}, {"conditions": None, "z": 1}),
        ({"actualSize": 1_073_741_824, "z": 1_000_000, "y": 999_999, "x": 123_456_789}, None),
        ({"half": 0.5, "tiny": 1e-7, "zero": 0, "negative": -2_000_000}, None),
        ({"sign": "=", "merge": "<<", "list": ["=", "<<", "x"]}, None),
        ({"quoted": 'image "a"'}, None),
        ({"number": "1e+06", "time": "2026-11-23T19:53:04Z", "octal": "0123", "version": "1.10", "bool": "true"}, None),
        ({"json": '{"ntpSyncStatus":null,"b":"","c":[]}'}, None),
        ({"block": "one\ntwo: - x\n---\n"}, None),
    ],
)
def test_the_encoding_is_undone(tmp_path, status, expected):
    path = write_zip(tmp_path, bundle_files([volume(**status)], groups=GROUPS))
    (obj,) = read(path, [need(VOLUMES, "status")]).get(VOLUMES).objects
    assert obj["status"] == (expected or status)
    assert obj["metadata"]["labels"] == {"a": "", "b": "null-ish"}
    assert all(type(obj["status"][key]) is type(value) for key, value in (expected or status).items())


def test_the_writer_writes_the_traps():
    text = encode([volume(robustness="", conditions=None, size=1_000_000, other=10_737_418_240, sign="=", z=None)])
    for trap in (
        'robustness: "null"',
        'conditions: "null"',
        "size: 1e+06",
        "other: 1.073741824e+10",
        "sign: =",
        "z: null",
    ):
        assert trap in text


def test_the_version_folder_and_the_group_are_found(tmp_path):
    machine = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {"name": "m", "namespace": "fleet-local"},
    }
    metrics = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "Node", "metadata": {"name": "wrong"}}
    inventory = read(write_zip(tmp_path, bundle_files([NODE, machine, metrics])))
    assert names(inventory, "machines.cluster.x-k8s.io") == ["m"]
    assert names(inventory, "nodes") == ["n1"]


def test_a_kind_without_a_file_is_empty_only_when_the_log_does_not_say_otherwise(tmp_path):
    needs = [need(ADDONS), need(VOLUMES), need("storageclasses.storage.k8s.io"), need("flows.logging.banzaicloud.io")]
    groups = (*GROUPS, "storage.k8s.io/v1")
    good = read(write_zip(tmp_path, bundle_files([NODE], groups=groups)), needs)
    assert [good.get(one.resource.name).missing for one in needs[:3]] == [None, None, None]
    assert good.get(VOLUMES).objects == ()
    assert str(good.get("flows.logging.banzaicloud.io").missing).startswith("not-served: ")
    log = "Failed to get /apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes: connection refused\n"
    log += "Failed to get /apis/harvesterhci.io/v1beta1/namespaces/default/addons: forbidden\n"
    log += "Support Bundle: failed to generate /x/yamls/cluster/storage.k8s.io/v1/storageclasses.yaml: no space\n"
    bad = read(write_zip(tmp_path, bundle_files([NODE], groups=groups, log=log)), needs)
    assert "connection refused" in str(bad.get(VOLUMES).missing)
    assert "no space" in str(bad.get("storageclasses.storage.k8s.io").missing)
    assert bad.get(ADDONS).missing is None
    assert any(
        "namespace default could not be listed for addons.harvesterhci.io: forbidden" in str(gap)
        for gap in bad.get(ADDONS).gaps
    )


def test_a_group_that_is_not_served_can_have_no_objects_for_an_optional_addon(tmp_path):
    inventory = read(
        write_zip(tmp_path, bundle_files([NODE])), [need("flows.logging.banzaicloud.io", unserved_is_empty=True)]
    )
    entry = inventory.get("flows.logging.banzaicloud.io")
    assert (entry.missing, entry.gaps, entry.objects) == (None, (), ())


@pytest.mark.parametrize(
    "lost", ["bundleGenerationError.log", "yamls/cluster/apiregistration.k8s.io/v1/apiservices.yaml"]
)
def test_without_the_evidence_a_kind_without_a_file_is_not_empty(tmp_path, lost):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "longhorn-system"}}
    files = bundle_files([NODE, config], groups=GROUPS)
    del files[lost]
    inventory = read(write_zip(tmp_path, files), [need(VOLUMES), need("nodes")])
    assert str(inventory.get(VOLUMES).missing).startswith("error: ")
    assert names(inventory, "nodes") == ["n1"]


def test_a_cluster_scope_that_was_skipped_is_missing(tmp_path):
    setting = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Setting", "metadata": {"name": "server-version"}}
    files = bundle_files([setting], log="Unable to fetch cluster resources: unable to retrieve the complete list\n")
    files = {path: content for path, content in files.items() if "yamls/cluster" not in path or "settings" in path}
    inventory = read(write_zip(tmp_path, files), [need("nodes"), need("settings.harvesterhci.io"), need(ADDONS)])
    assert "unable to retrieve" in str(inventory.get("nodes").missing)
    assert names(inventory, "settings.harvesterhci.io") == ["server-version"]
    assert inventory.get(ADDONS).missing


def test_namespaces_that_were_not_collected_are_gaps(tmp_path):
    pods = [POD, {**POD, "metadata": {"name": "q", "namespace": "vms"}}]
    inventory = read(write_zip(tmp_path, bundle_files(pods)), [need("pods"), need(VOLUMES)])
    assert names(inventory, "pods") == ["p"]
    assert inventory.get("pods").gaps == (namespace_gap("vms"),)
    view = View(inventory, frozenset({"pods"}), UpgradePair(None, None))
    assert view.gaps("pods") == view.gaps("pods", "vms") == inventory.get("pods").gaps
    assert view.gaps("pods", "default") == ()
    assert inventory.get(VOLUMES).gaps == ()
    more = read(write_zip(tmp_path, bundle_files(pods, collected=(*NAMESPACES, "vms"))), [need("pods")])
    assert names(more, "pods") == ["p", "q"]
    assert more.get("pods").gaps == ()


def test_without_the_list_of_namespaces_nobody_can_tell(tmp_path):
    files = bundle_files([POD], groups=GROUPS)
    del files["yamls/cluster/v1/namespaces.yaml"]
    inventory = read(write_zip(tmp_path, files), [need("pods"), need(VOLUMES), need("leases.coordination.k8s.io")])
    assert any("no readable list of namespaces" in str(gap) for gap in inventory.get("pods").gaps)
    assert inventory.get(VOLUMES).missing is None
    assert inventory.get("leases.coordination.k8s.io").missing


def test_an_addon_namespace_that_does_not_exist_is_no_gap(tmp_path):
    inventory = read(write_zip(tmp_path, bundle_files([POD])), [need("configmaps/chart-content")])
    assert inventory.get("configmaps/chart-content").gaps == ()


@pytest.mark.parametrize("damage", ["cut", "tail", "garbage", "item", "empty"])
def test_a_damaged_file_is_never_taken_for_a_whole_one(tmp_path, damage):
    files = bundle_files([{**POD, "metadata": {**POD["metadata"], "name": f"p{n}"}} for n in range(4)])
    path = "yamls/namespaced/default/v1/pods.yaml"
    text = files[path]
    third = text.index(b"name: p2")
    files[path] = {
        "cut": text[:third],
        "tail": text[: text.index(b"kind: List")],
        "garbage": text[:third] + b"\x00\x01" + text[third:],
        "item": text.replace(b"name: p2", b'name: "p2'),
        "empty": b"",
    }[damage]
    entry = read(write_zip(tmp_path, files), [need("pods")]).get("pods")
    assert [why for why in (entry.missing, *entry.gaps) if path in str(why)]
    assert len(entry.objects) == {"cut": 2, "tail": 4, "garbage": 3, "item": 3, "empty": 0}[damage]


def test_another_layout_of_the_same_list_is_read(tmp_path):
    files = bundle_files([POD])
    files["yamls/namespaced/default/v1/pods.yaml"] = (
        b"kind: List\napiVersion: v1\nitems:\n"
        b"  - {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}}\n"
    )
    assert names(read(write_zip(tmp_path, files), [need("pods")]), "pods") == ["p"]


def test_only_the_files_that_are_needed_are_opened(tmp_path):
    files = bundle_files([NODE, POD], groups=GROUPS)
    files["yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml"] = b"\x00 not even text"
    files["yamls/namespaced/default/v1/pods.yaml"] = b"broken: ["
    inventory = read(write_zip(tmp_path, files), [need("nodes")])
    assert inventory.get("nodes").gaps == ()


def test_files_of_nodes(tmp_path):
    files = bundle_files([NODE, {**NODE, "metadata": {"name": "n2"}}])
    oem = {"configs/oem/90_custom.yaml": "a: 1\n", "configs/oem/harvester.config": "b: 2\n"}
    oem |= {"configs/etc/hostname": "n1\n", "logs/kernel.log": "x" * 2_000_000}
    files["nodes/n1.zip"] = node_archive("n1", oem)
    path = write_zip(tmp_path, files)
    one = need("nodes/files", "files[configs/oem/90_custom.yaml]", "facts.efi")
    entry = read(path, [one]).get("nodes/files")
    assert entry.gaps == (Reason(Code.NODE_ONLY, "the node is not in the bundle", node="n2"),)
    (obj,) = entry.objects
    assert (obj["metadata"]["name"], obj["files"]) == ("n1", {"configs/oem/90_custom.yaml": "a: 1\n"})
    (obj,) = read(path, [one, need("nodes/files", "files[configs/oem/*]")]).get("nodes/files").objects
    assert sorted(obj["files"]) == ["configs/oem/90_custom.yaml", "configs/oem/harvester.config"]
    entry = read(path, [need("nodes/files", "files[logs/*]")]).get("nodes/files")
    assert any("logs/kernel.log is larger than 1024 KiB" in str(gap) for gap in entry.gaps)


def test_a_node_archive_over_the_limit_is_a_gap(tmp_path, monkeypatch):
    files = bundle_files([NODE])
    files["nodes/n1.zip"] = node_archive("n1", {"configs/oem/x": "y"})
    monkeypatch.setattr("preflight.sources.bundle.nodes.MAX_ARCHIVE_BYTES", 10)
    for source in (write_zip(tmp_path, files), write_folder(tmp_path / "flat", files)):
        missing = str(read(source, [need("nodes/files", "files[configs/oem/x]")]).get("nodes/files").missing)
        assert "nodes/n1.zip is larger than" in missing


def test_a_damaged_or_missing_node_archive_is_a_gap(tmp_path):
    files = bundle_files([NODE])
    one = need("nodes/files", "files[configs/oem/90_custom.yaml]")
    assert str(read(write_zip(tmp_path, files), [one]).get("nodes/files").missing).startswith("node-only: ")
    files["nodes/n1.zip"] = node_archive("n1", {"configs/x": "y"})[:-30]
    assert "damaged" in str(read(write_zip(tmp_path, files), [one]).get("nodes/files").missing)


def test_what_is_no_bundle_says_so(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"readme.txt": b"x"}))
    with pytest.raises(SourceError, match="zip but not a Harvester support bundle"):
        read(tmp_path / "a.zip")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="folder but not a Harvester support bundle"):
        read(tmp_path / "folder")
    (tmp_path / "cut.zip").write_bytes(write_zip(tmp_path, bundle_files([NODE])).read_bytes()[:-100])
    with pytest.raises(SourceError, match="damaged or incomplete zip"):
        read(tmp_path / "cut.zip")
    both = {f"{top}/{path}": content for top in "ab" for path, content in bundle_files([NODE]).items()}
    (tmp_path / "two.zip").write_bytes(zipped(both))
    with pytest.raises(SourceError, match="several support bundles"):
        read(tmp_path / "two.zip")


def test_an_encrypted_file_is_a_problem_of_that_file(tmp_path):
    path = write_zip(tmp_path, bundle_files([NODE, POD]))
    data = bytearray(path.read_bytes())
    position = data.index(b"default/v1/pods.yaml", data.index(b"PK\x01\x02"))
    start = data.rindex(b"PK\x01\x02", 0, position)
    struct.pack_into("<H", data, start + 8, 1)
    path.write_bytes(data)
    inventory = read(path, [need("nodes"), need("pods")])
    assert "encrypted" in str(inventory.get("pods"))
    assert names(inventory, "nodes") == ["n1"]


def test_a_name_that_stands_twice_is_a_problem(tmp_path):
    import warnings
    import zipfile

    path = write_zip(tmp_path, bundle_files([NODE]))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(f"{path.stem}/yamls/cluster/v1/nodes.yaml", encode([{**NODE, "metadata": {"name": "other"}}]))
    assert "more than once" in str(read(path, [need("nodes")]).get("nodes").missing)


def test_a_file_over_the_limit_is_a_problem_not_a_crash(tmp_path, monkeypatch):
    path = write_zip(
        tmp_path, bundle_files([NODE, *({**POD, "metadata": {**POD["metadata"], "name": f"p{n}"}} for n in range(99))])
    )
    monkeypatch.setattr("preflight.sources.bundle.layout.MAX_INPUT_BYTES", 8_000)
    entry = read(path, [need("pods")]).get("pods")
    assert "larger than" in str(entry.missing or entry.gaps)


def test_names_and_links_that_lead_out_of_the_bundle_are_not_followed(tmp_path):
    secret = tmp_path / "outside.yaml"
    secret.write_text(encode([{**NODE, "metadata": {"name": "outside"}}]))
    files = bundle_files([POD])
    path = write_zip(tmp_path, files | {"../../yamls/cluster/v1/nodes.yaml": secret.read_bytes()})
    assert read(path, [need("nodes")]).get("nodes").objects == ()
    folder = write_folder(tmp_path / "bundle", files)
    (folder / "yamls/cluster/v1/nodes.yaml").symlink_to(secret)
    (folder / "yamls/namespaced/vms").symlink_to(tmp_path)
    inventory = read(folder, [need("nodes"), need("pods")])
    assert "not followed" in str(inventory.get("nodes").missing)
    assert "outside" not in repr(inventory.get("nodes").objects)


def test_notes_say_what_a_bundle_lacks(tmp_path):
    notes = read(write_zip(tmp_path, bundle_files([NODE]))).source.notes
    assert any("default" in note for note in notes)
    assert any("containerd-registry" in note for note in notes)


def test_every_row_has_an_answer(tmp_path: Path):
    inventory = read(write_zip(tmp_path, bundle_files(fixture("healthy.yaml"))))
    assert set(inventory.entries) == {one.resource.name for one in ALL_NEEDS}
