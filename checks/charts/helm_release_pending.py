"""A helm release left in the middle of an operation: Rancher takes no notice of it, and the upgrade waits for it.

Rule: rancher catalogv2/system hasStatus (2.9 to 2.15): for a release whose newest revision is pending-*, Rancher does
nothing and counts it as done. wait_helm_release of upgrade_manifests.sh waits without limit until fleet, fleet-crd and
rancher-webhook are deployed at the new chart; from target 1.8.0 on it rolls back once, after 5 min, unless the pending
revision already has the new chart. `helm upgrade rancher` itself fails on a pending release, at every target. All of
that only where the upgrade changes Rancher (checks/_rancher.py). Fleet's agent rolls back by itself
(installed charts of Harvester), but a release that is `uninstalling` it uninstalls first; helm refuses one of the others.
Edges: where a revision is read from, and how old it is: checks/charts/_revisions.py. A `failed` release is upgraded
over. Only the newest revision counts; healthy are `deployed` and older `superseded` ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    Code,
    Enforcer,
    Explains,
    Finding,
    Outcome,
    Tie,
    Unknown,
    View,
    check,
    format_time,
    human_duration,
    kubectl,
    need,
    on_cluster,
    ref_of,
    unknown,
)

from .._rancher import rancher_changes
from ._releases import RELEASES, Weight, weigh
from ._revisions import APP_FIELDS, APPS, SECRETS, Key, Revision, newest_revisions

GRACE = timedelta(minutes=10)
CAUSES = {"pending": "release-pending", "uninstalling": "release-uninstalling", "failed": "release-failed"}


@check(
    id="helm-release-pending",
    title="Every helm release of the system is deployed",
    category="charts",
    needs=(
        need(APPS, *APP_FIELDS),
        need(SECRETS, namespaces=tuple(sorted({namespace for namespace, _ in RELEASES})), optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="Rancher does not upgrade a release that is in the middle of an operation, and the upgrade waits until it has.",
    how="The pod that ran helm was killed half-way: a node went down, or Rancher was restarted during an operation.",
    fix="Roll the release back to its last deployed revision with helm, then restart Rancher so that it looks again.",
    links=(
        "https://github.com/harvester/harvester/issues/9738",
        "https://github.com/harvester/harvester/issues/9374",
        "https://github.com/harvester/harvester/issues/8309",
    ),
    causes={
        "release-pending": "An operation of helm was never finished: roll the release back.",
        "release-uninstalling": "The release is half uninstalled: have a look at its history before anything else.",
        "release-failed": "The last operation failed. The next one goes over it; read why before the upgrade.",
    },
    explains=(Explains("managed-chart-ready", Tie.CHART), Explains("managed-chart-drift", Tie.CHART)),
)
def helm_release_pending(view: View) -> Iterator[Outcome]:
    """Yield a finding for every release of the system whose newest revision is not deployed."""
    newest: dict[Key, Revision] = {}
    yield from newest_revisions(view, newest)
    changes = rancher_changes(view)
    for key in RELEASES:
        if key in newest:
            yield from _judge(key, newest[key], changes, view)
        elif RELEASES[key].always and not (view.missing(APPS) and view.missing(SECRETS)):
            yield unknown(Code.INCOMPLETE, f"not one revision of helm release {key[0]}/{key[1]} was read")


def _judge(key: Key, newest: Revision, changes: bool | None, view: View) -> Iterator[Outcome]:
    cause = CAUSES.get(newest.state.partition("-")[0], "")
    if not cause:
        return
    weight = weigh(key, cause, changes, view.upgrade.to_version)
    if isinstance(weight, Unknown):
        yield weight
        return
    yield _finding(key, newest, cause, weight, view)


def _finding(key: Key, newest: Revision, cause: str, weight: Weight, view: View) -> Finding:
    (namespace, name), (number, state, since, told_by) = key, newest
    age = view.now - since if since else None
    chart = RELEASES[key].chart
    roll_back = on_cluster("helm rollback {} -n {}", name, namespace)
    return Finding(
        severity=weight.severity,
        cause=cause,
        message=f"Helm release {namespace}/{name} is {state} at revision {number}"
        + (f" for {human_duration(age)}" if age else ""),
        hint=weight.hint,
        commands=(
            on_cluster("helm history {} -n {}", name, namespace),
            *((roll_back,) if weight.roll_back and number > 1 else ()),
            *(
                (kubectl("rollout restart deployment rancher -n cattle-system"),)
                if weight.roll_back and not chart
                else ()
            ),
        ),
        resource=ref_of(told_by),
        evidence={"status": state, "revision": number, "since": format_time(since) if since else None},
        transient=cause != "release-failed" and age is not None and age < GRACE,
        enforced_by=weight.enforced_by,
        consequence=weight.consequence,
        touches={"chart": (chart,)} if chart else {},
    )
