"""What repairs are planned from, whatever the checks happen to read."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.check import Need, need

REPAIR_NEEDS: tuple[Need, ...] = (
    need("addons.harvesterhci.io", "spec.enabled", "status.status", "status.conditions"),
    need("helmcharts.helm.cattle.io", "status.jobName"),
    need("jobs.batch", "status.conditions"),
    need("pods", "status.phase"),
    need("secrets/helm-releases", optional=True),
    need("upgrades.harvesterhci.io", "status.conditions"),
    need("upgradeplans.management.harvesterhci.io", "status.currentPhase", optional=True),
    need(
        "statefulsets.apps",
        "spec.persistentVolumeClaimRetentionPolicy",
        "spec.volumeClaimTemplates.metadata.name",
        optional=True,
    ),
    need(
        "persistentvolumeclaims",
        "metadata.annotations[meta.helm.sh/release-name]",
        "metadata.annotations[helm.sh/resource-policy]",
        optional=True,
    ),
    need("leases.coordination.k8s.io/repair", "spec", "metadata.annotations", optional=True),
)


def with_repairs(needs: Iterable[Need]) -> tuple[Need, ...]:
    """Add what repairs look at in the kinds that are read anyway: then `fix --source` can plan from what was saved."""
    wanted = tuple(needs)
    read = {one.resource.name for one in wanted}
    return (*wanted, *(one for one in REPAIR_NEEDS if one.resource.name in read))
