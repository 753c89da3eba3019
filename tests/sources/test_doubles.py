"""Two objects of one name in one input: the newer of one object, and no answer where they are two."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.model import Code
from tests.sources.reading import read_stdin
from tests.sources.test_objects import POD


def pod(phase: str, **metadata: Any) -> dict[str, Any]:
    return {**POD, "metadata": {**POD["metadata"], **metadata}, "status": {"phase": phase}}


def setting(uid: str) -> dict[str, Any]:
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Setting",
        "metadata": {"name": "server-version", "uid": uid},
        "value": "v1.4.0",
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"uid": "a", "resourceVersion": "5"}, {"uid": "b", "resourceVersion": "9"}),
        ({"uid": "a"}, {"uid": "a"}),
        ({"uid": "a", "resourceVersion": "5"}, {"uid": "a", "resourceVersion": "5"}),
        ({"uid": "a", "resourceVersion": "5"}, {"uid": "a", "resourceVersion": "x"}),
    ],
)
def test_two_objects_of_one_name_are_no_answer_for_their_kind(first: dict[str, str], second: dict[str, str]) -> None:
    other = {**POD, "kind": "Node", "metadata": {"name": "n"}}
    for one, two in ((first, second), (second, first)):
        inventory = read_stdin("".join(map(json.dumps, (pod("Failed", **one), pod("Running", **two), other))))
        missing = inventory.get("pods").missing
        assert missing is not None
        assert missing.code is Code.CONFLICTING
        assert "x/a twice" in missing.text
        assert inventory.get("nodes").missing is None


@pytest.mark.parametrize("older", [{"resourceVersion": "9"}, {"uid": "a", "resourceVersion": "9"}])
def test_of_one_object_the_newer_counts(older: dict[str, str]) -> None:
    newer = pod("Failed", uid="a", resourceVersion="10")
    for both in ([pod("Running", **older), newer], [newer, pod("Running", **older)], [newer, newer]):
        entry = read_stdin("".join(map(json.dumps, both))).get("pods")
        assert entry.missing is None
        assert [obj["status"]["phase"] for obj in entry.objects] == ["Failed"]


def test_two_clusters_in_one_file_are_no_answer_for_any_kind() -> None:
    inventory = read_stdin("".join(map(json.dumps, (setting("a"), pod("Running"), setting("b")))))
    for name in ("settings.harvesterhci.io", "pods"):
        missing = inventory.get(name).missing
        assert missing is not None
        assert missing.code is Code.CONFLICTING
    assert len({str(inventory.get(name).missing) for name in ("settings.harvesterhci.io", "pods")}) == 1
