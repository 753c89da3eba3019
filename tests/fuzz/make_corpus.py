"""Write tests/fuzz/corpus: `python -m tests.fuzz.make_corpus`. What fuzzing finds is added here, or beside it as a file."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
TIME = "2026-11-23T18:42:58Z"
HEAD = b"apiVersion: v1\nitems:\n"
TAIL = b"kind: List\nmetadata: {}\n"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b[31m‮evil​\x9b1A"
HTML = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"
KINDS = {
    "v1": ("Node", "Pod", "Namespace", "PersistentVolumeClaim", "ConfigMap", "Endpoints"),
    "harvesterhci.io/v1beta1": ("Addon", "Setting", "Upgrade", "Version", "VirtualMachineImage"),
    "longhorn.io/v1beta2": ("Volume", "Engine", "Replica", "Node", "Setting", "BackingImage", "InstanceManager"),
    "kubevirt.io/v1": ("VirtualMachine", "VirtualMachineInstance", "KubeVirt"),
    "batch/v1": ("Job",),
    "apps/v1": ("Deployment", "DaemonSet", "StatefulSet"),
    "helm.cattle.io/v1": ("HelmChart",),
    "management.cattle.io/v3": ("ManagedChart",),
    "cluster.x-k8s.io/v1beta1": ("Machine", "Cluster"),
    "policy/v1": ("PodDisruptionBudget",),
    "storage.k8s.io/v1": ("StorageClass", "VolumeAttachment"),
}
PLACES = {"Job", "Pod", "Addon", "HelmChart", "VirtualMachine", "VirtualMachineInstance", "Deployment", "Volume"}


def objects(**fields: Any) -> bytes:
    """Return one object of each kind with the same odd fields."""
    items = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "harvester-system"}, **fields}
        for version, kinds in KINDS.items()
        for kind in kinds
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items, "at": TIME}).encode()


def addon(name: str, text: str) -> dict[str, Any]:
    """Return a stuck Addon, which is a finding, with a text everywhere."""
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Addon",
        "metadata": {"name": name, "namespace": "harvester-system", "creationTimestamp": TIME, "labels": {text: text}},
        "spec": {"enabled": True, "chart": text, "repo": text, "version": text, "valuesContent": text},
        "status": {
            "status": "AddonDeploying",
            "conditions": [{"type": "InProgress", "status": "True", "lastUpdateTime": TIME, "message": text}],
        },
    }


def text_files() -> Iterator[tuple[str, bytes]]:
    """Yield what is no archive."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    yield "alias-bomb.yaml", "\n".join(lines).encode()
    yield (
        "merge-bomb.yaml",
        b"a: &a {x: 1}\n"
        + b"".join(
            b"b%d: &b%d {<<: [%s]}\n" % (n, n, b", ".join([b"*b%d" % (n - 1) if n else b"*a"] * 30)) for n in range(30)
        ),
    )
    yield "alias-of-itself.yaml", b"kind: List\nitems: &a [*a]\n"
    yield "deep-lists.yaml", b"[" * 60_000
    yield "deep-maps.json", b'{"a":' * 60_000
    yield "deep-in-object.yaml", json.dumps(addon("x", "y")).encode()[:-1] + b', "deep": ' + b"[" * 5_000
    yield "deep-block.yaml", b"".join(b" " * n + b"a:\n" for n in range(400))
    yield "duplicate-keys.yaml", b"apiVersion: v1\nkind: Pod\nkind: Node\nmetadata: {name: a}\n"
    yield "duplicate-keys.json", b'{"apiVersion":"v1","kind":"Pod","kind":"Node","metadata":{"name":"a"}}'
    yield "latin-1.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {name: caf\xe9}\n"
    yield "utf-16-without-mark.yaml", "apiVersion: v1\nkind: Pod\n".encode("utf-16-le")
    yield "utf-16-half.yaml", b"\xff\xfea\x00b"
    yield "nul.yaml", b"apiVersion: v1\nkind: Pod\x00\nmetadata: {name: a}\n"
    yield "bom-crlf.yaml", b"\xef\xbb\xbf" + json.dumps(addon("x", "y"), indent=1).replace("\n", "\r\n").encode()
    yield "half-surrogate.json", json.dumps(addon("x", "\ud800")).encode()
    yield "not-a-number.json", b'{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"status":{"capacity":NaN}}'
    yield "big-numbers.yaml", b"apiVersion: v1\nkind: Node\nmetadata: {name: a, generation: " + b"9" * 5000 + b"}\n"
    yield "endless-number.json", b'{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"x":1e999999}'
    yield "python-tag.yaml", b"!!python/object/apply:os.system ['touch /tmp/owned']\n"
    yield "own-tag.yaml", b"apiVersion: v1\nkind: !Ref Pod\nmetadata: !!binary aGFsbG8=\n"
    yield "empty.yaml", b""
    yield "blank.yaml", b" \n\t\n# nothing\n"
    yield "only-marks.yaml", b"---\n" * 20_000
    yield "scalars.yaml", b"---\n1\n---\ntext\n---\n[]\n---\nnull\n"
    yield "lists-in-lists.json", b'{"apiVersion":"v1","kind":"List","items":[' * 500 + b"]}" * 500
    yield "items-no-list.yaml", b"apiVersion: v1\nkind: List\nitems: {a: b}\n"
    yield "items-of-scalars.yaml", b"apiVersion: v1\nkind: List\nitems: [1, null, text, [], {}]\n"
    yield "cut-off.yaml", HEAD + b"- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n    na"
    yield "gzip.json", b"\x1f\x8b\x08\x00" + bytes(60)
    yield "png.yaml", b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    yield "escapes.json", json.dumps([addon(ESCAPES, ESCAPES)]).encode()
    yield "escapes-list.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [addon(ESCAPES, "")]}).encode()
    yield "html.json", json.dumps(addon(HTML, HTML)).encode()
    yield "long-name.json", json.dumps(addon("n" * 100_000, "y\n" * 1000)).encode()


def wrong_types() -> Iterator[tuple[str, bytes]]:
    """Yield objects whose fields are of the wrong type, each type in a file."""
    odd: dict[str, Any] = {
        "text": "null",
        "number": -1.5e300,
        "list": [[], None, "x", 1, {"name": {}}],
        "none": None,
        "truth": True,
        "maps": {"conditions": {"type": "Ready"}, "status": [], "containers": "x", "nodeName": {}, "replicas": "many"},
        "lists": {
            "conditions": [1, None, [], {"type": 1, "status": {}}],
            "containers": [None, {"image": []}],
            "containerStatuses": {"x": 1},
            "volumes": [3],
            "addresses": "x",
            "phase": ["x"],
            "state": 7,
            "template": {"spec": {"volumes": {}}},
            "enabled": "maybe",
        },
    }
    for name, value in odd.items():
        yield f"wrong-{name}.json", objects(spec=value, status=value)
    yield (
        "wrong-metadata.json",
        objects(metadata={"name": 5, "namespace": [], "labels": 3, "ownerReferences": {"a": 1}}),
    )
    yield "wrong-no-metadata.json", objects(metadata=None)
    yield (
        "wrong-times.json",
        objects(
            metadata={"name": "x", "creationTimestamp": "0000-13-45T99:99:99Z", "managedFields": [{"time": 5}, None]}
        ),
    )
    yield "null-strings.json", objects(spec="null", status={"conditions": "null", "phase": "null"}, value="null")


def snapshots() -> Iterator[tuple[str, bytes]]:
    """Yield snapshots that are none."""
    head: dict[str, Any] = {
        "apiVersion": "harvester-preflight/v1",
        "kind": "PreflightSnapshot",
        "tool": {"name": "harvester-preflight", "version": "0"},
        "source": {"type": "live", "name": "x", "clock": "", "notes": []},
        "collectedAt": TIME,
        "entries": {},
    }
    entry = {"fields": [], "missing": "", "gaps": [], "objects": []}
    yield "snapshot-empty.json", json.dumps(head).encode()
    yield "snapshot-other-version.json", json.dumps({**head, "apiVersion": "harvester-preflight/v99"}).encode()
    yield "snapshot-no-entries.json", json.dumps({**head, "entries": None}).encode()
    yield (
        "snapshot-odd-entries.json",
        json.dumps({**head, "entries": {"pods": {**entry, "objects": [1, None]}}}).encode(),
    )
    yield "snapshot-odd-time.json", json.dumps({**head, "collectedAt": "yesterday"}).encode()
    yield "snapshot-odd-field.json", json.dumps({**head, "entries": {"pods": {**entry, "fields": ["[", ""]}}}).encode()
    yield "report-for-a-snapshot.json", json.dumps({**head, "kind": "PreflightReport"}).encode()


def archive(write: Callable[[zipfile.ZipFile], None], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a bundle with the one thing wrong that `write` adds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as file:
        file.writestr("b/yamls/cluster/v1/namespaces.yaml", HEAD + b"- {metadata: {name: default}}\n" + TAIL)
        write(file)
        if "b/bundleGenerationError.log" not in file.namelist():
            file.writestr("b/bundleGenerationError.log", "")
    return buffer.getvalue()


def add(name: str, data: bytes | str, mode: int = 0) -> Callable[[zipfile.ZipFile], None]:
    """Return what adds one file."""

    def write(file: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name, (2026, 11, 23, 18, 42, 58))
        info.compress_type = file.compression
        info.external_attr = mode << 16
        file.writestr(info, data)

    return write


def archives() -> Iterator[tuple[str, bytes]]:
    """Yield support bundles that nobody should trust."""
    nodes = "b/yamls/cluster/v1/nodes.yaml"
    yield "zip-empty.zip", b"PK\x05\x06" + bytes(18)
    yield "zip-cut.zip", archive(add(nodes, HEAD + TAIL))[:-30]
    yield "zip-only-magic.zip", b"PK\x03\x04"
    for name in ("../../../etc/passwd", "/etc/passwd", "b/../../x", "b\\..\\x", "C:/x"):
        marked = "".join(char if char.isalnum() else "-" for char in name)
        yield f"zip-path{marked}.zip", archive(add(name, "root:x:0:0"))
    yield "zip-link.zip", archive(add(nodes, "/etc/passwd", stat.S_IFLNK | 0o777))
    yield "zip-twice.zip", archive(_twice(nodes))
    yield "zip-bomb-bzip2.zip", archive(add(nodes, HEAD + b"- a: " + b"x" * (700 << 20)), zipfile.ZIP_BZIP2)
    yield "zip-bomb-lzma.zip", archive(add(nodes, HEAD + b"- a: " + b"x" * (100 << 20)), zipfile.ZIP_LZMA)
    yield "zip-bomb-line.zip", archive(add(nodes, HEAD + b"- a: " + b"x" * (100 << 20)))
    yield "zip-bomb-lines.zip", archive(add(nodes, HEAD + b"- {}\n" * (24 << 20) + TAIL))
    yield "zip-bomb-one-item.zip", archive(add(nodes, HEAD + b"- a:\n" + b"  - b\n" * (16 << 20) + TAIL))
    yield "zip-bomb-log.zip", archive(add("b/bundleGenerationError.log", b"x\n" * (60 << 20)))
    yield "zip-bomb-metadata.zip", archive(add("b/metadata.yaml", b"[" * (100 << 20)))
    yield "zip-bomb-node.zip", archive(add("b/nodes/n1.zip", bytes(200 << 20)))
    yield "zip-escapes.zip", archive(add(nodes, json.dumps({"items": [{"metadata": {"name": ESCAPES}}]})))
    yield "zip-latin-1.zip", archive(add(nodes, HEAD + b"- metadata: {name: caf\xe9}\n" + TAIL))
    yield (
        "zip-wrong-types.zip",
        archive(add(nodes, HEAD + b"- 1\n- [x]\n- metadata: 5\n- metadata: {name: []}\n" + TAIL)),
    )
    damaged = bytearray(archive(add(nodes, HEAD + TAIL * 50)))
    damaged[len(damaged) // 2 - 40] ^= 0xFF
    yield "zip-damaged.zip", bytes(damaged)


def _twice(name: str) -> Callable[[zipfile.ZipFile], None]:
    def write(file: zipfile.ZipFile) -> None:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            add(name, HEAD + TAIL)(file)
            add(name, HEAD + b"- {metadata: {name: other}}\n" + TAIL)(file)

    return write


def main() -> None:
    """Write every file."""
    CORPUS.mkdir(exist_ok=True)
    for source in (text_files, wrong_types, snapshots, archives):
        for name, data in source():
            (CORPUS / name).write_bytes(data)


if __name__ == "__main__":
    main()
