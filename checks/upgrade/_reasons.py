"""Which gates' findings are the reason why a running upgrade hangs, and by what they are tied to it."""

from __future__ import annotations

from preflight.api import Explains, Tie

_SERVICES = ("waits-for-manifests", "waits-for-controller", "hangs-unexplained")
_NODES = (
    "waits-for-node",
    "waits-for-node-job",
    "waits-for-machine",
    "waits-for-preload",
    "waits-for-repository",
    "hangs-unexplained",
)

REASONS = (
    Explains("addon-stuck", Tie.CHART, folds=True, symptoms=("waits-for-addon",)),
    Explains("managed-chart-ready", Tie.CHART, symptoms=("waits-for-chart",)),
    Explains("managed-chart-drift", Tie.CHART, symptoms=("waits-for-chart",)),
    *(
        Explains(check, Tie.NODE, symptoms=_NODES)
        for check in ("node-ready", "node-pressure", "node-custom-taints", "node-disk-space", "airgap-upgrade-image")
    ),
    *(
        Explains(check, Tie.VM, symptoms=("waits-for-machine",))
        for check in (
            "vm-not-counted-out",
            "vm-not-migratable-condition",
            "vm-live-migration",
            "vm-vgpu",
            "migration-cannot-finish",
            "evacuation-capacity",
        )
    ),
    Explains("blocking-pdb", Tie.POD, symptoms=("waits-for-budget",)),
    Explains("orphan-engine", Tie.NODE, symptoms=("waits-for-budget", "hangs-unexplained")),
    *(
        Explains(check, Tie.CLUSTER, symptoms=("waits-for-image",))
        for check in ("cdi-available", "cdi-importer-memory", "upgrade-image-storage-class", "longhorn-iso-space")
    ),
    Explains("upgrade-config-setting", Tie.CLUSTER, symptoms=("waits-for-controller", "upgrade-without-state")),
    Explains("upgrade-log-prerequisites", Tie.CLUSTER, symptoms=("waits-for-log",)),
    *(
        Explains(check, Tie.CLUSTER, symptoms=_SERVICES)
        for check in (
            "control-plane-workloads",
            "rancher-control-plane-settled",
            "helm-release-pending",
            "script-preconditions",
            "kubevirt-available",
            "capi-machine-match",
        )
    ),
)
"""By a node, a machine, a pod or a chart where there is one; else by the step alone, for the gates whose rule is that the
upgrade waits in that step."""
