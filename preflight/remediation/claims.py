"""Which claims (PVCs) go with what is deleted: data that nobody named and that no undo brings back.

Rule: the StatefulSet controller deletes the claims of a StatefulSet whose retention policy says `whenDeleted: Delete`
(it owns them then); helm deletes what its chart created by itself (annotation meta.helm.sh/release-name), claims too,
unless annotation helm.sh/resource-policy says `keep`; garbage collection deletes what the deleted object owns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.fields import annotations_of, maps_at, name_of, text_at
from preflight.inventory import JsonObject
from preflight.remediation.case import Case
from preflight.remediation.plan import Refused

CLAIMS, STATEFUL_SETS = "persistentvolumeclaims", "statefulsets.apps"


def claims_that_go(case: Case, deleted: Sequence[JsonObject]) -> dict[str, str]:
    """Return claim → why it goes. Raises Refused where that could not be looked at and something may take claims along."""
    kinds = {str(obj.get("kind")) for obj in deleted}
    if not kinds & {"HelmChart", "StatefulSet"}:
        return {}
    for resource in (CLAIMS, STATEFUL_SETS):
        if why := case.missing(resource):
            raise Refused(f"whether claims (PVCs), that is data, would go with it cannot be told: {why}")
    found: dict[str, str] = {}
    uids = {text_at(obj, "metadata.uid") for obj in deleted}
    for claim in case.objects(CLAIMS):
        owner = next((one for one in maps_at(claim, "metadata.ownerReferences") if one.get("uid") in uids), None)
        if owner is not None:
            found[name_of(claim)] = f"{owner.get('kind')} {owner.get('name')} owns it"
        elif "HelmChart" in kinds and _of_the_chart(case, claim):
            found[name_of(claim)] = "it is part of the chart, and helm deletes it"
        elif by := next((name for name, stem in _takers(case) if _numbered(name_of(claim), stem)), ""):
            found[name_of(claim)] = f"StatefulSet {by} says whenDeleted: Delete"
    return found


def _of_the_chart(case: Case, claim: JsonObject) -> bool:
    notes = annotations_of(claim)
    kept = text_at(notes, "[helm.sh/resource-policy]") == "keep"
    return text_at(notes, "[meta.helm.sh/release-name]") == case.name and not kept


def _takers(case: Case) -> Iterator[tuple[str, str]]:
    """Yield (StatefulSet, how the names of its claims begin) for those of the Addon that take their claims along."""
    for one in case.of_the_addon(STATEFUL_SETS):
        if text_at(one, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") == "Delete":
            for template in maps_at(one, "spec.volumeClaimTemplates"):
                yield name_of(one), f"{text_at(template, 'metadata.name')}-{name_of(one)}-"


def _numbered(name: str, stem: str) -> bool:
    return name.startswith(stem) and name.removeprefix(stem).isdecimal()
