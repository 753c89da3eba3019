"""What the reader of a report should know about the knowledge it was made with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.inventory import Inventory
from preflight.model import UpgradePair
from preflight.releases import Knowledge
from preflight.values.versions import parse_version

VERSIONS = "versions.harvesterhci.io"
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")


def notes_on(knowledge: Knowledge, pair: UpgradePair, inventory: Inventory) -> Iterator[str]:
    """Yield a sentence for each version whose data are another's, and where the target is newer than the knowledge."""
    for version in (pair.from_version, pair.to_version):
        release = knowledge.release(version)
        if release and release.inherited:
            yield (
                f"The knowledge of {knowledge.date} has no data of {version} itself: those of {release.inherited} are "
                "used; --knowledge FILE adds newer ones"
            )
    released = _release_date(pair, inventory)
    if knowledge.date and released > knowledge.date:
        yield (
            f"The knowledge is of {knowledge.date}, older than {pair.to_version} ({released}): what was found out "
            "since then is not in it; --knowledge FILE adds it"
        )


def _release_date(pair: UpgradePair, inventory: Inventory) -> str:
    """Return the day of the target's Version object, empty when there is none or it names none."""
    if pair.to_version is None:
        return ""
    for version in inventory.get(VERSIONS).objects:
        metadata, spec = version.get("metadata"), version.get("spec")
        if isinstance(metadata, dict) and isinstance(spec, dict) and str(metadata.get("name") or "").strip():
            named = parse_version(str(metadata["name"]))
            date = spec.get("releaseDate")
            if named.semantic == pair.to_version.semantic and isinstance(date, str):
                found = _DAY.match(date)
                return "-".join(found.groups()) if found else ""
    return ""
