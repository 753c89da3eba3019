"""From the files of a folder of knowledge to the one document that ships: what ci/generate/knowledge writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight.documents import API_VERSION
from preflight.errors import ConfigError
from preflight.knowledge.checked import checked_advisory
from preflight.knowledge.documents import Document, read_document
from preflight.knowledge.release_data import check_releases

BUILT_IN = "built-in"


def compile_folder(folder: Path) -> dict[str, Any]:
    """Check releases.yaml and advisories/*.yaml and merge them. Raises ConfigError for the first thing wrong."""
    releases = read_document(folder / "releases.yaml")
    check_releases(_kind(releases, "Releases"))
    files = sorted((folder / "advisories").glob("*.yaml"))
    advisories = [_advisory(_kind(read_document(path), "Advisory"), path) for path in files]
    return {
        "apiVersion": API_VERSION,
        "kind": "Knowledge",
        "name": BUILT_IN,
        "date": releases.content["date"],
        "releases": releases.content["releases"],
        "advisories": advisories,
    }


def _advisory(document: Document, path: Path) -> dict[str, Any]:
    advisory = checked_advisory(document, BUILT_IN)
    if advisory.id != path.stem:
        raise document.wrong(("id",), f"the file of {advisory.id} is called {path.name}: both must agree")
    return {**advisory.content, "reads": {name: list(fields) for name, fields in advisory.reads.items()}}


def _kind(document: Document, kind: str) -> Document:
    if document.kind != kind:
        raise ConfigError(f"{document.path}: kind {document.kind} does not belong here, {kind} does")
    return document
