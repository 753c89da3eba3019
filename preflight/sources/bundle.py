"""To be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from preflight.check import Need
from preflight.errors import SourceError
from preflight.inventory import Inventory


def read(needs: Sequence[Need], *, path: Path, now: datetime | None) -> Inventory:
    """Read it."""
    raise SourceError("this source is not there yet")
