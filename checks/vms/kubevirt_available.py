"""KubeVirt that is not available cannot migrate machines, and the script waits for it without limit.

Rule: nobody's before the start; upgrade_manifests.sh waits for KubeVirt. Here: phase Deployed and condition Available
True. A known reason from 1.8 on is a virt-handler pod without the install-strategy annotations (issue 10447): named
when KubeVirt is not available, and then the root of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    annotations_of,
    check,
    condition,
    hangs,
    judged,
    kubectl,
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
    title="KubeVirt is deployed and available",
    needs=(
        need(KUBEVIRTS, "status.phase", "status.conditions", "status.observedKubeVirtVersion"),
        need("pods", *(f"metadata.annotations[{key}]" for key in STRATEGY), optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    explains=(
        Explains("kubevirt-available", Tie.POD, causes=("handler-not-annotated",)),
        Explains("managed-chart-ready", Tie.CHART, causes=("kubevirt-not-available",)),
        Explains("harvester-bundle-ready", Tie.CHART, causes=("kubevirt-not-available",)),
        Explains("vm-not-counted-out", Tie.CLUSTER, causes=("kubevirt-not-available",)),
    ),
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
    bare: list[JsonObject] = []
    yield from judged(view.read("pods"), lambda pod: _collect(pod, bare))
    yield Finding(
        severity=FAIL,
        cause="kubevirt-not-available",
        message=f"KubeVirt is in phase {phase or 'unknown'} and Available is {status or 'not reported'}"
        + (f" ({why})" if why else ""),
        hint="Repair it before the upgrade",
        commands=(
            kubectl("get kubevirts.kubevirt.io -n harvester-system -o yaml"),
            kubectl("logs -n harvester-system deployment/virt-operator --tail=100"),
        ),
        resource=ref_of(kubevirt),
        evidence={
            "phase": phase or None,
            "available": status or None,
            "version": text_at(kubevirt, "status.observedKubeVirtVersion") or None,
        },
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=hangs(
            Phase.SYSTEM_SERVICES,
            "Machines cannot migrate, and the upgrade of the system services waits for KubeVirt without end",
        ),
        touches={"chart": ("harvester", "mcc-harvester"), **({"pod": tuple(map(full_name, bare))} if bare else {})},
    )
    yield from map(_handler, bare)


def _collect(pod: JsonObject, bare: list[JsonObject]) -> Iterator[Outcome]:
    if labels_of(pod).get("kubevirt.io") == "virt-handler" and not any(key in annotations_of(pod) for key in STRATEGY):
        bare.append(pod)
    yield from ()


def _handler(pod: JsonObject) -> Finding:
    return Finding(
        severity=FAIL,
        cause="handler-not-annotated",
        message=f"Pod {full_name(pod)} carries none of the operator's annotations, so KubeVirt does not know it",
        hint="Delete it; it comes back annotated",
        commands=(kubectl("delete pod {} -n {}", name_of(pod), namespace_of(pod)),),
        resource=ref_of(pod),
        enforced_by=(Enforcer.NONE,),
        consequence=hangs(
            Phase.SYSTEM_SERVICES,
            "KubeVirt waits for this pod to be one of its own, and the upgrade for KubeVirt (that nothing else keeps "
            "KubeVirt is not proven)",
            Certainty.LIKELY,
        ),
    )
