"""Old UpgradeLogs keep a Deployment and a volume alive, and can stand in the way of storage network changes.

Rule: docs, upgrade troubleshooting; nothing enforces it. An UpgradeLog (or a Logging named hvst-upgrade-*) whose
Upgrade has ended or is gone is a leftover; that of a running upgrade is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    INFO,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Remediation,
    Unknown,
    View,
    check,
    harmless,
    kubectl,
    name_of,
    need,
    ref_of,
    text_at,
    tool,
)

from .._upgrades import running_upgrades

SAVED_FIRST = "the same, saved first: shows the plan"
LOGS, LOGGINGS = "upgradelogs.harvesterhci.io", "loggings.logging.banzaicloud.io"


@check(
    id="leftover-upgradelog",
    title="No UpgradeLog is left from an earlier upgrade",
    category="upgrade",
    needs=(
        need(LOGS, "spec.upgradeName"),
        need("upgrades.harvesterhci.io"),
        need(LOGGINGS, optional=True, unserved_is_empty=True),
    ),
    worst=INFO,
    enforced_by=(Enforcer.DOCS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="Each keeps a log downloader and a 1 GB volume, and a volume in use can block storage network changes.",
    how="The upgrade ended and nobody pressed Dismiss, or the Upgrade was deleted without its log.",
    fix="Download the log if it is still wanted, then dismiss it in the UI or delete the UpgradeLog.",
    links=("https://github.com/harvester/harvester/issues/9599",),
    causes={
        "upgradelog-left": "The UpgradeLog of an ended or deleted Upgrade: delete it when the log is not needed.",
        "logging-left": "A Logging of the upgrade log without its UpgradeLog: delete it.",
    },
    consequence=harmless("The upgrade goes on all the same; the volume stays taken until the leftover is deleted"),
)
def leftover_upgradelog(view: View) -> Iterator[Outcome]:
    """Yield every UpgradeLog, and every Logging of one, that belongs to no running upgrade."""
    running = running_upgrades(view)
    yield from view.each(LOGS, lambda log: _judge_log(log, running))
    if missing := view.missing(LOGGINGS):
        yield Unknown(missing.noting("whether a Logging is left without its UpgradeLog"))
    else:
        known = (*running, *(name_of(log) for log in view.objects(LOGS)))
        yield from view.each(LOGGINGS, lambda logging: _judge_logging(logging, known))


def _judge_log(log: JsonObject, running: tuple[str, ...]) -> Iterator[Outcome]:
    upgrade = text_at(log, "spec.upgradeName")
    if upgrade in running:
        return
    yield Finding(
        severity=INFO,
        cause="upgradelog-left",
        message=f"UpgradeLog {name_of(log)} is left from upgrade {upgrade or '(none named)'}, which is not running",
        hint="Delete it when its log is not needed any more",
        commands=(
            kubectl("delete upgradelogs.harvesterhci.io {} -n harvester-system", name_of(log)),
            tool("fix --only leftover-upgradelog", why=SAVED_FIRST),
        ),
        resource=ref_of(log),
        evidence={"upgrade": upgrade or None},
        remediation=Remediation("delete-leftover", False),
    )


def _judge_logging(logging: JsonObject, known: tuple[str, ...]) -> Iterator[Outcome]:
    name = name_of(logging)
    if not name.startswith("hvst-upgrade-") or any(name.startswith(owner) for owner in known):
        return
    yield Finding(
        severity=INFO,
        cause="logging-left",
        message=f"Logging {name} is left from an upgrade log that no longer exists",
        hint="Delete it",
        commands=(
            kubectl("delete loggings.logging.banzaicloud.io {}", name),
            tool("fix --only leftover-upgradelog", why=SAVED_FIRST),
        ),
        resource=ref_of(logging),
        remediation=Remediation("delete-leftover", False),
    )
