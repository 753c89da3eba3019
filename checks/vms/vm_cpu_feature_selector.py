"""A CPU feature that only some nodes report ties machines started there to those nodes.

The labels may change when KubeVirt is upgraded, before the first drain: so neither finding is sure to come true.

Rule: docs 1.5 to 1.6: nodes with some CPU models (Xeon Gold 5418Y, 6542Y, Silver 4509Y) carry the label
cpu-feature.node.kubevirt.io/ipred-ctrl before or after the upgrade only. The models are not in the API: we look for a
label that not all nodes have, and for launcher pods that select by it without another node to go to.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    View,
    check,
    hangs,
    kubectl,
    labels_of,
    mapping_at,
    name_of,
    need,
    ref_of,
    text_at,
)

from ._vms import ALL_STOPPED, all_stopped, full_name, has_witness_label, touching

LABEL = "cpu-feature.node.kubevirt.io/ipred-ctrl"


@check(
    title="All nodes report the same CPU features",
    needs=(
        need("nodes"),
        need("pods", f"spec.nodeSelector.[{LABEL}]", "spec.nodeName", "status.phase"),
    ),
    from_versions=">=1.5.0 <1.6.0",
    to_versions=">=1.6.0 <1.7.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    consequence=hangs(
        Phase.NODE_DRAIN,
        "A machine that finds no node with the feature may hold up the drain of its own",
        Certainty.POSSIBLE,
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-5-x-to-v1-6-x",
    why="A machine started with the feature migrates only to nodes that have it; there may be none during the upgrade.",
    how="The nodes have different CPU models or firmware, and machines use the host's CPU model.",
    fix="Give the machines a common CPU model, or annotate the nodes with node-labeller.kubevirt.io/skip-node.",
    causes={
        "feature-on-some-nodes": "Only some nodes have the feature: machines started there cannot go to the others.",
        "no-other-node-with-feature": "The machine wants the feature and no other node has it.",
    },
)
def vm_cpu_feature_selector(view: View) -> Iterator[Outcome]:
    """Yield a warning for every node, and every machine, that has this CPU feature to itself."""
    if all_stopped(view):
        yield NotApplicable(ALL_STOPPED)
        return
    nodes = [node for node in view.objects("nodes") if not has_witness_label(node)]
    having = {name_of(node) for node in nodes if LABEL in labels_of(node)}
    for node in nodes:
        if having and len(having) < len(nodes) and name_of(node) in having:
            yield Finding(
                severity=WARN,
                cause="feature-on-some-nodes",
                message=f"Node {name_of(node)} reports the CPU feature ipred-ctrl, as {len(having)} of {len(nodes)} "
                "nodes do: machines started on it cannot move to the others",
                hint="Use a common CPU model, or keep KubeVirt from labelling the node during the upgrade",
                commands=(kubectl("annotate node {} node-labeller.kubevirt.io/skip-node=true", name_of(node)),),
                resource=ref_of(node),
                evidence={"with": sorted(having)},
            )

    def judge(pod: JsonObject) -> Iterator[Outcome]:
        if LABEL not in mapping_at(pod, "spec.nodeSelector") or text_at(pod, "status.phase") in ("Succeeded", "Failed"):
            return
        if having - {text_at(pod, "spec.nodeName")}:
            return
        yield Finding(
            severity=WARN,
            cause="no-other-node-with-feature",
            message=f"Pod {full_name(pod)} on {text_at(pod, 'spec.nodeName') or 'no node'} selects nodes with the CPU "
            "feature ipred-ctrl, and no other node has it",
            hint="Stop the machine for the upgrade or give it a common CPU model",
            commands=(kubectl("get nodes -L {}", LABEL),),
            resource=ref_of(pod),
            touches=touching(text_at(pod, "spec.nodeName")),
        )

    yield from view.each("pods", judge)
