"""Settle which upgrade is meant: from which version to which."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.check import Need, need
from preflight.errors import Unreadable
from preflight.fields import labels_of, text_at
from preflight.inventory import Inventory, JsonObject
from preflight.model import UpgradePair
from preflight.values.names import perhaps
from preflight.values.versions import HarvesterVersion, parse_version

PAIR_NEEDS: tuple[Need, ...] = (
    need("settings.harvesterhci.io", "value", "default", values=("server-version",)),
    need("versions.harvesterhci.io", "spec.minUpgradableVersion", "spec.releaseDate"),
)
"""What must be read to settle the pair when the flags do not."""


def version_pair(inventory: Inventory, from_text: str, to_text: str) -> tuple[UpgradePair, str]:
    """Settle from which version to which; the text says why one of them is not known (empty when both are).

    From: --from, else setting server-version. To: --to, else the only Version object newer than the running one; where
    that leaves it open, running_target may know.
    """
    running, problem = _running(inventory, from_text)
    if to_text:
        return UpgradePair(running, _version(to_text)), problem
    target, why = _only_newer(inventory, running)
    return UpgradePair(running, target), problem or why


def running_target(inventory: Inventory) -> HarvesterVersion | None:
    """Return to which version an Upgrade leads that runs; None where none does, several do, or it names none."""
    named = []
    for upgrade in inventory.get("upgrades.harvesterhci.io").objects:
        try:
            if text_at(labels_of(upgrade), "[harvesterhci.io/upgradeState]") not in ("Succeeded", "Failed"):
                named.append(text_at(upgrade, "spec.version"))
        except Unreadable:
            return None
    return _version(named[0]) if len(named) == 1 else None


def no_version(inventory: Inventory, from_text: str, to_text: str) -> str:
    """Say that --from or --to is given something that is no version, and which there are; empty when all is well.

    Rule: a version is x.y.z with or without a leading v, a name of a Version object, or looks like a development build
    of Harvester: `v1.7-head`, `master-head`, a commit.
    """
    entry = inventory.get("versions.harvesterhci.io")
    names = _names(entry.objects)
    for flag, text in (("--from", from_text), ("--to", to_text)):
        version = _version(text)
        if version is None or not version.is_dev or version.raw in names or version.is_build:
            continue
        there = (
            f"the Version objects there are: {', '.join(sorted(names))}" if names else "there are no Version objects"
        )
        if entry.missing:
            there = f"which Version objects there are is not known ({entry.missing})"
        return f"{flag} {version.raw}: not a version such as v1.4.1{perhaps(version.raw, sorted(names))} ({there})"
    return ""


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
    newer = sorted(name for name in _names(entry.objects) if _is_newer(name, running))
    if len(newer) == 1:
        return _version(newer[0]), ""
    found = f"several newer Version objects exist ({', '.join(newer)})" if newer else "no newer Version object exists"
    return None, f"{found}: give --to"


def _names(objects: Iterable[JsonObject]) -> set[str]:
    names = (str(obj["metadata"].get("name") or "").strip() for obj in objects if isinstance(obj.get("metadata"), dict))
    return set(filter(None, names))


def _is_newer(name: str, running: HarvesterVersion) -> bool:
    version = _version(name)
    return version is not None and not version.is_dev and running < version


def _version(text: str) -> HarvesterVersion | None:
    return parse_version(text) if text.strip() else None
