"""What the script of the upgrade takes for granted, as data (see script_preconditions)."""

from __future__ import annotations

from typing import NamedTuple

from preflight.api import (
    Certainty,
    Code,
    Command,
    Phase,
    ResourceRef,
    Unknown,
    View,
    degrades,
    effective_value,
    hangs,
    kubectl,
    lies_in,
    name_of,
    unknown,
)

from ._fleet import CHARTS

REPOS, SETTINGS = "clusterrepos.catalog.cattle.io", "settings.management.cattle.io"
SECRETS, INGRESSES = "secrets/local-rke-state", "ingresses.networking.k8s.io"
HARVESTER_REPO = "harvester-charts"
RANCHER_REPOS = ("rancher-charts", "rancher-rke2-charts", "rancher-partner-charts")
WAITS = ">=1.7.2 <1.8.0 || >=1.8.1"
"""Targets whose script waits for a ClusterRepo instead of ending at it."""
DOWNLOAD_WAITS = hangs(
    Phase.SYSTEM_SERVICES, "The script has the repository downloaded anew and waits for that without limit"
)
MAY_NOT_DOWNLOAD = degrades(
    Phase.SYSTEM_SERVICES,
    "Rancher makes the repository anew in the upgrade; what is installed from it may not be found afterwards",
    Certainty.POSSIBLE,
)
WILL_NOT_DOWNLOAD = hangs(
    Phase.SYSTEM_SERVICES,
    "Rancher makes the repository anew and the script waits for its download without limit (that it will fail again is "
    "inferred)",
    Certainty.LIKELY,
)
_RESTART = (kubectl("rollout restart deployment rancher -n cattle-system"),)
_ANEW = "Restart Rancher: it makes it anew when it starts"


class Wanted(NamedTuple):
    """One object, and what the script does with it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    used: str
    """What the script does with it, after "the script"."""
    hint: str
    commands: tuple[Command, ...]
    only_with_rancher: bool = False
    """Whether that happens only where the upgrade changes Rancher."""

    @property
    def what(self) -> str:
        """Name it in a sentence."""
        return f"{self.kind} {self.name}"

    @property
    def ref(self) -> ResourceRef:
        """Name it for a finding."""
        return ResourceRef(self.api_version, self.kind, self.namespace, self.name)


def _chart(name: str) -> Wanted:
    return Wanted(
        "management.cattle.io/v3",
        "ManagedChart",
        "fleet-local",
        name,
        "pauses it",
        "Create it again as the installer of the running version does (its rancherd templates)",
        (kubectl("get managedcharts.management.cattle.io -n fleet-local", why="what is there now"),),
    )


def _repo(name: str) -> Wanted:
    return Wanted(
        "catalog.cattle.io/v1", "ClusterRepo", "", name, "deletes it", _ANEW, _RESTART, only_with_rancher=True
    )


WANTED: dict[str, tuple[Wanted, ...]] = {
    CHARTS: tuple(map(_chart, ("harvester", "harvester-crd", "rancher-monitoring-crd", "rancher-logging-crd"))),
    REPOS: (
        *map(_repo, RANCHER_REPOS),
        Wanted(
            "catalog.cattle.io/v1",
            "ClusterRepo",
            "",
            HARVESTER_REPO,
            "has it downloaded anew",
            "Create it again: its url is that of Service harvester-cluster-repo in cattle-system",
            (kubectl("get service harvester-cluster-repo -n cattle-system"),),
        ),
    ),
    SETTINGS: (
        Wanted(
            "management.cattle.io/v3",
            "Setting",
            "",
            "chart-default-branch",
            "deletes it",
            _ANEW,
            _RESTART,
            only_with_rancher=True,
        ),
    ),
    SECRETS: (
        Wanted(
            "v1",
            "Secret",
            "fleet-local",
            "local-rke-state",
            "reads it",
            "Restore it from a backup of the cluster; without it Rancher cannot manage RKE2 either",
            (kubectl("get secrets -n fleet-local", why="what is there now"),),
        ),
    ),
    INGRESSES: (
        Wanted(
            "networking.k8s.io/v1",
            "Ingress",
            "cattle-system",
            "rancher-expose",
            "patches it",
            "Create it again as the installer of the running version does; it is how Rancher is reached by the VIP",
            (kubectl("get ingresses.networking.k8s.io -n cattle-system", why="what is there now"),),
        ),
    ),
}
"""By the need that holds them."""


def waits_for_rancher_charts(changes: bool | None, view: View) -> bool | Unknown:
    """Say whether the script waits for a download of rancher-charts that the internet would have to serve."""
    waits = lies_in(view.upgrade.to_version, WAITS)
    if changes is False or waits is False:
        return False
    catalog = next((item for item in view.read(SETTINGS) if name_of(item) == "system-catalog"), None)
    source = effective_value(catalog) if catalog else ""
    if source == "bundled":
        return False
    if not source:
        return unknown(Code.ERROR, "Rancher's setting system-catalog was not found or is empty")
    if changes is None or waits is None:
        return unknown(Code.ERROR, "whether the script waits for rancher-charts depends on the versions")
    return True
