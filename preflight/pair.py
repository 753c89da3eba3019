"""Settle which upgrade is meant: from which version to which."""

from __future__ import annotations

from preflight.check import Need, need
from preflight.inventory import Inventory
from preflight.model import UpgradePair
from preflight.values.versions import HarvesterVersion, parse_version

PAIR_NEEDS: tuple[Need, ...] = (
    need("settings.harvesterhci.io", "value", "default"),
    need("versions.harvesterhci.io", "spec.minUpgradableVersion", "spec.releaseDate"),
)
"""What must be read to settle the pair when the flags do not."""


def version_pair(inventory: Inventory, from_text: str, to_text: str) -> tuple[UpgradePair, str]:
    """Settle from which version to which; the text says why one of them is not known (empty when both are).

    From: --from, else setting server-version. To: --to, else the only Version object newer than the running one.
    """
    running, problem = _running(inventory, from_text)
    if to_text:
        return UpgradePair(running, _version(to_text)), problem
    target, why = _only_newer(inventory, running)
    return UpgradePair(running, target), problem or why


def _running(inventory: Inventory, given: str) -> tuple[HarvesterVersion | None, str]:
    if given:
        return _version(given), ""
    entry = inventory.get("settings.harvesterhci.io")
    if entry.missing:
        return None, f"the running version is not known ({entry.missing}): give --from"
    for setting in entry.objects:
        if isinstance(setting.get("metadata"), dict) and setting["metadata"].get("name") == "server-version":
            value = setting.get("value") or setting.get("default")
            if isinstance(value, str) and value.strip():
                return _version(value), ""
    return None, "the running version is not known (no setting server-version with a value): give --from"


def _only_newer(inventory: Inventory, running: HarvesterVersion | None) -> tuple[HarvesterVersion | None, str]:
    entry = inventory.get("versions.harvesterhci.io")
    if entry.missing:
        return None, f"the target version is not known (Version objects: {entry.missing}): give --to"
    if running is None or running.is_dev:
        return None, "the target version cannot be chosen without a running release: give --to"
    names = [str(obj["metadata"].get("name") or "") for obj in entry.objects if isinstance(obj.get("metadata"), dict)]
    newer = sorted({name for name in names if name.strip() and _is_newer(name, running)})
    if len(newer) == 1:
        return _version(newer[0]), ""
    found = f"several newer Version objects exist ({', '.join(newer)})" if newer else "no newer Version object exists"
    return None, f"{found}: give --to"


def _is_newer(name: str, running: HarvesterVersion) -> bool:
    version = _version(name)
    return version is not None and not version.is_dev and running < version


def _version(text: str) -> HarvesterVersion | None:
    return parse_version(text) if text.strip() else None
