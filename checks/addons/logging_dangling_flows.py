"""A logging Flow that names a missing Output makes 1.5's addon webhook refuse the upgrade's patch of rancher-logging.

Rule: addon webhook of targets v1.5.0 to v1.6.1, validateRancherLoggingAddon, on every patch of the enabled Addon:
each global and local output reference of a Flow must name an Output, each of a ClusterFlow a ClusterOutput, in
cattle-logging-system and with the same loggingRef. The script that patches runs with bash -e: the Upgrade is Failed.
Edges: a Flow that names a ClusterOutput is legal for the operator and refused all the same. Annotation
skipRancherLoggingAddonWebhookCheck=true on the Addon turns the rule off. From 1.4.x to 1.5.x the Addon is always
patched; else it depends on its eventrouter image and chart version, and where that cannot be told it is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    Severity,
    View,
    annotations_of,
    boolean_at,
    check,
    fails,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
    texts_at,
)

from ._logging_patch import will_be_patched

ADDONS = "addons.harvesterhci.io"
FLOWS, OUTPUTS = "flows.logging.banzaicloud.io", "outputs.logging.banzaicloud.io"
CLUSTER_FLOWS, CLUSTER_OUTPUTS = "clusterflows.logging.banzaicloud.io", "clusteroutputs.logging.banzaicloud.io"
SKIP = "harvesterhci.io/skipRancherLoggingAddonWebhookCheck"
REFERENCES = ("spec.globalOutputRefs", "spec.localOutputRefs", "spec.loggingRef")


@check(
    id="logging-dangling-flows",
    title="Every logging flow names outputs that exist",
    category="addons",
    needs=(
        need(
            ADDONS,
            "spec.enabled",
            "spec.version",
            "spec.valuesContent",
            f"metadata.annotations[{SKIP}]",
            values=("eventTailer.workloadOverrides.containers.image",),
        ),
        need(FLOWS, *REFERENCES, unserved_is_empty=True),
        need(OUTPUTS, "spec.loggingRef", unserved_is_empty=True),
        need(CLUSTER_FLOWS, *REFERENCES, unserved_is_empty=True),
        need(CLUSTER_OUTPUTS, "spec.loggingRef", unserved_is_empty=True),
    ),
    to_versions=">=1.5.0 <=1.6.1",
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade patches Addon rancher-logging late, when Rancher and the charts are already new; a refusal there "
    "ends it as Failed.",
    how="An Output was deleted or renamed, or a Flow names a ClusterOutput, while the Flow stayed.",
    fix="Repair or delete the Flow, or set annotation skipRancherLoggingAddonWebhookCheck=true on the Addon.",
    causes={"output-missing": "The flow names an output that is not there, or one of another loggingRef: repair it."},
    waived_by=SKIP,
)
def logging_dangling_flows(view: View) -> Iterator[Outcome]:
    """Yield a finding for every flow that would make the addon webhook refuse the patch."""
    addon = view.find(ADDONS, "rancher-logging", "cattle-logging-system")
    if addon is None or not boolean_at(addon, "spec.enabled"):
        yield NotApplicable("Addon rancher-logging is not enabled")
        return
    if text_at(annotations_of(addon), f"[{SKIP}]") == "true":
        yield NotApplicable(f"Addon rancher-logging carries {SKIP}=true, so the server does not look")
        return
    patched = will_be_patched(addon, view.upgrade)
    if patched is False:
        yield NotApplicable("the upgrade does not patch Addon rancher-logging, so the server does not look")
        return
    severity = FAIL if patched else WARN
    yield from _flows(view, FLOWS, OUTPUTS, severity)
    yield from _flows(view, CLUSTER_FLOWS, CLUSTER_OUTPUTS, severity)


def _flows(view: View, flows: str, outputs: str, severity: Severity) -> Iterator[Outcome]:
    known = {name_of(output): text_at(output, "spec.loggingRef") for output in view.objects(outputs)}
    kind = "Output" if outputs == OUTPUTS else "ClusterOutput"
    yield from view.each(flows, lambda flow: _judge(flow, known, kind, severity))


def _judge(flow: JsonObject, known: Mapping[str, str], kind: str, severity: Severity) -> Iterator[Outcome]:
    names = texts_at(flow, "spec.globalOutputRefs")
    if kind == "Output":
        names = [*names, *texts_at(flow, "spec.localOutputRefs")]
    wanted = text_at(flow, "spec.loggingRef")
    missing = sorted({name for name in names if known.get(name) != wanted})
    if not missing:
        return
    sure = Certainty.CERTAIN if severity is FAIL else Certainty.POSSIBLE
    text = (
        "The script of the upgrade that patches Addon rancher-logging is refused, and the Upgrade ends Failed"
        if severity is FAIL
        else "The upgrade may patch Addon rancher-logging, which cannot be told here, and may then end Failed at it"
    )
    yield Finding(
        severity=severity,
        cause="output-missing",
        message=f"{flow.get('kind') or 'Flow'} {name_of(flow)} names {kind} {', '.join(missing)}, which does not exist"
        + (f" with loggingRef {wanted}" if wanted else ""),
        hint="Correct its outputRefs, or delete it if nobody needs it",
        commands=(kubectl("get {} -n cattle-logging-system", f"{kind.lower()}s.logging.banzaicloud.io"),),
        resource=ref_of(flow),
        evidence={"missing": missing, "loggingRef": wanted or None},
        consequence=fails(Phase.SYSTEM_SERVICES, text, sure),
    )
