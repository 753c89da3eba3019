"""Files of knowledge for the tests: an advisory that is right, to be made wrong in one place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

FINDING: dict[str, Any] = {
    "cause": "too-big",
    "objects": "nodes",
    "when": "object.status.size > 3",
    "severity": "fail",
    "consequence": {"effect": "hangs", "phase": "node-drain", "certainty": "certain", "text": "It waits"},
    "message": "Node {name} has {string(object.status.size)}",
    "hint": "Make it smaller",
    "commands": ["kubectl get node {name}"],
}
ADVISORY: dict[str, Any] = {
    "apiVersion": "harvester-preflight/v1",
    "kind": "Advisory",
    "id": "node-size",
    "title": "No node is too big",
    "date": "2026-11-25",
    "source": "https://example.com/note",
    "findings": [FINDING],
}
RELEASES: dict[str, Any] = {
    "apiVersion": "harvester-preflight/v1",
    "kind": "Releases",
    "date": "2027-03-01",
    "source": "a test",
    "releases": {"v1.10.0": {"minimum": "v1.9.0"}},
}


def advisory(finding: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return the advisory with some keys changed; None takes a key away."""
    made = copy.deepcopy(ADVISORY) | more
    made["findings"][0] |= finding or {}
    made["findings"][0] = {key: value for key, value in made["findings"][0].items() if value is not None}
    return {key: value for key, value in made.items() if value is not None}


def releases(**entries: Any) -> dict[str, Any]:
    return {**RELEASES, "releases": {name.replace("_", "."): entry for name, entry in entries.items()}}


def write(folder: Path, content: Any, name: str = "given.yaml") -> str:
    path = folder / name
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return str(path)
