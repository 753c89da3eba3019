"""preflight.testing: a check that reads what it did not declare is told so, by the field's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from preflight.api import (
    FAIL,
    Code,
    Finding,
    Option,
    Outcome,
    Reason,
    View,
    check,
    condition_status,
    labels_of,
    maps_at,
    need,
    ref_of,
    text_at,
    value_at,
)
from preflight.check import Check
from preflight.model import Status
from preflight.testing import Undeclared, run_check

NODE = {
    "metadata": {"name": "n1", "labels": {"a": "b"}, "annotations": {"x": "y"}},
    "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}], "podCIDR": "10.0.0.0/24"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}], "x": 1},
}
FIELDS = ("spec.taints.key", "status.conditions", "metadata.annotations[x]")


def reading(read: Any, *fields: str) -> Check:
    @check(id="t", title="t", category="theirs", needs=(need("nodes", *(fields or FIELDS)),), docs="", why="", how="",
           fix="", causes={"c": "c"}, options={"days": Option(7, "days")})  # fmt: skip
    def run(view: View) -> Iterator[Outcome]:
        for node in view.objects("nodes"):
            if read(node):
                yield Finding(severity=FAIL, cause="c", message="m", hint="h", resource=ref_of(node))

    return run


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (lambda node: text_at(node, "status.x"), "nodes.status.x"),
        (lambda node: value_at(node, "status.absent"), "nodes.status.absent"),
        (lambda node: node["status"]["x"], "nodes.status.x"),
        (lambda node: node["status"].get("absent"), "nodes.status.absent"),
        (lambda node: "absent" in node["status"], "nodes.status.absent"),
        (lambda node: maps_at(node, "spec.taints")[0].get("effect"), "nodes.spec.taints.effect"),
        (lambda node: text_at(node, "metadata.annotations[z]"), "nodes.metadata.annotations.z"),
        (lambda node: list(node["spec"]), "nodes.spec.*"),
        (lambda node: node["spec"].items(), "nodes.spec.*"),
        (lambda node: {**node["spec"]}, "nodes.spec.*"),
        (lambda node: dict(node), "nodes.*"),
        (lambda node: len(node["spec"]), "nodes.spec.*"),
        (lambda node: node.get("data"), "nodes.data"),
    ],
)
def test_what_was_not_declared_is_an_error_with_its_name(read: Any, field: str) -> None:
    with pytest.raises(Undeclared) as caught:
        run_check(reading(read), {"nodes": [NODE]})
    assert str(caught.value) == f"t reads {field} without declaring it"


def test_a_check_that_swallows_the_error_is_told_all_the_same() -> None:
    def read(node: Any) -> bool:
        try:
            return bool(node["status"]["x"])
        except AssertionError:
            return False

    with pytest.raises(Undeclared, match=r"nodes\.status\.x"):
        run_check(reading(read), {"nodes": [NODE]})


@pytest.mark.parametrize(
    "read",
    [
        lambda node: condition_status(node, "Ready") != "True",
        lambda node: labels_of(node).get("absent"),
        lambda node: sorted(labels_of(node)) == ["x"],
        lambda node: node["metadata"].get("deletionTimestamp"),
        lambda node: text_at(node, "metadata.annotations[x]") != "y",
        lambda node: not node["spec"],
        lambda node: [taint["key"] for taint in node["spec"]["taints"]] != ["k"],
        lambda node: isinstance(node["spec"], dict) is False,
    ],
)
def test_what_was_declared_and_what_every_object_has_is_read(read: Any) -> None:
    assert run_check(reading(read), {"nodes": [NODE]}).status is Status.PASS


def test_keys_that_begin_as_declared_may_be_looked_through() -> None:
    def read(node: Any) -> bool:
        files = node["files"]
        return [name for name in files if name.startswith("configs/")] != ["configs/a"] or text_at(files, "[configs/b]")

    node = {"metadata": {"name": "n1"}, "files": {"configs/a": "1", "logs/a": "2"}}
    assert run_check(reading(read, "files[configs/*]"), {"nodes": [node]}).status is Status.PASS
    with pytest.raises(Undeclared, match=r"nodes\.files\.logs/a"):
        run_check(reading(lambda node: node["files"].get("logs/a"), "files[configs/*]"), {"nodes": [node]})


def test_any_key_may_be_looked_through_where_any_was_declared() -> None:
    node = {"metadata": {"name": "n1"}, "spec": {"disks": {"a": {"size": 1, "path": "/"}}}}
    sizes = reading(lambda node: [disk["size"] for disk in node["spec"]["disks"].values()] != [1], "spec.disks.*.size")
    assert run_check(sizes, {"nodes": [node]}).status is Status.PASS
    paths = reading(lambda node: [disk["path"] for disk in node["spec"]["disks"].values()], "spec.disks.*.size")
    with pytest.raises(Undeclared, match=r"nodes\.spec\.disks\.a\.path"):
        run_check(paths, {"nodes": [node]})


def test_a_resource_that_was_not_declared_is_an_error_on_both_sides() -> None:
    with pytest.raises(Undeclared, match="pods, which t does not declare"):
        run_check(reading(lambda node: False), {"pods": []})

    @check(id="t", title="t", category="theirs", needs=(need("nodes"),), docs="", why="", how="", fix="")
    def reads_pods(view: View) -> Iterator[Outcome]:
        view.objects("pods")
        yield from ()

    result = run_check(reads_pods, {})
    assert "reads pods without declaring it" in result.reason


def test_the_rest_of_a_run_is_as_it_is_for_users() -> None:
    silent = reading(lambda node: False)
    missing = run_check(silent, {}, not_collected={"nodes": "forbidden: nodes"})
    assert (missing.status, missing.reasons) == (Status.UNKNOWN, (Reason(Code.FORBIDDEN, "nodes"),))
    gap = run_check(silent, {"nodes": [NODE]}, gaps={"nodes": [Reason(Code.NODE_ONLY, "n2 did not answer", node="n2")]})
    assert gap.status is Status.UNKNOWN
    assert run_check(silent, {}, from_version="v1.4.0", to_version="v1.4.1", options={"days": 3}).status is Status.PASS
