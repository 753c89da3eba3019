"""A bundle fleet cannot deploy shows drift or a broken chart; the upgrade goes on, but not to a healthy cluster.

Rule: check.sh check_bundles: a bundle with spec.helm, mcc-harvester aside, whose summary says ready 0 fails. It
passes one without a status and one that is ready in part; we want desiredReady above 0 and ready equal to it. The
webhook reads the ManagedCharts alone, and the upgrade script waits about 100 s and goes on: a warning. A cluster has
bundles: none at all is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    integer_at,
    judged,
    kubectl,
    mapping_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    value_at,
)

from ._fleet import BUNDLES, chart_of


@check(
    id="fleet-bundle-ready",
    title="Every fleet bundle is deployed",
    category="charts",
    needs=(need(BUNDLES, "spec.helm.releaseName", "status.summary", "status.display.state"),),
    worst=WARN,
    enforced_by=(Enforcer.CHECK_SH, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade deploys through the same bundles; what fleet cannot apply now stays broken afterwards.",
    how="Objects of a chart were edited by hand, or a chart fails to install.",
    fix="Read the bundle's status; undo the edit, or repair what the chart needs.",
    consequence=degrades(
        Phase.SYSTEM_SERVICES,
        "The script waits about 100 s and goes on; what the bundle carries may stay old or broken after the upgrade",
    ),
    causes={
        "bundle-not-ready": "No deployment of the bundle is ready.",
        "bundle-partly-ready": "Some deployments of the bundle are ready, not all.",
        "bundle-without-status": "Fleet has reported nothing about the bundle: look whether fleet-controller runs.",
    },
)
def fleet_bundle_ready(view: View) -> Iterator[Outcome]:
    """Yield a finding for every helm bundle that is not wholly deployed."""
    yield from judged(view.some(BUNDLES), _judge)


def _judge(bundle: JsonObject) -> Iterator[Outcome]:
    name, namespace = name_of(bundle), namespace_of(bundle)
    if name == "mcc-harvester" or value_at(bundle, "spec.helm") is None:
        return
    summary = mapping_at(bundle, "status.summary")
    ready, desired = integer_at(summary, "ready"), integer_at(summary, "desiredReady") or 0
    if ready and ready == desired:
        return
    if not summary or ready is None:
        cause, text, who = "bundle-without-status", "has no summary of what is deployed", Enforcer.NONE
    elif ready == 0:
        cause, text, who = "bundle-not-ready", f"has 0 of {desired} deployments ready", Enforcer.CHECK_SH
    else:
        cause, text, who = "bundle-partly-ready", f"has {ready} of {desired} deployments ready", Enforcer.NONE
    state = text_at(bundle, "status.display.state")
    yield Finding(
        severity=WARN,
        cause=cause,
        message=f"Bundle {namespace}/{name} {text}{f' ({state})' if state else ''}",
        hint="Read what fleet says about it",
        commands=(kubectl("describe bundles.fleet.cattle.io {} -n {}", name, namespace),),
        resource=ref_of(bundle),
        evidence={"summary": summary or None, "state": state or None},
        enforced_by=(who,),
        touches={"chart": (chart_of(bundle),)} if chart_of(bundle) else {},
    )
