"""Bundle mcc-harvester carries Harvester itself; while fleet cannot deploy it as it is, nothing else can be deployed.

Rule: check.sh check_harvester_bundle: bundles.fleet.cattle.io fleet-local/mcc-harvester, status.summary is exactly
desiredReady 1 and ready 1; any further count fails. The webhook reads the ManagedChart only: when that one is Ready
the server accepts the Upgrade, so it is a warning then, and a failure otherwise (the usual case).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    ResourceRef,
    View,
    check,
    condition_status,
    degrades,
    integer_at,
    kubectl,
    mapping_at,
    need,
    ref_of,
    refused,
)

BUNDLES, CHARTS = "bundles.fleet.cattle.io", "managedcharts.management.cattle.io"
TOUCHES = {"chart": ("harvester",)}
REFUSED = refused("The server refuses to create the Upgrade while ManagedChart harvester is not Ready")
LATER = degrades(
    Phase.SYSTEM_SERVICES,
    "The server accepts the Upgrade as long as the ManagedChart is Ready, but what fleet cannot deploy now may be "
    "missing afterwards too",
)


@check(
    id="harvester-bundle-ready",
    title="Harvester's own bundle is deployed and unmodified",
    category="charts",
    needs=(
        need(BUNDLES, "status.summary", namespaces=("fleet-local",)),
        need(CHARTS, "status.conditions", optional=True),
    ),
    enforced_by=(Enforcer.CHECK_SH,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade changes this bundle; one that cannot be deployed now keeps the upgrade waiting for it.",
    how="Objects of Harvester's chart were edited by hand, or cannot be applied (webhooks, StorageClass, CRDs).",
    fix="Read nonReadyStatus of the bundle, undo the edit or move it into spec.values of ManagedChart harvester, and "
    "raise spec.forceSyncGeneration.",
    causes={
        "bundle-not-ready": "The summary is not exactly one of one ready: the bundle's status names the objects.",
        "bundle-missing": "There is no bundle fleet-local/mcc-harvester.",
    },
)
def harvester_bundle_ready(view: View) -> Iterator[Outcome]:
    """Yield a finding when Harvester's bundle is anything but wholly deployed."""
    chart = None if view.missing(CHARTS) else view.find(CHARTS, "harvester", "fleet-local")
    severity = WARN if chart and condition_status(chart, "Ready") == "True" else FAIL
    bundle = view.find(BUNDLES, "mcc-harvester", "fleet-local")
    if bundle is None:
        yield Finding(
            severity=severity,
            cause="bundle-missing",
            message="There is no bundle mcc-harvester in fleet-local",
            hint="See what fleet holds",
            commands=(kubectl("get bundles.fleet.cattle.io -n fleet-local"),),
            resource=ResourceRef("fleet.cattle.io/v1alpha1", "Bundle", "fleet-local", "mcc-harvester"),
            consequence=REFUSED if severity is FAIL else LATER,
            touches=TOUCHES,
        )
        return
    summary = mapping_at(bundle, "status.summary")
    further = sorted(key for key, value in summary.items() if key not in ("ready", "desiredReady") and value)
    if integer_at(summary, "ready") == 1 and integer_at(summary, "desiredReady") == 1 and not further:
        return
    counts = ", ".join(f"{key} {summary[key]}" for key in sorted(summary) if isinstance(summary[key], (int, float)))
    yield Finding(
        severity=severity,
        cause="bundle-not-ready",
        message=f"Bundle mcc-harvester is not exactly 1 of 1 ready: {counts or 'no summary'}"
        + (f"; besides {', '.join(further)}" if further else "")
        + (" (ManagedChart harvester is Ready, so the server accepts it)" if severity is WARN else ""),
        hint="Read which objects are not as the chart wants them",
        commands=(kubectl("describe bundles.fleet.cattle.io mcc-harvester -n fleet-local"),),
        resource=ref_of(bundle),
        evidence={"summary": summary or None},
        consequence=REFUSED if severity is FAIL else LATER,
        touches=TOUCHES,
    )
