"""Objects the script of the upgrade takes for granted: where one is missing, `bash -e` ends it, or it waits without end.

Rule: upgrade_manifests.sh, read at v1.4.0, v1.7.3, v1.8.2 and v1.9.0-rc6; a Job that starts from the top at each of its
six tries. It patches four ManagedCharts (pause_all_charts), gets Secret fleet-local/local-rke-state, and patches Ingress
cattle-system/rancher-expose when no class of it can be read. Where the upgrade changes Rancher (checks/_rancher.py)
it deletes three ClusterRepos and the Setting chart-default-branch without --ignore-not-found. ClusterRepo harvester-charts
must download its index anew: a missing one ends the script of targets up to 1.7.1 and of 1.8.0, and is waited for by the
others. Those others wait for rancher-charts too, which Rancher makes anew and, unless setting system-catalog is
`bundled`, downloads from the internet.
Edges: where a repository that is deleted anyway was not downloaded, only the wait for rancher-charts matters.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Unknown,
    View,
    check,
    condition,
    fails,
    hangs,
    judged,
    kubectl,
    lies_in,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

from .._rancher import rancher_changes
from ._fleet import CHARTS
from ._objects import (
    DOWNLOAD_WAITS,
    HARVESTER_REPO,
    INGRESSES,
    MAY_NOT_DOWNLOAD,
    RANCHER_REPOS,
    REPOS,
    SECRETS,
    SETTINGS,
    WAITS,
    WANTED,
    WILL_NOT_DOWNLOAD,
    Wanted,
    waits_for_rancher_charts,
)


@check(
    id="script-preconditions",
    title="What the upgrade's script takes for granted is there",
    category="charts",
    needs=(
        need(CHARTS),
        need(REPOS, "status.conditions", "status.downloadTime"),
        need(SETTINGS, "value", "default"),
        need(SECRETS),
        need(INGRESSES, namespaces=("cattle-system",)),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The script that upgrades the system services ends at the first command that fails, and the Upgrade is then Failed.",
    how="Somebody deleted what seemed of no use: the partner charts of a cluster without internet, the chart of an Addon "
    "that is off. Or a repository cannot be reached.",
    fix="Put the object back; Rancher makes its repositories and settings anew when it starts.",
    causes={
        "object-missing": "The script patches, reads or deletes the object and ends where it is not there: put it back.",
        "repository-not-downloaded": "The index of the repository could not be downloaded: see what its condition says.",
    },
)
def script_preconditions(view: View) -> Iterator[Outcome]:
    """Yield a finding for every object that is missing, and every repository that is not downloaded."""
    changes = rancher_changes(view)
    for resource, wanted in WANTED.items():
        if view.missing(resource):
            continue
        objects = view.objects(resource)
        if not objects and resource in (CHARTS, REPOS):
            yield unknown(Code.INCOMPLETE, f"there is not one of {resource}, and every cluster has some")
            continue
        there = {(text_at(item, "metadata.namespace"), name_of(item)) for item in objects}
        for each in wanted:
            if (each.namespace, each.name) not in there:
                yield from _missing(each, changes, view)
    yield from judged(view.objects(REPOS), lambda repo: _downloaded(repo, changes, view))


def _missing(wanted: Wanted, changes: bool | None, view: View) -> Iterator[Outcome]:
    if wanted.only_with_rancher and changes is False:
        return
    if wanted.only_with_rancher and changes is None:
        yield unknown(
            Code.ERROR, f"{wanted.what} is missing, and whether the script deletes it depends on the versions"
        )
        return
    waits = wanted.name == HARVESTER_REPO and lies_in(view.upgrade.to_version, WAITS) is True
    where = f"{wanted.namespace}/" if wanted.namespace else ""
    yield Finding(
        severity=FAIL,
        cause="object-missing",
        message=f"{wanted.kind} {where}{wanted.name} does not exist, and the script of the upgrade {wanted.used}",
        hint=wanted.hint,
        commands=wanted.commands,
        resource=wanted.ref,
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=hangs(Phase.SYSTEM_SERVICES, f"The script waits without limit until {wanted.what} is there")
        if waits
        else fails(
            Phase.SYSTEM_SERVICES,
            f"The script ends where it {wanted.used}, at each try, and the Upgrade is Failed",
        ),
    )


def _downloaded(repo: JsonObject, changes: bool | None, view: View) -> Iterator[Outcome]:
    name = name_of(repo)
    if name != HARVESTER_REPO and name not in RANCHER_REPOS:
        return
    told = condition(repo, "Downloaded") or {}
    status, since = text_at(told, "status"), text_at(repo, "status.downloadTime")
    if status == "True" and since:
        return
    blocks = name == HARVESTER_REPO or (name == "rancher-charts" and waits_for_rancher_charts(changes, view))
    if isinstance(blocks, Unknown):
        yield blocks
        return
    consequence = DOWNLOAD_WAITS if name == HARVESTER_REPO else WILL_NOT_DOWNLOAD if blocks else MAY_NOT_DOWNLOAD
    yield Finding(
        severity=FAIL if blocks else WARN,
        cause="repository-not-downloaded",
        message=f"ClusterRepo {name} was not downloaded: Downloaded is {status or 'not set'}"
        + (f", {text_at(told, 'message')}" if text_at(told, "message") else ""),
        hint="Read why it cannot be downloaded, and see that its address can be reached from Rancher's pods",
        commands=(kubectl("describe clusterrepos.catalog.cattle.io {}", name),),
        resource=ref_of(repo),
        evidence={"downloaded": status or None, "downloadTime": since or None},
        enforced_by=(Enforcer.SCRIPTS,) if blocks else (Enforcer.NONE,),
        consequence=consequence,
    )
