"""Whether an upgrade changes Rancher: several steps of the script are skipped when it does not.

Rule: upgrade_rancher of upgrade_manifests.sh returns early when the version is already there (the same text v1.4.0 to
v1.9.0-rc6). Which release brings which Rancher is in checks/knowledge/releases.yaml; another x.y of Harvester always is
another Rancher.
"""

from __future__ import annotations

from preflight.api import HarvesterVersion, View


def rancher_changes(view: View) -> bool | None:
    """Say whether the upgrade brings another Rancher; None when that cannot be told."""
    running, target = view.upgrade.from_version, view.upgrade.to_version
    if running is None or target is None or running.is_dev or target.is_dev:
        return None
    if (running.base.major, running.base.minor) != (target.base.major, target.base.minor):
        return True
    if running.base == target.base:
        return False
    before, after = _rancher(view, running), _rancher(view, target)
    return before != after if before and after else None


def _rancher(view: View, version: HarvesterVersion) -> str:
    release = view.release(version)
    return release.rancher if release and not release.inherited else ""
