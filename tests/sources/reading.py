"""What the tests of sources share."""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from preflight.check import Need, need
from preflight.inventory import Inventory
from preflight.resources import RESOURCES
from preflight.sources import open_source

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOW = datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)
FIELDS = ("spec", "status", "value", "default", "metadata.annotations", "metadata.managedFields", "type", "data")
ALL_NEEDS = tuple(need(name, *FIELDS) for name in RESOURCES)


def not_live(_needs: object) -> Inventory:
    raise AssertionError("the cluster was asked")


def read(source: str | Path, needs: Iterable[Need] = ALL_NEEDS, *, now: datetime | None = None) -> Inventory:
    return open_source(str(source), now=now, live=not_live, stdin=io.BytesIO())(tuple(needs))


def read_stdin(data: bytes | str, needs: Iterable[Need] = ALL_NEEDS, *, now: datetime | None = NOW) -> Inventory:
    stdin = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return open_source("-", now=now, live=not_live, stdin=stdin)(tuple(needs))


def names(inventory: Inventory, resource: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in inventory.get(resource).objects]
