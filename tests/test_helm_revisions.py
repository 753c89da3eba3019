"""Apps tell what Secrets tell, but may lag: with both, the higher revision counts."""

from __future__ import annotations

from typing import Any

from preflight.model import Status
from preflight.registry import find_plugins, load_checks
from tests.cases import run_case

(CHECK,) = (check for check in load_checks(find_plugins(only_ours=True)) if check.id == "helm-release-pending")
RELEASES = (
    ("fleet", "cattle-fleet-system"),
    ("fleet-crd", "cattle-fleet-system"),
    ("rancher", "cattle-system"),
    ("rancher-webhook", "cattle-system"),
    ("harvester", "harvester-system"),
    ("harvester-crd", "harvester-system"),
)


def app(name: str, namespace: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"version": 9, "info": {"status": "deployed"}},
    }


def secret(number: int) -> dict[str, Any]:
    labels = {"name": "fleet", "status": "pending-upgrade", "version": str(number)}
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.fleet.v{number}",
            "namespace": "cattle-fleet-system",
            "labels": labels,
        }
    }


def status(number: int) -> Status:
    cluster = {"apps.catalog.cattle.io": [app(*key) for key in RELEASES], "secrets/helm-releases": [secret(number)]}
    return run_case(CHECK, {"upgrade": {"from": "v1.5.1", "to": "v1.6.1"}, "cluster": cluster}).status


def test_a_secret_of_a_later_revision_counts_before_an_app_that_lags() -> None:
    assert status(10) is Status.FAIL


def test_a_secret_of_an_earlier_revision_does_not() -> None:
    assert status(8) is Status.PASS
