"""A helm release left in the middle of an operation: Rancher takes no notice of it, and the upgrade waits for it.

Rule: rancher catalogv2/system hasStatus (2.9 to 2.15): for a release whose newest revision is pending-*, Rancher does
nothing and counts it as done. wait_helm_release of upgrade_manifests.sh waits without limit until fleet, fleet-crd and
rancher-webhook are deployed at the new chart; from target 1.8.0 on it rolls back once, after 5 min, unless the pending
revision already has the new chart. `helm upgrade rancher` itself fails on a pending release, at every target. All of
that only where the upgrade changes Rancher (checks/charts/_rancher.py). Fleet's agent rolls back by itself
(installed charts of Harvester), but a release that is `uninstalling` it uninstalls first; helm refuses one of the others.
Edges: helm writes the state into the Secret of the revision, so its age is that of the operation. A `failed` release is
upgraded over. Only the newest revision counts; healthy are `deployed` and older `superseded` ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from preflight.api import (
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Tie,
    Unknown,
    Unreadable,
    View,
    check,
    format_time,
    human_duration,
    integer_at,
    kubectl,
    labels_of,
    namespace_of,
    need,
    on_cluster,
    ref_of,
    text_at,
    time_at,
    unknown,
)

from ._rancher import rancher_changes
from ._releases import RELEASES, Weight, weigh

SECRETS = "secrets/helm-releases"
GRACE = timedelta(minutes=10)
CAUSES = {"pending": "release-pending", "uninstalling": "release-uninstalling", "failed": "release-failed"}


class Revision(NamedTuple):
    """The newest revision of one release."""

    number: int
    state: str
    secret: JsonObject


@check(
    id="helm-release-pending",
    title="Every helm release of the system is deployed",
    category="charts",
    needs=(need(SECRETS, namespaces=tuple(sorted({namespace for namespace, _ in RELEASES}))),),
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
    newest: dict[tuple[str, str], Revision] = {}
    for secret in view.some(SECRETS):
        try:
            _note(newest, secret)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, str(error))
    changes = rancher_changes(view)
    for key in RELEASES:
        if key in newest:
            yield from _judge(key, newest[key], changes, view)
        elif RELEASES[key].always:
            yield unknown(Code.INCOMPLETE, f"not one revision of helm release {key[0]}/{key[1]} was read")


def _note(newest: dict[tuple[str, str], Revision], secret: JsonObject) -> None:
    labels = labels_of(secret)
    key = namespace_of(secret), text_at(labels, "name")
    if key not in RELEASES:
        return
    number, state = integer_at(labels, "version"), text_at(labels, "status")
    if number is None or not state:
        raise Unreadable(f"Secret {key[0]}/{text_at(secret, 'metadata.name')} has no label version or status")
    if key not in newest or newest[key].number < number:
        newest[key] = Revision(number, state, secret)


def _judge(key: tuple[str, str], newest: Revision, changes: bool | None, view: View) -> Iterator[Outcome]:
    cause = CAUSES.get(newest.state.partition("-")[0], "")
    if not cause:
        return
    weight = weigh(key, cause, changes, view.upgrade.to_version)
    if isinstance(weight, Unknown):
        yield weight
        return
    yield _finding(key, newest, cause, weight, view)


def _finding(key: tuple[str, str], newest: Revision, cause: str, weight: Weight, view: View) -> Finding:
    (namespace, name), (number, state, secret) = key, newest
    since = time_at(secret, "metadata.creationTimestamp")
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
        resource=ref_of(secret),
        evidence={"status": state, "revision": number, "since": format_time(since) if since else None},
        transient=cause != "release-failed" and age is not None and age < GRACE,
        enforced_by=weight.enforced_by,
        consequence=weight.consequence,
        touches={"chart": (chart,)} if chart else {},
    )
