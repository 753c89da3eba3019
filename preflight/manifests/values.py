"""Values for the Helm chart that say the same as a set of manifests."""

from __future__ import annotations

from typing import Any

from preflight.manifests.setup import DEFAULT_CONFIG, Image, Setup


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
