"""The table of faults in docs/outcomes.md against a server that has them."""

from __future__ import annotations

import re

import pytest

from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.sources.live.reader import read
from tests.command import ROOT
from tests.kube import Fail, KubeServer, Reset, Stall

ROWS = re.findall(
    r"^\| (.+?) \| `([a-z-]+)` \| (.+?) \|$", (ROOT / "docs/outcomes.md").read_text("utf-8"), re.MULTILINE
)
STATUSES = [(int(fault.split()[1]), code, tried) for fault, code, tried in ROWS if fault.startswith("HTTP ")]


def tries(text: str) -> int:
    number = re.search(r"\d+", text)
    return 1 + (int(number[0]) if number else {"no": 0, "once": 1}[text])


@pytest.mark.parametrize(("status", "code", "tried"), STATUSES)
def test_a_status_comes_to_what_the_table_says(status: int, code: str, tried: str) -> None:
    fault = Fail.expired() if status == 410 else Fail(status)
    _strikes(fault, code, tried)


def test_a_broken_connection_comes_to_what_the_table_says() -> None:
    ((_, code, tried),) = [row for row in ROWS if row[0].startswith("connection reset")]
    _strikes(Reset(), code, tried)


def test_a_stalled_answer_comes_to_what_the_table_says() -> None:
    ((_, code, tried),) = [row for row in ROWS if row[0].startswith("no answer within")]
    _strikes(Stall(), code, tried, request_timeout=0.2)


def _strikes(fault: object, code: str, tried: str, request_timeout: float | None = None) -> None:
    with KubeServer([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "x"}}]) as server:
        struck = server.faults.on(fault, path="/api/v1/pods", times=None)
        connection = Connection(server=server.url, token="test-token", request_timeout=request_timeout)
        found = read([need("pods")], connection, wait=lambda _seconds: None).get("pods")
    assert str(found.missing).startswith(f"{code}: "), found.missing
    assert struck.hits == tries(tried)


def test_the_table_has_its_rows() -> None:
    assert len(STATUSES) == 10
