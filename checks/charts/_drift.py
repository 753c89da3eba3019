"""What to say about a chart that lacks objects or cannot be applied (see managed_chart_drift)."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    View,
    kubectl,
    name_of,
    ref_of,
    refused,
    text_at,
)

from ._fleet import deployments, is_young, message_of, not_ready

GENERATION = "{.spec.forceSyncGeneration}"
SHOWN = 3
REFUSED = refused("The server refuses to create the Upgrade while the chart is not Ready, and Fleet does not mend it")
WILL_REFUSE = refused(
    "Fleet takes the chart for Modified when it looks again, and the server then refuses the Upgrade (when is unproven)",
    Certainty.LIKELY,
)
MAY_REFUSE = refused(
    "The chart is still Ready; once Fleet looks again it may not be, and then the server refuses the Upgrade",
    Certainty.POSSIBLE,
)


def lacks(chart: JsonObject, objects: Sequence[str], class_gone: bool) -> Finding:
    """Return the finding about a chart whose objects are not there; `class_gone`: one of them is its StorageClass."""
    name, down = name_of(chart), not_ready(chart)
    more = f" and {len(objects) - SHOWN} more" if len(objects) > SHOWN else ""
    return Finding(
        severity=FAIL if down or class_gone else WARN,
        cause="chart-object-missing",
        message=f"ManagedChart {name} lacks {', '.join(objects[:SHOWN])}{more}, which Fleet does not put back by itself",
        hint="Let Fleet apply the chart again: raise spec.forceSyncGeneration of its bundle by one",
        commands=(
            kubectl("get bundles.fleet.cattle.io mcc-{} -n fleet-local -o jsonpath={}", name, GENERATION),
            kubectl("edit bundles.fleet.cattle.io mcc-{} -n fleet-local", name),
        ),
        resource=ref_of(chart),
        evidence={"missing": list(objects), "chartReady": not down},
        enforced_by=(Enforcer.WEBHOOK,) if down else (Enforcer.NONE,),
        consequence=REFUSED if down else WILL_REFUSE if class_gone else MAY_REFUSE,
    )


def in_error(chart: JsonObject, bundle: JsonObject | None, view: View) -> Finding:
    """Return the finding about a chart each attempt to apply which ends in an error."""
    name, down = name_of(chart), not_ready(chart)
    told = message_of(chart) or next((text_at(place, "message") for place in deployments(bundle)), "")
    return Finding(
        severity=FAIL if down else WARN,
        cause="apply-error",
        message=f"Each attempt to apply ManagedChart {name} ends in an error" + (f": {told}" if told else ""),
        hint="Remove what the error names; Fleet then applies the chart by itself",
        commands=(kubectl("describe bundles.fleet.cattle.io mcc-{} -n fleet-local", name),),
        resource=ref_of(chart),
        evidence={"message": told or None, "chartReady": not down},
        transient=is_young(chart, view.now),
        enforced_by=(Enforcer.WEBHOOK,) if down else (Enforcer.NONE,),
        consequence=REFUSED if down else MAY_REFUSE,
    )
