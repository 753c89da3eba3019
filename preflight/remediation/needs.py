"""What repairs are planned from, whatever the checks happen to read."""

from __future__ import annotations

from preflight.check import Need, need

REPAIR_NEEDS: tuple[Need, ...] = (
    need("addons.harvesterhci.io", "spec.enabled", "spec.chart", "status.status", "status.conditions"),
    need("helmcharts.helm.cattle.io", "status.jobName"),
    need("jobs.batch", "status.conditions"),
    need("pods", "status.phase"),
    need("secrets/helm-releases", optional=True),
    need("upgrades.harvesterhci.io"),
    need("leases.coordination.k8s.io/repair", "spec", "metadata.annotations", optional=True),
)
