"""The check as a gate of what a GitOps tool is about to apply: a hook of Argo CD, a bundle of Fleet.

Rules: Argo CD deletes a hook of policy BeforeHookCreation before it makes it anew, so the account is one of the hooks and
the namespace is none; a hook waits for those of an earlier wave. Fleet takes a Job for ready as soon as it starts unless
helm.waitForJobs is set together with helm.timeoutSeconds (rancher/fleet issues 1526 and 364).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preflight.manifests.pods import DEADLINE, LABELS, JsonObject, account, config_map, job
from preflight.manifests.setup import Setup

EXPECTS = "--expect-version"
HOOK = {"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
WAVE = {"argocd.argoproj.io/sync-wave": "-1"}
FLEET_NAMESPACE = "fleet-default"
"""Where Rancher keeps the bundles of the clusters it manages."""
SELECTOR = {"matchLabels": {"provider.cattle.io": "harvester"}}


def argocd(setup: Setup) -> list[JsonObject]:
    """Return a PreSync hook: the sync of the Application that holds these objects stops unless the cluster is ready."""
    objects = [entry for entry in account(setup) if entry["kind"] != "Namespace"]
    earlier = [_annotated(entry, HOOK | WAVE) for entry in (*objects, config_map(setup))]
    return [*earlier, _annotated(job(setup, EXPECTS), HOOK)]


def fleet(setup: Setup, text: str) -> list[JsonObject]:
    """Return a Bundle, for the management cluster, of the objects written in `text`: ready once its Job has completed."""
    helm = {
        "releaseName": setup.subject.name,
        "waitForJobs": True,
        "timeoutSeconds": DEADLINE + 60,
        "atomic": False,
    }
    return [
        {
            "apiVersion": "fleet.cattle.io/v1alpha1",
            "kind": "Bundle",
            "metadata": {"name": setup.subject.name, "namespace": FLEET_NAMESPACE, "labels": LABELS},
            "spec": {
                "defaultNamespace": setup.subject.namespace,
                "helm": helm,
                "resources": [{"name": "gate.yaml", "content": text}],
                "targets": [{"name": "harvester", "clusterSelector": SELECTOR}],
            },
        }
    ]


def fleet_objects(setup: Setup) -> Sequence[JsonObject]:
    """Return what the bundle brings. Fleet makes the namespace itself, before the release."""
    objects = [entry for entry in account(setup) if entry["kind"] != "Namespace"]
    return [*objects, config_map(setup), job(setup, EXPECTS)]


def _annotated(entry: JsonObject, annotations: dict[str, str]) -> JsonObject:
    metadata: dict[str, Any] = {**entry["metadata"], "annotations": annotations}
    return {**entry, "metadata": metadata}
