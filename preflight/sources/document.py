"""To be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import BinaryIO

from preflight.check import Need
from preflight.errors import SourceError
from preflight.inventory import Inventory


def read(needs: Sequence[Need], *, opener: Callable[[], BinaryIO], name: str, now: datetime | None) -> Inventory:
    """Read it."""
    raise SourceError("this source is not there yet")
