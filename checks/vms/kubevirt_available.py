"""KubeVirt that is not available cannot migrate machines, and the script waits for it without limit.

Rule: nobody's before the start; upgrade_manifests.sh waits for KubeVirt. Here: phase Deployed and condition Available
True. A known reason from 1.8 on is a virt-handler pod without the install-strategy annotations (issue 10447): named
when KubeVirt is not available.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    View,
    annotations_of,
    check,
    condition,
    labels_of,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._vms import full_name

KUBEVIRTS = "kubevirts.kubevirt.io"
STRATEGY = tuple(f"kubevirt.io/install-strategy-{part}" for part in ("version", "registry", "identifier"))


@check(
    id="kubevirt-available",
    title="KubeVirt is deployed and available",
    category="vms",
    needs=(
        need(KUBEVIRTS, "status.phase", "status.conditions", "status.observedKubeVirtVersion"),
        need("pods", *(f"metadata.annotations[{key}]" for key in STRATEGY), optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Machines cannot migrate, and the upgrade of the system services waits for KubeVirt for ever.",
    how="Its operator could not roll something out: an image, a full node, a pod it does not recognise as its own.",
    fix="Read the operator's log and the KubeVirt object's conditions, and repair what they name.",
    links=("https://github.com/harvester/harvester/issues/10447",),
    causes={
        "kubevirt-not-available": "KubeVirt is not deployed and available: read its conditions.",
        "handler-not-annotated": "A virt-handler pod lacks the operator's annotations: delete it, it comes back right.",
    },
)
def kubevirt_available(view: View) -> Iterator[Outcome]:
    """Yield a finding when KubeVirt is not available, and for pods that are a known reason."""
    kubevirt = next(iter(view.objects(KUBEVIRTS)), None)
    if kubevirt is None:
        yield unknown(Code.ERROR, "there is no KubeVirt object in harvester-system")
        return
    phase, available = text_at(kubevirt, "status.phase"), condition(kubevirt, "Available")
    status = text_at(available, "status") if available else ""
    if phase == "Deployed" and status == "True":
        return
    why = (text_at(available, "message") or text_at(available, "reason")) if available else ""
    yield Finding(
        severity=FAIL,
        cause="kubevirt-not-available",
        message=f"KubeVirt is in phase {phase or 'unknown'} and Available is {status or 'not reported'}"
        + (f" ({why})" if why else ""),
        hint="Repair it before the upgrade, which would wait for it without limit\n"
        "kubectl get kubevirts.kubevirt.io -n harvester-system -o yaml\n"
        "kubectl logs -n harvester-system deployment/virt-operator --tail=100",
        resource=ref_of(kubevirt),
        evidence={
            "phase": phase or None,
            "available": status or None,
            "version": text_at(kubevirt, "status.observedKubeVirtVersion") or None,
        },
        enforced_by=(Enforcer.SCRIPTS,),
    )
    if not view.missing("pods"):
        yield from view.each("pods", _judge_pod)


def _judge_pod(pod: JsonObject) -> Iterator[Outcome]:
    if labels_of(pod).get("kubevirt.io") != "virt-handler" or any(key in annotations_of(pod) for key in STRATEGY):
        return
    yield Finding(
        severity=WARN,
        cause="handler-not-annotated",
        message=f"Pod {full_name(pod)} carries none of the operator's annotations, so KubeVirt waits for its pods",
        hint=f"Delete it; it comes back annotated\nkubectl delete pod {name_of(pod)} -n {namespace_of(pod)}",
        resource=ref_of(pod),
        enforced_by=(Enforcer.NONE,),
    )
