"""What the opt-in features may do besides reading objects: `rbac` prints it, the writing code asks the server first."""

from __future__ import annotations

from preflight.rbac import Permission

ASK_SERVER: tuple[Permission, ...] = (Permission("harvester-system", "harvesterhci.io", "upgrades", ("create",)),)
"""A dry run is authorised like the real thing."""

PUBLISH: tuple[Permission, ...] = (
    Permission("", "openreports.io", "clusterreports", ("create", "delete", "list", "update")),
    Permission("", "wgpolicyk8s.io", "clusterpolicyreports", ("create", "delete", "list", "update")),
)

FIX: tuple[Permission, ...] = (
    Permission("", "batch", "jobs", ("get", "delete")),
    Permission("", "harvesterhci.io", "addons", ("get", "create", "patch", "delete")),
    Permission("", "harvesterhci.io", "addons/status", ("patch",)),
    Permission("", "helm.cattle.io", "helmcharts", ("get", "create", "patch", "delete")),
    Permission("harvester-system", "coordination.k8s.io", "leases", ("get", "create", "update", "delete")),
    Permission("fleet-local", "management.cattle.io", "managedcharts", ("get", "patch")),
)
"""For every repair of a stuck Addon, for resuming a paused ManagedChart, and their rollback. `clean-leftovers` would need
to delete Secrets and workloads anywhere, `delete-leftover` logs and plans, which is no least privilege: whoever wants that
uses an administrator's account, and `fix` says what it lacks.
"""


PROBE_NODES: tuple[Permission, ...] = (
    Permission("harvester-system", "", "pods", ("create", "delete", "get", "list")),
    Permission("harvester-system", "", "pods/log", ("get",)),
)
"""The probe pods run where Harvester's own privileged pods run."""

LOGS: tuple[Permission, ...] = (Permission("", "", "pods/log", ("get",)),)
"""Reads, and is not in the default role all the same: what a pod says is nobody's business who only checks."""
