"""The computed role is enough, and no more than is used: shown against a server that enforces it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from preflight.check import Need
from preflight.cluster.connection import Connection
from preflight.flow import Examination, all_needs, examine, registered_checks
from preflight.inventory import Inventory
from preflight.model import Status, Via
from preflight.rbac import SECRET_LISTS, Subject, manifests, read_permissions
from preflight.resources import RESOURCES
from preflight.settings import Settings
from preflight.sources.live.reader import read
from tests.command import ROOT
from tests.kube import KubeServer, rules_of
from tests.kube.rbac import Rule

SETTINGS = Settings(to_version="v1.4.1", plugins=False)
CHECKS = registered_checks(SETTINGS)
NEEDS = all_needs(CHECKS, SETTINGS)


def rules(*, releases: bool = False, kubelet: bool = False) -> set[Rule]:
    return rules_of(manifests(read_permissions(NEEDS, with_releases=releases, with_kubelet=kubelet), Subject()))


def healthy() -> dict[str, list[dict[str, Any]]]:
    content = json.loads((ROOT / "preflight" / "demo" / "healthy.json").read_text(encoding="utf-8"))
    return {name: entry.get("objects") or [] for name, entry in content["entries"].items()}


def busier(entries: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what makes the checks look at more: a storage network, logging, a log, an Ingress of the default class."""
    network = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Setting",
        "metadata": {"name": "storage-network"},
        "value": json.dumps({"vlan": 100, "clusterNetwork": "storage", "range": "10.9.0.0/24"}),
    }
    (logging,) = [item for item in entries["addons.harvesterhci.io"] if item["metadata"]["name"] == "rancher-logging"]
    enabled = {**logging, "spec": {**logging["spec"], "enabled": True}}
    left = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "UpgradeLog",
        "metadata": {"name": "hvst-upgrade-x-upgradelog", "namespace": "harvester-system"},
        "spec": {"upgradeName": "hvst-upgrade-x"},
    }
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "shop", "namespace": "vms"},
        "spec": {},
    }
    return [network, enabled, left, ingress]


@pytest.fixture(scope="module")
def server() -> Iterator[KubeServer]:
    entries = healthy()
    objects = [item for name, items in entries.items() if RESOURCES[name].how == "list" for item in items]
    with KubeServer(objects) as server:
        server.freeze()
        server.put(*busier(entries))
        for node in entries["nodes"]:
            server.kubelets[node["metadata"]["name"]] = {"summary": {"node": {}}, "configz": {"kubeletconfig": {}}}
        yield server


def run(server: KubeServer, allow: set[Rule], settings: Settings = SETTINGS) -> Examination:
    server.allow = allow
    server.used.clear()

    def reader(needs: Any) -> Inventory:
        return read(needs, Connection(server=server.url, token="test-token"), wait=lambda _seconds: None)

    return examine(CHECKS, settings, reader)


def forbidden(found: Examination, needs: tuple[Need, ...] = NEEDS) -> set[str]:
    entries = {need.resource.name: found.inventory.get(need.resource.name) for need in needs}
    return {name for name, entry in entries.items() if "forbidden" in " ".join(map(str, (entry.missing, *entry.gaps)))}


@pytest.mark.parametrize("releases", [False, True])
@pytest.mark.parametrize("kubelet", [False, True])
def test_the_role_is_enough_and_all_of_it_is_used(server: KubeServer, releases: bool, kubelet: bool) -> None:
    granted = rules(releases=releases, kubelet=kubelet)
    found = run(server, granted)
    kubelets = {need.resource.name for need in NEEDS if need.resource.how == "kubelet"}
    secrets = {need.resource.name for need in NEEDS if need.resource.name in SECRET_LISTS}
    assert forbidden(found) == (set() if releases else secrets) | (set() if kubelet else kubelets)
    assert server.used == granted
    assert {asked.method for asked in server.requests} == {"GET"}


PAIRS = (
    ("v1.4.0", "v1.4.1"),
    ("v1.4.3", "v1.5.0"),
    ("v1.5.1", "v1.6.0"),
    ("v1.6.0", "v1.6.1"),
    ("v1.6.1", "v1.7.0"),
    ("v1.7.1", "v1.8.0"),
    ("v1.8.2", "v1.9.0"),
    ("v1.9.0", "v1.10.0"),
)
"""Some checks are for some versions only."""
ALL = sorted(rules(releases=True, kubelet=True), key=repr)


EVENTS = [rule for rule in ALL if rule[2] == "events" and rule[3] != "default"]
"""Read only to explain an upgrade that runs: while none does, nothing is lost without them."""


@pytest.mark.parametrize("rule", EVENTS, ids=lambda rule: "-".join(filter(None, rule)))
def test_what_only_explains_a_running_upgrade_is_missed_when_one_runs(server: KubeServer, rule: Rule) -> None:
    labels = {"harvesterhci.io/upgrade": "u", "harvesterhci.io/upgradeComponent": "manifest"}
    where = {"name": "u", "namespace": "harvester-system"}
    condition = {"type": "SystemServicesUpgraded", "status": "Unknown"}
    running = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade", "metadata": where}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {**where, "labels": labels}}
    server.put({**running, "status": {"conditions": [condition]}}, job)
    try:
        found = run(server, set(ALL) - {rule})
    finally:
        server.remove("upgrades", "harvesterhci.io")
        server.remove("jobs", "batch", "harvester-system", "u")
    (result,) = [one for one in found.report.checks if one.id == "upgrade-in-progress"]
    (told,) = result.findings
    assert any("forbidden" in text for text in told.evidence["unread"])


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if rule not in EVENTS], ids=lambda rule: "-".join(filter(None, rule))
)
def test_nothing_of_it_can_be_left_out(server: KubeServer, rule: Rule) -> None:
    allowed = {one for one in ALL if one != rule and not covers(one, rule)}
    for (running, target), via in product(PAIRS, Via):
        settings = replace(SETTINGS, from_version=running, to_version=target, via=via)
        found = run(server, allowed, settings)
        assert forbidden(found)
        if any(result.status is Status.UNKNOWN and "forbidden" in result.reason for result in found.report.checks):
            return
        if not found.report.source.cluster_uid:
            return
    pytest.fail(f"without {rule} nothing in the report says that it could not look, whichever the versions")


def covers(wide: Rule, rule: Rule) -> bool:
    """Say whether a rule for every namespace grants what one for a single namespace does."""
    return wide[:3] == rule[:3] and wide[3] is None and wide[4] in (None, rule[4])


def test_the_default_role_lists_no_secrets_and_reaches_no_kubelet() -> None:
    granted = rules()
    assert not [rule for rule in granted if rule[:3] == ("list", "", "secrets")]
    assert not [rule for rule in granted if "proxy" in rule[2]]
    assert {rule[0] for rule in granted} <= {"get", "list"}
