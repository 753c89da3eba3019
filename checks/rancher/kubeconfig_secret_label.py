"""Without its label Rancher does not find the secret with the cluster's kubeconfig, and the upgrade stalls.

Rule: check.sh check_kubeconfig_secret, docs 1.2.2 to 1.3.1: secret fleet-local/local-kubeconfig carries label
cluster.x-k8s.io/cluster-name=local. The webhook does not look. check.sh searches kubectl's table for the text
local-kubeconfig, which a longer name satisfies too; we read the one secret by name, and only its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Certainty,
    Enforcer,
    Explains,
    Finding,
    Outcome,
    Phase,
    ResourceRef,
    Tie,
    View,
    check,
    hangs,
    kubectl,
    labels_of,
    need,
    ref_of,
    text_at,
)

SECRET, LABEL = "secrets/local-kubeconfig", "cluster.x-k8s.io/cluster-name"


@check(
    title="Rancher can find the cluster's kubeconfig secret",
    needs=(need(SECRET),),
    enforced_by=(Enforcer.CHECK_SH, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-2-2-to-v1-3-1",
    why="Cluster API looks the secret up by its label; without it the cluster is not reconciled and the upgrade waits.",
    how="Clusters from before the label was introduced, or a secret that was restored or made by hand.",
    fix="Set the label on the secret.",
    causes={
        "label-missing": "The label is absent or names another cluster: set it.",
        "secret-missing": "There is no secret fleet-local/local-kubeconfig: Rancher must make it anew.",
    },
    consequence=hangs(
        Phase.SYSTEM_SERVICES,
        "Cluster API cannot reach the cluster, and the upgrade waits for it to be reconciled (as the documentation says, "
        "not tried on each version)",
        Certainty.LIKELY,
    ),
    explains=(Explains("capi-cluster-provisioned", Tie.CLUSTER),),
)
def kubeconfig_secret_label(view: View) -> Iterator[Outcome]:
    """Yield a finding when the secret or its label is not there."""
    secret = view.find(SECRET, "local-kubeconfig", "fleet-local")
    if secret is None:
        yield Finding(
            severity=FAIL,
            cause="secret-missing",
            message="There is no secret local-kubeconfig in fleet-local",
            hint="See whether Rancher made it under another name",
            commands=(kubectl("get secrets -n fleet-local"),),
            resource=ResourceRef("v1", "Secret", "fleet-local", "local-kubeconfig"),
        )
        return
    value = text_at(labels_of(secret), f"[{LABEL}]")
    if value != "local":
        yield Finding(
            severity=FAIL,
            cause="label-missing",
            message=f"Secret local-kubeconfig has {f'label {LABEL}={value}' if value else f'no label {LABEL}'}; "
            "it must be local",
            hint="Set the label",
            commands=(kubectl("label secret local-kubeconfig -n fleet-local {}=local --overwrite", LABEL),),
            resource=ref_of(secret),
            evidence={"label": value or None},
        )
