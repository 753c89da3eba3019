"""A check that looks at one namespace is not held up by another one that was not read."""

from __future__ import annotations

import pytest

from preflight.api import Code, Reason, need
from preflight.inventory import Collected, matters_to, namespace_gap
from preflight.model import Status
from tests.test_runner import make, result_of


@pytest.mark.parametrize(
    ("gap", "namespaces", "matters"),
    [
        (namespace_gap("vms"), (), True),
        (namespace_gap("vms"), ("fleet-local",), False),
        (namespace_gap("fleet-local"), ("fleet-local",), True),
        (Reason(Code.TIMED_OUT, "no answer", node="n1"), ("fleet-local",), True),
        (Reason(Code.ERROR, "the bundle has no readable list of namespaces"), ("fleet-local",), True),
    ],
)
def test_only_gaps_in_the_namespaces_looked_at_matter(gap: Reason, namespaces: tuple[str, ...], matters: bool) -> None:
    assert matters_to(gap, namespaces) is matters
    check = make([], needs=(need("nodes"), need("pods", namespaces=namespaces)))
    status = result_of(check, pods=Collected(gaps=(gap,))).status
    assert status is (Status.UNKNOWN if matters else Status.PASS)
