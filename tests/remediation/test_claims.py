"""Leftovers may take data along: it is looked for, named, and lost only where somebody said so."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.errors import RemediationError
from tests.kube import Fail
from tests.remediation.world import MakeWorld, World, addon, chart_of


def claim(name: str, **metadata: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": "one"}
    kept = {"name": name, "namespace": "addons", "labels": labels, **metadata}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": kept}


def helms(**more: str) -> dict[str, str]:
    return {"meta.helm.sh/release-name": "one", "meta.helm.sh/release-namespace": "addons", **more}


def stateful_set(policy: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    if policy:
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": policy, "whenScaled": "Retain"}
    labels = {"app.kubernetes.io/instance": "one"}
    metadata = {"name": "db", "namespace": "addons", "uid": "sts", "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}


def left(world: MakeWorld, *more: dict[str, Any], controllers: bool = True) -> World:
    owner = addon("one", "", enabled=False, status="AddonDisabled", InProgress="False")
    chart = chart_of(owner)
    chart["metadata"]["annotations"] = {"test/cause": "left"}
    return world(owner, chart, *more, controllers=controllers)


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([claim("files", annotations=helms())], "files (it is part of the chart, and helm deletes it)"),
        ([stateful_set("Delete"), claim("data-db-0")], "data-db-0 (StatefulSet db says whenDeleted: Delete)"),
        (
            [
                stateful_set(None),
                claim("data-db-0", ownerReferences=[{"kind": "StatefulSet", "name": "db", "uid": "sts"}]),
            ],
            "data-db-0 (StatefulSet db owns it)",
        ),
    ],
    ids=["of the chart", "retention policy", "owned"],
)
def test_claims_that_go_are_named_and_need_force(world: MakeWorld, objects: list[dict[str, Any]], words: str) -> None:
    here = left(world, *objects)
    (refusal,) = here.plan().refusals
    assert "needs --force" in refusal.reason
    assert "DATA GOES WITH IT" in refusal.reason
    assert words in refusal.reason
    steps = here.plan(force=True).steps
    assert steps
    assert all("DATA GOES WITH IT" in step.loses for step in steps if step.target.kind in ("HelmChart", "StatefulSet"))


@pytest.mark.parametrize(
    "objects",
    [
        [claim("files", annotations=helms(**{"helm.sh/resource-policy": "keep"}))],
        [claim("files", annotations={**helms(), "meta.helm.sh/release-name": "another"})],
        [stateful_set("Retain"), claim("data-db-0")],
        [stateful_set(None), claim("data-db-0")],
        [stateful_set("Delete"), claim("data-db-x"), claim("other-db-0")],
    ],
    ids=["kept", "of another release", "retained", "without policy", "of another name"],
)
def test_claims_that_stay_are_said_to_stay(world: MakeWorld, objects: list[dict[str, Any]]) -> None:
    steps = left(world, *objects).plan(force=True).steps
    assert steps
    assert all("claims (PVCs) stay" in step.loses for step in steps)


def test_where_claims_cannot_be_looked_at_nothing_is_deleted(world: MakeWorld) -> None:
    here = left(world)
    here.server.faults.on(Fail(403), path="/persistentvolumeclaims", times=None)
    (refusal,) = here.plan(force=True).refusals
    assert "cannot be told: forbidden" in refusal.reason


def test_the_role_that_is_advised_is_one_that_would_do(world: MakeWorld) -> None:
    here = left(world, controllers=False)
    plan = here.plan(force=True)
    here.server.allow = {("get", "*", "*"), ("list", "*", "*")}
    with pytest.raises(RemediationError) as caught:
        here.apply(plan)
    assert "`harvester-preflight rbac --fix` prints the role" in caught.value.message
    workload = stateful_set(None)
    here.server.put(workload)
    here.server.allow = {("*", "*", "*")}
    plan = here.plan(force=True)
    here.server.allow = {("get", "*", "*"), ("list", "*", "*")}
    with pytest.raises(RemediationError, match=r"does not hold statefulsets either: that takes an administrator"):
        here.apply(plan)
