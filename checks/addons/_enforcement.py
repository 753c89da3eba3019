"""Who stops an upgrade for an unsettled Addon, by running and by target version.

Rule 1: validator.go of FROM >= v1.7.0 refuses the Upgrade while any Addon's status is not settled. Rule 2: the
apply-manifests Job of TO (package/upgrade/upgrade_manifests.sh, `bash -e`) patches some Addons; the addon webhook refuses
any write to one with InProgress=True, even one that changes nothing, and the first refusal ends the script.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from preflight.api import (
    Certainty,
    Consequence,
    Enforcer,
    HarvesterVersion,
    JsonObject,
    Phase,
    Release,
    Unreadable,
    UpgradePair,
    View,
    degrades,
    hangs,
    lies_in,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    parse_yaml,
    refused,
    text_at,
)

from ._facts import CONDITIONS, Facts

Patched = bool | None
"""None: it depends on something that cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What happens to the upgrade when the Addon is left as it is."""

    enforced_by: tuple[Enforcer, ...]
    consequences: tuple[Consequence, ...]
    """What comes first, first."""

    @property
    def sentences(self) -> str:
        """All of it, for the evidence."""
        return " ".join(f"{one.text}." for one in self.consequences)


def ends(facts: Facts, view: View) -> Ends:
    """Say who would stop the upgrade, and how it would end otherwise."""
    pair = view.upgrade
    who: list[Enforcer] = []
    said: list[Consequence] = []
    refuses = lies_in(pair.from_version, ">=1.7.0")
    if not facts.settled and refuses:
        who.append(Enforcer.WEBHOOK)
        said.append(refused(f"The server ({pair.from_version}) refuses to create the Upgrade while it is so"))
    patched = _patched(facts, pair.to_version, view.release(pair.to_version))
    if patched is not False:
        who.append(Enforcer.SCRIPTS)
        said.append(_denied(pair, Certainty.CERTAIN if patched else Certainty.POSSIBLE))
    if not facts.settled and refuses is None:
        text = "Servers from v1.7.0 on refuse the Upgrade while it is so; which version runs here is not known"
        said.append(refused(text, Certainty.POSSIBLE))
    if not who:
        said.append(_unseen(facts, pair))
    return Ends(tuple(who) or (Enforcer.NONE,), tuple(said))


def _denied(pair: UpgradePair, certainty: Certainty) -> Consequence:
    verb = "patch" if certainty is Certainty.CERTAIN else "may patch"
    text = (
        f"The upgrade scripts of {pair.to_version or 'the target'} {verb} this Addon, that write is denied "
        '("an existing operation is in progress"), and the upgrade hangs in "Upgrading System Service" and fails late, '
        "half-way"
    )
    return hangs(Phase.SYSTEM_SERVICES, text, certainty)


def _unseen(facts: Facts, pair: UpgradePair) -> Consequence:
    why = "nothing in the upgrade patches it" if facts.in_progress else "its operation is not in progress"
    accepts = f" (the server, {pair.from_version}, accepts the Upgrade all the same, and {why})"
    text = (
        f"Nobody but this tool stops for it{accepts if lies_in(pair.from_version, '>=1.7.0') is False else ''}: the "
        "upgrade would start with an Addon in an unknown state, and curing it afterwards is harder"
    )
    return degrades(Phase.AFTER, text)


def _patched(facts: Facts, target: HarvesterVersion | None, release: Release | None) -> Patched:
    """Say whether the scripts' write to this Addon will be denied."""
    unsure = CONDITIONS in facts.unread
    if not (facts.in_progress or unsure):
        return False
    try:
        patched = patched_by(facts.addon, target, release)
    except Unreadable:  # it depends on values that are there and cannot be read
        return None
    return None if patched and unsure else patched


def patched_by(addon: JsonObject, target: HarvesterVersion | None, release: Release | None) -> Patched:
    """Say whether the scripts of the target version patch this Addon: what is known of the release, and its values."""
    if target is None or target.is_dev or release is None:
        return None
    known = release.addon(namespace_of(addon), name_of(addon))
    if known is None:
        return False
    if known.patched != "other-version":
        return {"always": True, "never": False}.get(known.patched)
    if name_of(addon) in _VALUES and _VALUES[name_of(addon)](addon, target):
        return True
    return text_at(addon, "spec.version") != known.version if known.version else None


def _old_eventrouter(addon: JsonObject, target: HarvesterVersion) -> bool:
    """Say whether the eventrouter image is too old: compared as text, as the script's sort does."""
    image = eventrouter_image(addon)
    limits = (limit for ranges, limit in _EVENTROUTER if target.within(ranges))
    return any(image and (not limit or image < f"{_EVENTROUTER_IMAGE}:{limit}") for limit in limits)


def _lacks_monitoring_values(addon: JsonObject, target: HarvesterVersion) -> bool:
    return target.within(">=1.7.0") is True and not _has_monitoring_values(addon)


def _has_monitoring_values(addon: JsonObject) -> bool:
    values = parse_yaml(text_at(addon, "spec.valuesContent"), f"valuesContent of Addon {name_of(addon)}")
    found = values if isinstance(values, dict) else {}
    wanted = (("rancherMonitoring", "enabled"), ("kube-state-metrics", "metricLabelsAllowlist"))
    return all(mapping_at(found, top).get(key) is not None for top, key in wanted)


def eventrouter_image(addon: JsonObject) -> str:
    """Return eventTailer.workloadOverrides.containers[0].image of the values, empty when it is not set."""
    values = parse_yaml(text_at(addon, "spec.valuesContent"), f"valuesContent of Addon {name_of(addon)}")
    if not isinstance(values, dict):
        return ""
    containers = maps_at(mapping_at(values, "eventTailer"), "workloadOverrides.containers")
    return text_at(containers[0], "image") if containers else ""


PATCHED_VALUES = (
    "eventTailer.workloadOverrides.containers.image",
    "rancherMonitoring.enabled",
    "kube-state-metrics.metricLabelsAllowlist",
)
"""What of an Addon's Helm values decides whether the scripts patch it."""

_EVENTROUTER_IMAGE = "rancher/harvester-eventrouter"
_EVENTROUTER = (
    ("=1.4.0", "v0.3.2"),
    (">=1.4.1 <1.5.0", "v0.3.3"),
    (">=1.5.0 <1.5.1", "v1.5.0-dev.0"),
    (">=1.5.1 <1.6.0", "v1.5.1"),
    (">=1.6.0", ""),
)
"""(range of TO, patched when the image sorts before this tag; empty: whenever the key is there)."""

_VALUES: dict[str, Callable[[JsonObject, HarvesterVersion], bool]] = {
    "rancher-logging": _old_eventrouter,
    "rancher-monitoring": _lacks_monitoring_values,
}
"""Addons that the scripts also patch for what stands in their values."""
