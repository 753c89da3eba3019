"""From the files of a folder of knowledge to the one document that ships: what ci/generate/knowledge writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight.documents import API_VERSION
from preflight.errors import ConfigError
from preflight.knowledge.documents import Document, read_document
from preflight.knowledge.release_data import check_releases

BUILT_IN = "built-in"


def compile_folder(folder: Path) -> dict[str, Any]:
    """Check releases.yaml and advisories/*.yaml and merge them. Raises ConfigError for the first thing wrong."""
    releases = read_document(folder / "releases.yaml")
    check_releases(releases)
    return {
        "apiVersion": API_VERSION,
        "kind": "Knowledge",
        "name": BUILT_IN,
        "date": releases.content["date"],
        "releases": releases.content["releases"],
        "advisories": [],
    }


def _kind(document: Document, kind: str) -> Document:
    if document.kind != kind:
        raise ConfigError(f"{document.path}: kind {document.kind} does not belong here, {kind} does")
    return document
