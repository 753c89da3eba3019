"""The helm releases of a Harvester's own system, and what each state of one comes to in the upgrade."""

from __future__ import annotations

from typing import NamedTuple

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Certainty,
    Code,
    Consequence,
    Enforcer,
    HarvesterVersion,
    Phase,
    Severity,
    Unknown,
    degrades,
    delays,
    fails,
    hangs,
    harmless,
    lies_in,
    loses_data,
    unknown,
)


class Release(NamedTuple):
    """Whose a release is."""

    chart: str = ""
    """The ManagedChart it is installed for; empty for those Rancher installs."""
    always: bool = False
    """Whether every cluster has it."""


RELEASES: dict[tuple[str, str], Release] = {
    ("cattle-fleet-system", "fleet"): Release(always=True),
    ("cattle-fleet-system", "fleet-crd"): Release(always=True),
    ("cattle-system", "rancher-webhook"): Release(always=True),
    ("cattle-system", "rancher"): Release(always=True),
    ("harvester-system", "harvester"): Release("harvester", always=True),
    ("harvester-system", "harvester-crd"): Release("harvester-crd", always=True),
    ("cattle-logging-system", "rancher-logging-crd"): Release("rancher-logging-crd"),
    ("cattle-monitoring-system", "rancher-monitoring-crd"): Release("rancher-monitoring-crd"),
}
RANCHER = ("cattle-system", "rancher")


class Weight(NamedTuple):
    """What a state of a release comes to."""

    severity: Severity
    consequence: Consequence
    hint: str
    enforced_by: tuple[Enforcer, ...] = (Enforcer.NONE,)
    roll_back: bool = False


_ROLL_BACK = "Roll it back to the revision that was deployed last, then let Rancher look again"
_LOOK = "Read its history first, and bring it back to a deployed revision before the upgrade"
_BY_SCRIPTS = (Enforcer.SCRIPTS, Enforcer.DOCS)
_UNUSED = degrades(
    Phase.SYSTEM_SERVICES,
    "This upgrade does not change Rancher and leaves the release alone; it may stay old for long",
)
_WAITS = hangs(
    Phase.SYSTEM_SERVICES,
    "Rancher leaves the release as it is, and the script waits without limit until it is deployed at the new version",
)
_REFUSES = fails(
    Phase.SYSTEM_SERVICES,
    "helm refuses to upgrade Rancher, the script ends at that, and the Upgrade is Failed after its retries",
)
_REFUSED_EACH_TIME = hangs(
    Phase.SYSTEM_SERVICES,
    "Rancher tries, helm refuses each time, and the script waits without limit for the release (that helm refuses it is "
    "inferred)",
    Certainty.LIKELY,
)
_ROLLED_BACK = delays(
    Phase.SYSTEM_SERVICES,
    "The script rolls it back once, after 5 minutes, unless the pending revision is already the target's: then it may not "
    "get on",
    Certainty.POSSIBLE,
)
_BY_FLEET = delays(
    Phase.SYSTEM_SERVICES, "Fleet rolls it back by itself when it applies the chart, which may take longer"
)
_UNINSTALLS = loses_data(
    Phase.SYSTEM_SERVICES,
    "Fleet ends the uninstallation before it installs the chart anew: what the release holds is deleted",
)


def weigh(key: tuple[str, str], cause: str, changes: bool | None, target: HarvesterVersion | None) -> Weight | Unknown:
    """Return what a state (by the cause it has) of one of RELEASES comes to; `changes`: the upgrade changes Rancher.

    Unknown when that depends on a version that cannot be placed.
    """
    if RELEASES[key].chart:
        return _of_fleet(cause)
    if cause == "release-failed":
        return _failed(key)
    if changes is None:
        return unknown(Code.ERROR, f"what the unfinished helm release {'/'.join(key)} comes to depends on the versions")
    if not changes:
        return Weight(WARN, _UNUSED, _LOOK, roll_back=cause == "release-pending")
    if cause == "release-uninstalling":
        return Weight(FAIL, _REFUSES if key == RANCHER else _REFUSED_EACH_TIME, _LOOK, (Enforcer.SCRIPTS,))
    if key == RANCHER:
        return Weight(FAIL, _REFUSES, _ROLL_BACK, (Enforcer.SCRIPTS,), roll_back=True)
    if lies_in(target, ">=1.8.0"):
        return Weight(WARN, _ROLLED_BACK, _ROLL_BACK, (Enforcer.DOCS,), roll_back=True)
    return Weight(FAIL, _WAITS, _ROLL_BACK, _BY_SCRIPTS, roll_back=True)


def _of_fleet(cause: str) -> Weight:
    if cause == "release-uninstalling":
        return Weight(FAIL, _UNINSTALLS, _LOOK)
    if cause == "release-pending":
        return Weight(
            WARN, _BY_FLEET, "Let Fleet finish, or roll it back to its last deployed revision", roll_back=True
        )
    return Weight(WARN, degrades(Phase.SYSTEM_SERVICES, "The chart may fail again when the upgrade applies it"), _LOOK)


def _failed(key: tuple[str, str]) -> Weight:
    if key == RANCHER:
        text = "helm goes over a failed release, but what failed may fail again, and then the upgrade with it"
        return Weight(WARN, fails(Phase.SYSTEM_SERVICES, text, Certainty.POSSIBLE), _LOOK)
    return Weight(INFO, harmless("Rancher installs over a failed release by itself"), _LOOK)
