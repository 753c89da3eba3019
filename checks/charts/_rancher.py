"""Whether an upgrade changes Rancher: several steps of the script are skipped when it does not.

Rule: scripts/version-rancher of the installer at each tag; upgrade_rancher of upgrade_manifests.sh returns early when
the version is already there (the same text v1.4.0 to v1.9.0-rc6). Another x.y of Harvester is another Rancher.
"""

from __future__ import annotations

from preflight.api import HarvesterVersion, UpgradePair

RANCHER = {
    "1.4.0": "2.9.2",
    "1.4.1": "2.9.3",
    "1.4.2": "2.10.1",
    "1.4.3": "2.10.1",
    "1.5.0": "2.11.0",
    "1.5.1": "2.11.2",
    "1.5.2": "2.11.3",
    "1.6.0": "2.12.0",
    "1.6.1": "2.12.2",
    "1.7.0": "2.13.0",
    "1.7.1": "2.13.1",
    "1.7.2": "2.13.3",
    "1.7.3": "2.13.3",
    "1.8.0": "2.14.0",
    "1.8.1": "2.14.2",
    "1.8.2": "2.14.2",
    "1.9.0": "2.15.0",
}


def rancher_changes(pair: UpgradePair) -> bool | None:
    """Say whether the upgrade brings another Rancher; None when it cannot be told from the two versions."""
    before, after = _base(pair.from_version), _base(pair.to_version)
    if before is None or after is None:
        return None
    if before == after or before.rpartition(".")[0] != after.rpartition(".")[0]:
        return before != after
    one, other = RANCHER.get(before), RANCHER.get(after)
    return None if one is None or other is None else one != other


def _base(version: HarvesterVersion | None) -> str | None:
    return None if version is None or version.is_dev else str(version.base)
