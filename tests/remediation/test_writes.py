"""What must never be written is refused where the writing is done, whatever a plan or a journal says."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.cluster.writer import ALLOWED, Writer, why_forbidden
from preflight.errors import RemediationError
from preflight.resources import RESOURCES

VERBS = ("create", "delete", "patch", "patch-status", "put")


class NoServer:
    """Fails the test when anything is sent."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"something was sent: {name}")


def writer() -> Writer:
    return Writer(NoServer())  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("api_version", "kind", "name"),
    [
        ("v1", "PersistentVolumeClaim", "data"),
        ("v1", "PersistentVolume", "pv"),
        ("v1", "Namespace", "cattle-logging-system"),
        ("v1", "Node", "n1"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "flows.logging.banzaicloud.io"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "harvester-validator"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "harvester-mutator"),
        ("management.cattle.io/v3", "ManagedChart", "rancher-logging-crd"),
        ("harvesterhci.io/v1beta1", "Upgrade", "u"),
        ("harvesterhci.io/v1beta1", "Setting", "server-version"),
        ("helm.cattle.io/v1", "HelmChart", "rancher-logging-crd"),
        ("helm.cattle.io/v1", "HelmChart", "rancher-monitoring-crd"),
        ("batch/v1", "Job", "helm-install-rancher-logging-crd"),
        ("batch/v1", "Job", "backup-of-everything"),
        ("v1", "Secret", "sh.helm.release.v1.rancher-logging-crd.v12"),
        ("v1", "Secret", "chart-values-rancher-monitoring-crd"),
        ("v1", "Secret", "local-kubeconfig"),
        ("v1", "ConfigMap", "harvester-vm-dashboard"),
        ("v1", "ServiceAccount", "default"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "cluster-admin"),
        ("v1", "Job", "helm-install-x"),
        ("coordination.k8s.io/v1", "Lease", "harv-node-1"),
    ],
)
def test_never(verb: str, api_version: str, kind: str, name: str) -> None:
    assert why_forbidden(verb, api_version, kind, name)


@pytest.mark.parametrize(
    ("verb", "api_version", "kind", "name"),
    [
        ("delete", "batch/v1", "Job", "helm-install-rancher-logging"),
        ("delete", "v1", "Secret", "sh.helm.release.v1.rancher-logging.v12"),
        ("patch-status", "harvesterhci.io/v1beta1", "Addon", "rancher-logging"),
        ("create", "harvesterhci.io/v1beta1", "Addon", "rancher-logging"),
        ("delete", "upgrade.cattle.io/v1", "Plan", "hvst-upgrade-a-prepare"),
        ("create", "harvesterhci.io/v1beta1", "UpgradeLog", "hvst-upgrade-a-upgradelog"),
    ],
)
def test_what_a_repair_needs_is_allowed(verb: str, api_version: str, kind: str, name: str) -> None:
    assert why_forbidden(verb, api_version, kind, name) == ""


def test_of_all_known_kinds_only_the_listed_can_be_written() -> None:
    kinds = {(row.group, row.kind, row.api_version) for row in RESOURCES.values()}
    writable = {
        (group, kind)
        for group, kind, version in kinds
        for verb in VERBS
        if not why_forbidden(verb, version, kind, "helm-install-x")
        or not why_forbidden(verb, version, kind, "sh.helm.release.v1.x.v1")
        or not why_forbidden(verb, version, kind, "chart-content-x")
        or not why_forbidden(verb, version, kind, "harvester-preflight-fix")
        or not why_forbidden(verb, version, kind, "hvst-upgrade-a")
        or not why_forbidden(verb, version, kind, "harvester", {"spec": {"paused": False}})
    }
    assert writable == set(ALLOWED)


@pytest.mark.parametrize("name", ["harvester", "harvester-crd"])
@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("patch", {"spec": {"paused": False, "values": {}}}),
        ("patch", {"spec": {"paused": False}, "metadata": {"labels": {"a": "b"}}}),
        ("patch", {"spec": {"paused": None}}),
        ("patch", None),
        ("delete", None),
        ("create", {"spec": {"paused": False}}),
    ],
)
def test_of_a_managed_chart_only_the_pause_is_written(verb: str, change: dict[str, Any] | None, name: str) -> None:
    assert why_forbidden(verb, "management.cattle.io/v3", "ManagedChart", name, change)
    assert not why_forbidden("patch", "management.cattle.io/v3", "ManagedChart", name, {"spec": {"paused": False}})
    assert why_forbidden("patch", "management.cattle.io/v3", "ManagedChart", "own", {"spec": {"paused": False}})


@pytest.mark.parametrize("key", ["harvesterhci.io/skipWebhook", "harvesterhci.io/skip-version-check"])
def test_switching_off_a_check_of_the_server_is_refused_before_anything_is_sent(key: str) -> None:
    change = {"metadata": {"annotations": {key: "true"}}}
    obj = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Addon",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1"},
    }
    with pytest.raises(RemediationError, match="never a repair"):
        writer().patch(obj, change)
    with pytest.raises(RemediationError, match="never a repair"):
        writer().create({**obj, "metadata": {**obj["metadata"], **change["metadata"]}})  # type: ignore[dict-item]


@pytest.mark.parametrize("lacking", ["uid", "resourceVersion"])
def test_a_write_that_cannot_be_held_to_a_state_is_refused(lacking: str) -> None:
    metadata = {"name": "helm-install-a", "namespace": "n", "uid": "u", "resourceVersion": "1"}
    metadata.pop(lacking)
    with pytest.raises(RemediationError, match="not known"):
        writer().delete({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata})


def test_claims_cannot_be_deleted_by_the_writing_function() -> None:
    metadata = {"name": "data", "namespace": "n", "uid": "u", "resourceVersion": "1"}
    with pytest.raises(RemediationError, match="never does `delete`"):
        writer().delete({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata})
