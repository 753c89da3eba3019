"""The admission webhook of the ingress controller was switched off for an old release and is not needed off any more.

Rule: docs, target 1.5.0 and later: HelmChartConfig kube-system/rke2-ingress-nginx with
controller.admissionWebhooks.enabled false is to be taken back after the upgrade. A note. From target 1.9.0 on the
controller is Traefik and there is nothing to take back.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    INFO,
    Enforcer,
    Finding,
    Outcome,
    Unreadable,
    View,
    check,
    harmless,
    kubectl,
    need,
    parse_yaml,
    ref_of,
    text_at,
    value_at,
)

CONFIGS = "helmchartconfigs.helm.cattle.io"


@check(
    id="nginx-webhook-disabled",
    title="The ingress controller validates its objects",
    category="network",
    needs=(need(CONFIGS, "spec.valuesContent", values=("controller.admissionWebhooks.enabled",)),),
    to_versions=">=1.5.0 <1.9.0",
    worst=INFO,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-4-2-to-v1-5-0",
    why="Nothing stops the upgrade; after it a broken Ingress would be accepted.",
    how="The webhook was switched off as a remedy on an older release.",
    fix="Switch it on again after the upgrade.",
    causes={"webhook-off": "The webhook is off: switch it on again after the upgrade."},
    consequence=harmless("The upgrade goes on all the same; a broken Ingress would be accepted until it is on again"),
)
def nginx_webhook_disabled(view: View) -> Iterator[Outcome]:
    """Yield a note when the ingress controller's webhook is switched off."""
    config = view.find(CONFIGS, "rke2-ingress-nginx", "kube-system")
    if config is None:
        return
    text = text_at(config, "spec.valuesContent")
    values = parse_yaml(text, "valuesContent of HelmChartConfig rke2-ingress-nginx") if text else {}
    if values is not None and not isinstance(values, dict):
        raise Unreadable("valuesContent of HelmChartConfig rke2-ingress-nginx is no map")
    if value_at(values or {}, "controller.admissionWebhooks.enabled") is False:
        yield Finding(
            severity=INFO,
            cause="webhook-off",
            message="The admission webhook of the ingress controller is switched off; it may be on again after the "
            "upgrade",
            hint="Take the value out after the upgrade",
            commands=(kubectl("edit {} rke2-ingress-nginx -n kube-system", CONFIGS),),
            resource=ref_of(config),
            evidence={"enabled": False},
        )
