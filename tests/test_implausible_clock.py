"""A clock that contradicts what was read decides nothing: what depends on the time is unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import NotCollected
from preflight.inventory import CLOCK_TOLERANCE, CURRENT_WITHIN, Collected, Inventory, View, clock_doubt
from preflight.model import Code, SourceInfo, UpgradePair
from tests.command import preflight

FIXTURES = Path(__file__).parent / "fixtures"
NEWEST = datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)
STAMP = "2026-11-23T18:42:58Z"
BEFORE = {"metadata": {"name": "a", "creationTimestamp": "2025-01-01T00:00:00Z"}}
SECOND = timedelta(seconds=1)


def read_at(now: datetime, *metadata: dict[str, Any]) -> Inventory:
    objects = (BEFORE, *({"metadata": {"name": "n", **entry}} for entry in metadata))
    return Inventory(SourceInfo("live", "x", now, "--now"), {"nodes": Collected(objects)})


@pytest.mark.parametrize(
    "stamp", [{"creationTimestamp": STAMP}, {"managedFields": [{"time": "2026-01-01T00:00:00Z"}, {"time": STAMP}]}]
)
@pytest.mark.parametrize(
    ("now", "current", "doubted"),
    [
        (NEWEST - CLOCK_TOLERANCE - SECOND, False, True),
        (NEWEST - CLOCK_TOLERANCE, False, False),
        (NEWEST + CURRENT_WITHIN, True, False),
        (NEWEST + CURRENT_WITHIN + SECOND, True, True),
        (NEWEST + CURRENT_WITHIN + SECOND, False, False),
    ],
)
def test_a_clock_is_doubted_only_outside_its_tolerance(
    stamp: dict[str, Any], now: datetime, current: bool, doubted: bool
) -> None:
    assert bool(clock_doubt(read_at(now, stamp), says_current=current)) is doubted


@pytest.mark.parametrize(
    "odd", [{}, {"creationTimestamp": "zzzZ"}, {"creationTimestamp": 3}, {"managedFields": [3, {}]}]
)
def test_what_is_no_time_says_nothing(odd: dict[str, Any]) -> None:
    assert clock_doubt(read_at(NEWEST, odd), says_current=False) is None


def test_who_asks_for_a_doubted_clock_gets_no_answer() -> None:
    inventory = read_at(NEWEST - timedelta(days=9), {"creationTimestamp": STAMP})
    doubt = clock_doubt(inventory, says_current=False)
    assert doubt is not None
    assert doubt.code is Code.CONFLICTING
    doubted = Inventory(inventory.source, inventory.entries, doubt)
    with pytest.raises(NotCollected):
        _ = View(doubted, frozenset({"nodes"}), UpgradePair(None, None)).now


def test_a_healthy_cluster_judged_in_2020_is_undecided_and_says_why_once() -> None:
    run = ("check", "--source", FIXTURES / "healthy.yaml", "--to", "v1.4.1", "--select", "clock-skew", "-o", "json")
    done = preflight(*run, "--now", "2020-01-01T00:00:00Z")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (4, "undecided")
    (check,) = [entry for entry in report["checks"] if entry["id"] == "clock-skew"]
    assert [reason["code"] for reason in check["reasons"]] == ["conflicting"]
    assert sum("the time to decide by" in note for note in report["source"]["notes"]) == 1
