"""The static pods of the control plane besides etcd: kubelets start them, Rancher's planner asks for their probes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    condition,
    hangs,
    human_duration,
    judged,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    text_at,
    time_at,
    unknown,
)

STATIC = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
GRACE = timedelta(minutes=10)
"""How long a restart may take."""
PROBE = hangs(
    Phase.NODE_UPGRADE,
    "Rancher waits for the probe of this component without limit when it updates the node (inferred from its code)",
    Certainty.LIKELY,
)
IF_IT_LASTS = hangs(Phase.NODE_UPGRADE, "If it stays so, the upgrade may not get on with this node", Certainty.POSSIBLE)


def static_pods(view: View) -> Iterator[Outcome]:
    """Yield a finding for every such pod that is not ready, and an unknown for every one that was not read."""
    nodes = {name_of(node) for node in view.some("nodes") if labels_of(node).get(CONTROL_PLANE) == "true"}
    for component in STATIC:
        pods = [pod for pod in view.objects("pods") if _is_static(pod, component)]
        yield from judged(pods, lambda pod: _judge_static(view, pod))
        running = {text_at(pod, "spec.nodeName") for pod in pods}
        for name in sorted(nodes - running):
            yield unknown(Code.INCOMPLETE, f"no pod of {component} on node {name} was read, and it has one", node=name)
        for name in sorted(running - nodes):
            text = f"{component} runs on node {name or '(none)'}, which is not among the nodes of the control plane"
            yield unknown(Code.INCOMPLETE, text, node=name)


def _is_static(pod: JsonObject, component: str) -> bool:
    return namespace_of(pod) == "kube-system" and labels_of(pod).get("component") == component


def _judge_static(view: View, pod: JsonObject) -> Iterator[Outcome]:
    ready, node = condition(pod, "Ready"), text_at(pod, "spec.nodeName")
    if ready is not None and text_at(ready, "status") == "True":
        return
    since = time_at(ready, "lastTransitionTime") if ready else time_at(pod, "metadata.creationTimestamp")
    age = view.now - since if since else None
    new = age is not None and age <= GRACE
    why = (text_at(ready, "message") or text_at(ready, "reason") if ready else "") or "no reason given"
    yield Finding(
        severity=WARN if new else FAIL,
        cause="workload-down",
        message=f"Pod {name_of(pod)} on node {node} is not ready: {why}"
        + (f", for {human_duration(age)}" if age is not None else ""),
        hint="Read its log; it is started by rke2 on that node",
        commands=(kubectl("logs {} -n kube-system --tail=100", name_of(pod)),),
        resource=ref_of(pod),
        evidence={"seconds": int(age.total_seconds()) if age is not None else None},
        transient=new,
        enforced_by=(Enforcer.NONE,),
        consequence=IF_IT_LASTS if new else PROBE,
        touches={"node": (node,)},
    )
