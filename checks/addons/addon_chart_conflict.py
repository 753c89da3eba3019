"""The upgrade creates Addons that are not there yet; one of another name with the same chart makes that fail.

Rule: addon webhook of every target (v1.4.0 to v1.9.0-rc6), validateNewAddon: an Addon whose spec.chart another Addon of
any namespace has is refused with 409. upgrade_manifests.sh (install_addon, bash -e) creates, where absent, four Addons
always, kubeovn-operator from target 1.6.0 and descheduler from 1.7.0: the refusal ends apply-manifests, and the Upgrade is
Failed. Names and charts: harvester/addons, rancherd-22-addons.yaml. An Addon that is there is patched, which no other
Addon stands in the way of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    fails,
    judged,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    unknown,
)

ADDONS = "addons.harvesterhci.io"


class Installed(NamedTuple):
    """An Addon that the upgrade creates where it is absent."""

    namespace: str
    name: str
    chart: str
    targets: str
    """Range of targets whose scripts create it."""


INSTALLED = (
    Installed("harvester-system", "vm-import-controller", "harvester-vm-import-controller", ""),
    Installed("harvester-system", "pcidevices-controller", "harvester-pcidevices-controller", ""),
    Installed("harvester-system", "harvester-seeder", "harvester-seeder", ""),
    Installed("harvester-system", "nvidia-driver-toolkit", "nvidia-driver-runtime", ""),
    Installed("kube-system", "kubeovn-operator", "kubeovn-operator", ">=1.6.0"),
    Installed("kube-system", "descheduler", "descheduler", ">=1.7.0"),
)


@check(
    id="addon-chart-conflict",
    title="No Addon of one's own has the chart of one the upgrade creates",
    category="addons",
    needs=(need(ADDONS, "spec.chart"),),
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/advanced/addons",
    why="The new version's webhook allows one Addon a chart; the script that creates its own stops at the refusal, when "
    "Rancher and the charts are already new.",
    how="An Addon of one's own was made from a chart that a later release brings as an Addon, such as descheduler.",
    fix="Disable that Addon, wait until it is gone, delete it, and use the one that the upgrade brings.",
    causes={"chart-taken": "An Addon of another name has the chart: disable it, then delete it, before the upgrade."},
)
def addon_chart_conflict(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Addon that stands in the way of one the upgrade creates."""
    there = {(namespace_of(addon), name_of(addon)) for addon in view.objects(ADDONS)}
    to_come = {row.chart: row for row in INSTALLED if (row.namespace, row.name) not in there}
    yield from judged(view.objects(ADDONS), lambda addon: _judge(view, addon, to_come))


def _judge(view: View, addon: JsonObject, to_come: dict[str, Installed]) -> Iterator[Outcome]:
    chart = text_at(addon, "spec.chart")
    row = to_come.get(chart)
    if row is None:
        return
    namespace, name = namespace_of(addon), name_of(addon)
    creates = lies_in(view.upgrade.to_version, row.targets) if row.targets else True
    if creates is None:
        text = (
            f"whether the target creates Addon {row.name}, whose chart {namespace}/{name} has, depends on its version"
        )
        yield unknown(Code.ERROR, text)
    elif creates:
        yield Finding(
            severity=FAIL,
            cause="chart-taken",
            message=f"Addon {namespace}/{name} has chart {chart}, with which the upgrade creates {row.namespace}/{row.name}",
            hint="Disable it, wait until it is disabled, then delete it",
            commands=(
                kubectl("patch {} {} -n {} --type merge -p {}", ADDONS, name, namespace, '{"spec":{"enabled":false}}'),
                kubectl("delete {} {} -n {}", ADDONS, name, namespace, why="once it is disabled"),
            ),
            resource=ref_of(addon),
            evidence={"chart": chart, "creates": f"{row.namespace}/{row.name}"},
            consequence=fails(
                Phase.SYSTEM_SERVICES, f"Creating Addon {row.name} is refused with 409, and the Upgrade ends Failed"
            ),
            touches={"chart": (chart,)},
        )
