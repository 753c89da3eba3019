"""What disabled or removed Addons left behind: it gets in the way when the Addon is enabled again, or by the upgrade.

Rule: nobody checks it. Of an Addon that is disabled and settled, or gone, nothing should exist any more except its data:
see _leftovers.py for what is looked for. An Addon that is gone is recognised by a HelmChart whose owner is an Addon that
does not exist, or by its name, where only Harvester uses that name in that namespace.
Edges: what has been terminating for less than ten minutes is going. Claims (PVCs) are data: they are shown, never
proposed for deletion. The Secret chart-values-NAME is not read; it is named where its HelmChart is. Charts that end in -crd
(rancher-logging-crd and the like) are no leftovers: Fleet keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Finding,
    JsonObject,
    Outcome,
    Unknown,
    View,
    boolean_at,
    check,
    condition_status,
    judged,
    need,
    ref_of,
    text_at,
    unknown,
)

from ._during import RUNNING_NEEDS, kept_for_later, running_of
from ._facts import ADDONS, CHARTS, DISABLED, JOBS, PODS, RELEASES
from ._gather import unsound
from ._leftover_advice import leftovers_finding, of_addon
from ._leftovers import (
    ACCOUNTS,
    BINDINGS,
    CLAIMS,
    CONTENTS,
    EVERYTHING,
    NAMESPACES,
    WORKLOADS,
    Key,
    Remains,
    read_remains,
)

HARVESTERS: frozenset[Key] = frozenset(
    {
        ("cattle-logging-system", "rancher-logging"),
        ("cattle-monitoring-system", "rancher-monitoring"),
        ("harvester-system", "harvester-csi-driver-lvm"),
        ("harvester-system", "harvester-seeder"),
        ("harvester-system", "harvester-vm-dhcp-controller"),
        ("harvester-system", "nvidia-driver-toolkit"),
        ("harvester-system", "pcidevices-controller"),
        ("harvester-system", "vm-import-controller"),
        ("rancher-vcluster", "rancher-vcluster"),
    }
)
"""Addons whose name and namespace nobody else uses. Those of kube-system are left out: a release `descheduler` there may
be anybody's."""


@check(
    id="addon-leftovers",
    title="Disabled and removed Addons left nothing behind",
    category="addons",
    worst=WARN,
    needs=(
        need(ADDONS, "spec.enabled", "status.status", "status.conditions"),
        need(CHARTS),
        need(JOBS),
        need(PODS, "status.phase"),
        *(need(name) for name in (*WORKLOADS, ACCOUNTS, BINDINGS, CLAIMS)),
        need(NAMESPACES, "status.conditions"),
        need(RELEASES, optional=True),
        need(CONTENTS, optional=True),
        *RUNNING_NEEDS,
    ),
    docs="https://docs.harvesterhci.io/v1.8/advanced/addons",
    why="A release or Job of an earlier life makes the next installation of the Addon fail or stick, and workloads "
    "nobody manages any more keep running through the upgrade.",
    how="The Job that uninstalls the chart failed or was killed, an Addon was deleted by force, or a namespace hangs.",
    fix="Look at the list, keep what is data, and delete the rest: the newest release Secret last.",
    links=("https://github.com/harvester/harvester/issues/7376",),
    causes={
        "objects-left": "Objects of the Addon are still there. `fix` plans their deletion, without claims (PVCs).",
        "data-left": "Only claims (PVCs) are left. That is data: keep it or delete it, as you decide.",
        "namespace-terminating": "Only the namespace is left and does not go: find what still has a finalizer in it.",
    },
)
def addon_leftovers(view: View) -> Iterator[Outcome]:
    """Yield one finding for each disabled or removed Addon of which something is still there."""
    running = running_of(view)
    for outcome in _leftovers(view):
        yield kept_for_later(running, outcome) if isinstance(outcome, Finding) else outcome


def _leftovers(view: View) -> Iterator[Outcome]:
    remains = read_remains(view)
    addons = {(ref_of(addon).namespace, ref_of(addon).name): addon for addon in view.objects(ADDONS)}
    yield from judged(addons.values(), lambda addon: _judge_disabled(addon, remains))
    for key in sorted((HARVESTERS | _orphans(view)) - set(addons)):
        left = remains.of(key)
        # What is only cluster-wide proves nothing while some namespaces, and so perhaps the Addon, were not read
        if left and not (view.gaps(ADDONS, key[0]) and all(one.need in (BINDINGS, NAMESPACES) for one in left)):
            yield leftovers_finding(key, "gone", left)
    for name in EVERYTHING:
        yield from (Unknown(why) for why in (view.missing(name), *view.gaps(name)) if why)
        for obj in () if view.missing(name) else view.objects(name):
            if problem := unsound(obj):
                yield unknown(Code.UNPARSABLE, f"an object of {name} cannot be placed: {problem}")


def _judge_disabled(addon: JsonObject, remains: Remains) -> Iterator[Outcome]:
    settled = text_at(addon, "status.status") in DISABLED and condition_status(addon, "InProgress") != "True"
    ref = ref_of(addon)
    if boolean_at(addon, "spec.enabled") or not settled or ref.name.endswith("-crd"):
        return
    if left := remains.of((ref.namespace, ref.name)):
        yield leftovers_finding((ref.namespace, ref.name), "disabled", left)


def _orphans(view: View) -> frozenset[Key]:
    """Return the names of HelmCharts that belong to an Addon; those whose Addon is there fall out later."""
    found = set()
    for chart in () if view.missing(CHARTS) else view.objects(CHARTS):
        if not unsound(chart) and not ref_of(chart).name.endswith("-crd") and of_addon(chart):
            found.add((ref_of(chart).namespace, ref_of(chart).name))
    return frozenset(found)
