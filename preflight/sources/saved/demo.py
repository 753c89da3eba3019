"""Bundled scenarios: snapshots that ship with the tool and need no cluster, no network and no validation.

`ci/generate/demo_data` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight.check import Need
from preflight.errors import UsageError
from preflight.inventory import Inventory
from preflight.model import SourceInfo
from preflight.sources.saved.snapshot import build
from preflight.values.names import perhaps
from preflight.values.times import parse_time

DEFAULT = "stuck-addon"
_FOLDER = Path(__file__).parents[2] / "demo"
"""Not through importlib.resources: loading that takes longer than reading the scenario."""


def names() -> tuple[str, ...]:
    """Return the names of the scenarios."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def known_name(name: str) -> str:
    """Return the scenario meant by a name, the default one for an empty name. Raises UsageError for an unknown one."""
    name = name or DEFAULT
    if name not in names():
        raise UsageError(
            f"--source demo:{name}: there is no such scenario{perhaps(name, names())} (there are {', '.join(names())})"
        )
    return name


def read(needs: Sequence[Need], *, name: str, now: datetime | None) -> Inventory:
    """Read a scenario."""
    document: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_bytes())
    taken = parse_time(document["collectedAt"])
    if taken is None:
        raise AssertionError(f"the scenario {name} carries no time")
    notes = tuple(document["source"].get("notes", ()))
    return build(document, needs, SourceInfo("demo", name, taken, notes=notes), now)
