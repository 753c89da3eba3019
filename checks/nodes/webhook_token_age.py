"""The webhook reads its token once and keeps it: when that token is out, every Upgrade is refused with 500 and a 401.

Rule: the webhook's start-up of v1.4.0 to v1.8.1 and v1.9.0-rc1 (mended in v1.8.2 and v1.9.0-rc2): the bearer token for
kubelet calls is read once. Kubernetes extends such a token to about a year, unless the API server is told otherwise:
the CIS profile of RKE2 sets --service-account-max-token-expiration=3600s. Nobody checks it.
Units: the age counts from the start of the container, else of the pod. The year is Kubernetes' default, not measured.
Edges: an API-server pod whose flags are not there says nothing of them, so it is unknown. Without the extension a token
asks for 3607 s. From 1.5.1 skipGarbageCollectionThresholdCheck on the Upgrade
avoids the kubelet call, and with it the problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Severity,
    Unreadable,
    View,
    check,
    format_time,
    human_duration,
    judged,
    kubectl,
    labels_of,
    maps_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    refused,
    text_at,
    time_at,
    unknown,
)

from ._token_life import EXTEND, MAXIMUM, is_api_server, note_limit

SHORT = timedelta(days=1)
WEBHOOK = {"app.kubernetes.io/name": "harvester", "app.kubernetes.io/component": "webhook-server"}
REFUSED = {
    FAIL: refused("The server answers 500 and does not create the Upgrade"),
    WARN: refused("The token may be out already, and the server may then refuse the Upgrade", Certainty.POSSIBLE),
    INFO: refused("The server may refuse the Upgrade once the webhook has run for that long", Certainty.POSSIBLE),
}


@check(
    title="The webhook's token is still good",
    needs=(
        need(
            "pods",
            "status.phase",
            "status.startTime",
            "status.containerStatuses.state.running.startedAt",
            "spec.containers.command",
            "spec.containers.args",
            namespaces=("harvester-system", "kube-system"),
            values=(MAXIMUM, EXTEND),
        ),
    ),
    from_versions="<=1.8.1 || =1.9.0-rc1",
    enforced_by=(Enforcer.WEBHOOK,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="With an expired token the webhook cannot ask the kubelets, and refuses every Upgrade with an error that names "
    "no cause one would think of.",
    how="The webhook has run longer than its token lives: about a year, or one hour on a cluster with the CIS profile.",
    fix="Restart the harvester-webhook deployment right before creating the Upgrade.",
    links=("https://github.com/harvester/harvester/issues/11084",),
    causes={
        "token-expired": "The API server limits tokens, and the webhook has run longer than that: restart it.",
        "token-short-lived": "The API server limits tokens: create the Upgrade within that time after a restart.",
        "token-old": "The webhook has run for most of a year: restart it before its token is out.",
    },
    options={"maxAgeDays": Option(334, "days a webhook may have run where tokens live for a year", minimum=1)},
    waived_by="harvesterhci.io/skipGarbageCollectionThresholdCheck",
)
def webhook_token_age(view: View) -> Iterator[Outcome]:
    """Yield a finding for every webhook pod whose token may be out."""
    pods = view.objects("pods")
    servers = [pod for pod in pods if is_api_server(pod)]
    webhooks = [pod for pod in pods if _is_webhook(pod)]
    if not webhooks:
        yield unknown(Code.ERROR, "no running pod of deployment harvester-webhook was found, whose age decides")
    if not servers:
        yield unknown(Code.ERROR, "no kube-apiserver pod was found, whose flags say how long a token lives")
    limits: list[timedelta] = []
    yield from judged(servers, lambda server: note_limit(server, limits))
    yield from judged(webhooks, lambda pod: _judge(view, pod, min(limits, default=None)))


def _is_webhook(pod: JsonObject) -> bool:
    labels = labels_of(pod)
    running = text_at(pod, "status.phase") not in ("Succeeded", "Failed")
    wanted = all(labels.get(key) == value for key, value in WEBHOOK.items())
    return wanted and running and namespace_of(pod) == "harvester-system"


def _started(pod: JsonObject) -> datetime:
    statuses = maps_at(pod, "status.containerStatuses")
    moments = [moment for status in statuses if (moment := time_at(status, "state.running.startedAt"))]
    started = min(moments, default=None) or time_at(pod, "status.startTime")
    if started is None:
        raise Unreadable(f"pod {name_of(pod)} does not say when it started")
    return started


def _judge(view: View, pod: JsonObject, limit: timedelta | None) -> Iterator[Outcome]:
    started = _started(pod)
    age = view.now - started
    if limit is not None and (age > limit or limit <= SHORT):
        severity: Severity = FAIL if age > limit else INFO
        cause = "token-expired" if age > limit else "token-short-lived"
        lives = f"the API server lets tokens live {human_duration(limit)}"
    elif limit is None and age > timedelta(days=view.options["maxAgeDays"]):
        severity, cause, lives = WARN, "token-old", "tokens live about a year"
    else:
        return
    yield Finding(
        severity=severity,
        cause=cause,
        message=f"Webhook pod {name_of(pod)} has run {human_duration(age)} on one token, and {lives}",
        hint="Restart the webhook right before creating the Upgrade",
        commands=(kubectl("rollout restart deployment/harvester-webhook -n harvester-system"),),
        resource=ref_of(pod),
        evidence={"startedAt": format_time(started), "tokenSeconds": int(limit.total_seconds()) if limit else None},
        consequence=REFUSED[severity],
    )
