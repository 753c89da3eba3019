"""Whatever the bytes: an inventory or one of our errors, nothing else."""

import contextlib

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight.errors import PreflightError
from preflight.inventory import Inventory
from tests.bundles import bundle_files, node_archive, zipped
from tests.sources.reading import FIXTURES, NOW, read, read_stdin

WORDS = st.sampled_from(
    ["apiVersion", "kind", "items", "metadata", "name", "namespace", "v1", "Pod", "PodList", "List", "Addon", "entries",
     "harvesterhci.io/v1beta1", "PreflightSnapshot", "harvester-preflight/v1", "2026-11-23T18:42:44Z", "", "<<", "="]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**7) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
HEALTHY = (FIXTURES / "healthy.yaml").read_bytes()[:30_000]


def attempt(data: bytes) -> None:
    with contextlib.suppress(PreflightError):
        assert isinstance(read_stdin(data), Inventory)


@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00\xd8")
@example(b"---")
@example(b"--- \n---")
def test_any_bytes(data):
    attempt(data)


@given(st.text("{}[]\",:-?&*!|>'%@`#\n \tab01\\u<=", max_size=120))
def test_any_punctuation(text):
    attempt(text.encode())


@given(VALUES)
def test_any_document(value):
    attempt(yaml.safe_dump(value).encode())
    attempt(repr(value).replace("'", '"').replace("None", "null").encode())


@given(st.integers(0, len(HEALTHY)), st.binary(max_size=4), st.integers(0, 40))
def test_any_damage_to_a_real_file(position, inserted, removed):
    attempt(HEALTHY[:position] + inserted + HEALTHY[position + removed :])


@given(st.integers(0, len(HEALTHY)))
def test_any_truncation(position):
    attempt(HEALTHY[:position])


def small_bundle() -> bytes:
    objects = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": []}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}},
    ]
    files = bundle_files(objects, groups=("longhorn.io/v1beta2",))
    files["nodes/n1.zip"] = node_archive("n1", {"configs/oem/90_custom.yaml": "a: 1\n"})
    return zipped({f"top/{path}": content for path, content in files.items()})


BUNDLE = small_bundle()


@settings(max_examples=300)
@given(st.integers(0, len(BUNDLE)), st.binary(max_size=6), st.integers(0, 8))
def test_any_damage_to_a_bundle(tmp_path_factory, position, inserted, removed):
    path = tmp_path_factory.mktemp("damaged") / "bundle.zip"
    path.write_bytes(BUNDLE[:position] + inserted + BUNDLE[position + removed :])
    with contextlib.suppress(PreflightError):
        assert isinstance(read(path, now=NOW), Inventory)


@given(st.dictionaries(st.sampled_from([
    "yamls/cluster/v1/nodes.yaml", "yamls/cluster/v1/namespaces.yaml", "metadata.yaml", "bundleGenerationError.log",
    "yamls/namespaced/default/v1/pods.yaml", "nodes/n1.zip", "nodes/n1.zip/x", "yamls/cluster/v1/../x.yaml", "yamls//"]),
    st.binary(max_size=60) | st.text("items:-kndapVrsol \n[]{}\"'", max_size=60).map(str.encode)))  # fmt: skip
def test_any_content_of_a_bundle(tmp_path_factory, files):
    path = tmp_path_factory.mktemp("odd") / "bundle.zip"
    path.write_bytes(zipped({"yamls/cluster/v1/pods.yaml": b"x", **files}))
    with contextlib.suppress(PreflightError):
        assert isinstance(read(path, now=NOW), Inventory)
