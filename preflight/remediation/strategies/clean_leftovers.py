"""Delete what a disabled or removed Addon left behind, except its data.

Rule: the HelmChart first, since helm-controller uninstalls the release for it; then what is still there; the newest
release Secret last, because helm needs it to know what was installed. Claims (PVCs) are data and are never deleted; those
that would go with something else are named (see preflight.remediation.claims).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.fields import labels_of, maps_at, name_of, namespace_of
from preflight.inventory import JsonObject
from preflight.remediation.case import (
    DISABLED,
    Case,
    addon_enabled,
    addon_status,
    in_progress,
    release_revision,
    target_with_uid,
)
from preflight.remediation.claims import claims_that_go
from preflight.remediation.plan import Action, Goal, Refused, Step, Target, Until, by_hand

PLURALS = {
    "HelmChart": "helmcharts.helm.cattle.io",
    "Job": "jobs.batch",
    "Deployment": "deployments.apps",
    "DaemonSet": "daemonsets.apps",
    "StatefulSet": "statefulsets.apps",
    "ConfigMap": "configmaps",
    "ServiceAccount": "serviceaccounts",
    "ClusterRoleBinding": "clusterrolebindings.rbac.authorization.k8s.io",
    "Secret": "secrets",
}


def steps(case: Case) -> list[Step]:
    """Plan one deletion for each thing that is left."""
    _must_be_done_with(case)
    if case.name.endswith("-crd"):
        raise Refused(f"{case.name} holds custom resource definitions: removing it deletes every object of their kinds")
    found = [*_chart(case), *_jobs(case), *_workloads(case), *_helpers(case), *_releases(case)]
    if not found:
        raise Refused("nothing that may be deleted is left: claims (PVCs) and namespaces are yours to decide about")
    # Deleting the HelmChart makes helm-controller change and remove the rest: of that only the uids stay true.
    moving = case.helm_chart is not None
    going = claims_that_go(case, found)
    return [_delete(case, obj, going, moving=moving and bool(index)) for index, obj in enumerate(found)]


def _must_be_done_with(case: Case) -> None:
    addon = case.find("addons.harvesterhci.io", case.name)
    if addon is None:
        return
    if addon_enabled(addon):
        raise Refused("the Addon is enabled: what is there is no leftover")
    if addon_status(addon) not in DISABLED or in_progress(addon):
        raise Refused("the Addon has not settled as disabled yet: its controller may still need what is there")


def _chart(case: Case) -> Iterator[JsonObject]:
    chart = case.helm_chart
    if chart is None:
        return
    if not any(owner.get("kind") == "Addon" for owner in maps_at(chart, "metadata.ownerReferences")):
        raise Refused("its HelmChart was not made for an Addon: find out whose it is first")
    yield chart


def _jobs(case: Case) -> Iterator[JsonObject]:
    for word in ("helm-install", "helm-delete"):
        job = case.job(word)
        if job is not None:
            pod = case.running_pod(job)
            if pod:
                raise Refused(f"pod {case.namespace}/{pod} is at work: helm is not finished")
            yield job


def _workloads(case: Case) -> Iterator[JsonObject]:
    for resource in ("deployments.apps", "daemonsets.apps", "statefulsets.apps"):
        if not case.missing(resource):
            yield from case.of_the_addon(resource)


def _helpers(case: Case) -> Iterator[JsonObject]:
    for resource, name in (
        ("configmaps/chart-content", f"chart-content-{case.name}"),
        ("serviceaccounts", f"helm-{case.name}"),
        ("clusterrolebindings.rbac.authorization.k8s.io", f"helm-{case.namespace}-{case.name}"),
    ):
        if not case.missing(resource):
            everywhere = resource.startswith("clusterrolebindings")
            yield from (obj for obj in case.objects(resource, everywhere=everywhere) if name_of(obj) == name)


def _releases(case: Case) -> Iterator[JsonObject]:
    if not case.missing("secrets/helm-releases"):
        mine = [obj for obj in case.objects("secrets/helm-releases") if labels_of(obj).get("name") == case.name]
        yield from sorted(mine, key=release_revision)


def _loses(target: Target, going: Mapping[str, str]) -> str:
    if not going or target.kind not in ("HelmChart", "StatefulSet"):
        return f"{target.words} and what it runs or owns; claims (PVCs) stay"
    claims = ", ".join(f"{name} ({why})" for name, why in going.items())
    return f"{target.words} and what it runs or owns; DATA GOES WITH IT, claims: {claims}"


def _delete(case: Case, obj: JsonObject, going: Mapping[str, str], *, moving: bool) -> Step:
    target = target_with_uid(obj)
    if moving:
        target = replace(target, resource_version="")
    where = ("-n {} ", (namespace_of(obj),)) if namespace_of(obj) else ("", ())
    return Step(
        action=Action.DELETE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="clean-leftovers",
        reason=f"left over from Addon {case.namespace}/{case.name}",
        risk="helm uninstalls what the release still holds" if target.kind == "HelmChart" else "",
        undo="nothing to put back" if target.kind == "Job" else "create it again from the saved object",
        loses=_loses(target, going),
        commands=(by_hand(where[0] + "delete {} {}", *where[1], PLURALS[target.kind], target.name),),
        goal=Goal(Until.GONE, f"gone: {target.words}", (_bare(target),)),
    )


def _bare(target: Target) -> Target:
    return Target(target.api_version, target.kind, target.namespace, target.name)
