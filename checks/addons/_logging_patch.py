"""Whether the upgrade patches Addon rancher-logging, which is when its webhook looks at the flows.

Rule: upgrade_addon_rancher_logging_with_patch_eventrouter_image in package/upgrade/lib.sh: targets 1.5.0, 1.5.1 and
1.5.2 patch when the eventrouter image sorts before theirs, and when the chart version is not 105.2.0+up4.10.0, which
all of 1.5 ships; targets 1.6.x patch whenever there is such an image, and for another chart version.
"""

from __future__ import annotations

from preflight.api import JsonObject, UpgradePair, lies_in, parse_yaml, text_at

CHART_OF_1_5 = "105.2.0+up4.10.0"


def will_be_patched(addon: JsonObject, upgrade: UpgradePair) -> bool | None:
    """Say whether the upgrade patches the Addon; None where it depends on what is not known."""
    if lies_in(upgrade.from_version, "<1.5.0"):
        return True
    image = _eventrouter(parse_yaml(text_at(addon, "spec.valuesContent"), "valuesContent of Addon rancher-logging"))
    if lies_in(upgrade.to_version, ">=1.6.0"):
        return True if image else None
    tag = "v1.5.0-dev.0" if lies_in(upgrade.to_version, "=1.5.0") else "v1.5.1"
    if image and image < f"rancher/harvester-eventrouter:{tag}":
        return True
    return text_at(addon, "spec.version") != CHART_OF_1_5


def _eventrouter(values: object) -> str:
    for key in ("eventTailer", "workloadOverrides", "containers"):
        values = values.get(key) if isinstance(values, dict) else None
    first = values[0] if isinstance(values, list) and values else None
    image = first.get("image") if isinstance(first, dict) else None
    return image if isinstance(image, str) else ""
