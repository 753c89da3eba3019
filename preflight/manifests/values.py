"""Values for the Helm chart that say the same as a set of manifests, and an Addon of Harvester that installs it.

Rule: harvester/experimental-addons: an Addon beside its namespace, labelled experimental, disabled until somebody enables
it. A chart from an OCI registry stands in `chart`; `repo` is required by the Addon's schema and has to be empty then, since
the install job runs `helm repo add` for any other (k3s-io/helm-controller issue 320).
"""

from __future__ import annotations

from typing import Any

from preflight import __version__
from preflight.manifests.setup import DEFAULT_CONFIG, Image, Setup

CHART = "oci://ghcr.io/harvester/charts/harvester-preflight"
"""Where the release workflow pushes the chart; its version is that of this package."""
EXPERIMENTAL = {"addon.harvesterhci.io/experimental": "true"}


def helm_values(setup: Setup, image: Image, parts: dict[str, bool]) -> dict[str, Any]:
    """Return the values; `parts` says what was opted in to, by the names the chart has for it."""
    return {
        "image": {"repository": image.name, "tag": image.tag, "digest": image.digest},
        "to": setup.to,
        "rbac": parts,
        "openReports": {"publish": setup.publish},
        "cronJob": {"enabled": True, "schedule": setup.schedule},
        **({} if setup.config == DEFAULT_CONFIG else {"config": setup.config}),
    }


def addon(setup: Setup, chart: str, values: str) -> list[dict[str, Any]]:
    """Return the namespace and the Addon; `values` is the YAML of `helm_values`, `chart` the chart's OCI address."""
    name, namespace = setup.subject.name, setup.subject.namespace
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "harvesterhci.io/v1beta1",
            "kind": "Addon",
            "metadata": {"name": name, "namespace": namespace, "labels": EXPERIMENTAL},
            "spec": {"enabled": False, "repo": "", "chart": chart, "version": __version__, "valuesContent": values},
        },
    ]
