"""Fuzz the readers with coverage: `python -m tests.fuzz.run_atheris yaml|objects|bundle [libFuzzer flags]`.

Not part of the suite: it runs until it is stopped, or for `-max_total_time=300`. What it finds (an exception that is
none of ours) goes into tests/fuzz/corpus, where the suite tries it on the whole tool.
"""

from __future__ import annotations

import io
import sys
import zipfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["preflight"]):
    # The product imports them only when it reads.
    for reader in ("bundle.reader", "saved.document", "saved.objects", "saved.snapshot"):
        import_module(f"preflight.sources.{reader}")
    from preflight.errors import PreflightError
    from preflight.sources.text.yaml_reading import YamlProblem, load_documents
    from tests.sources.reading import ALL_NEEDS, NOW, read, read_stdin

from tests.fuzz.make_corpus import CORPUS

LISTS = (
    "yamls/cluster/v1/nodes.yaml",
    "yamls/cluster/v1/namespaces.yaml",
    "yamls/namespaced/default/v1/pods.yaml",
    "bundleGenerationError.log",
    "metadata.yaml",
    "nodes/n1.zip",
)
MARK = b"\n@@@\n"
"""Between the files of a bundle in the fuzzer's input."""


def yaml(data: bytes) -> None:
    """Parse the bytes as YAML."""
    with suppress(YamlProblem):
        list(load_documents(data))


def objects(data: bytes) -> None:
    """Read the bytes as standard input."""
    with suppress(PreflightError):
        read_stdin(data)


def bundle(data: bytes) -> None:
    """Read the bytes, split, as the files of a bundle; what has no mark in it as the zip itself."""
    with TemporaryDirectory() as folder, suppress(PreflightError):
        path = Path(folder) / "supportbundle.zip"
        path.write_bytes(_zipped(data.split(MARK)) if MARK in data else data)
        read(path, ALL_NEEDS, now=NOW)


def _zipped(parts: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in zip(LISTS, parts, strict=False):
            archive.writestr(f"b/{name}", part)
    return buffer.getvalue()


def main() -> None:
    target = {"yaml": yaml, "objects": objects, "bundle": bundle}[sys.argv.pop(1)]
    atheris.Setup([*sys.argv, "-max_len=4096", f"-artifact_prefix={CORPUS}/found-"], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
