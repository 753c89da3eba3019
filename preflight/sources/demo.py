"""To be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from preflight.check import Need
from preflight.errors import SourceError
from preflight.inventory import Inventory


def read(needs: Sequence[Need], *, name: str, now: datetime | None) -> Inventory:
    """Read it."""
    raise SourceError("this source is not there yet")


def known_name(name: str) -> str:
    """Check a demo's name."""
    return name or "stuck-addon"
