"""A namespace that enforces pod security refuses the privileged pods of the upgrade.

Rule: docs: label pod-security.kubernetes.io/enforce on harvester-system and cattle-system must not be baseline or
restricted.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    kubectl,
    labels_of,
    need,
    ref_of,
    unknown,
)

LABEL = "pod-security.kubernetes.io/enforce"
STOPS = {
    "cattle-system": hangs(Phase.PRELOAD, "The jobs that load the images onto the nodes are never admitted"),
    "harvester-system": hangs(
        Phase.SYSTEM_SERVICES, "The jobs that upgrade the cluster and its nodes are never admitted"
    ),
}


@check(
    id="pod-security-admission",
    title="The upgrade's pods are admitted to their namespaces",
    category="network",
    needs=(need("namespaces"),),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The jobs that upgrade the nodes are privileged; where they are not admitted the upgrade never goes on.",
    how="A hardening guide or a policy labelled the namespace.",
    fix="Set the label to privileged, or exempt the namespace, for the upgrade.",
    causes={"pods-refused": "The namespace refuses privileged pods: set the label to privileged."},
)
def pod_security_admission(view: View) -> Iterator[Outcome]:
    """Yield a finding for each namespace of the upgrade that refuses privileged pods."""
    for name, consequence in STOPS.items():
        namespace = view.find("namespaces", name)
        if namespace is None:
            yield unknown(Code.ERROR, f"namespace {name} was not found")
            continue
        level = labels_of(namespace).get(LABEL)
        if level in ("baseline", "restricted"):
            yield Finding(
                severity=FAIL,
                cause="pods-refused",
                message=f"Namespace {name} enforces pod security {level}: the upgrade needs privileged pods",
                hint="Set it to privileged for the upgrade",
                commands=(kubectl("label namespace {} {}=privileged --overwrite", name, LABEL),),
                resource=ref_of(namespace),
                evidence={"enforce": level},
                consequence=consequence,
            )
