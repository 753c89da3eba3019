"""Links into the documentation of Harvester, which has a folder for each minor version and keeps the pages of the older.

Rule: versioned_docs of harvester/docs, v1.4 to v1.8 and the next: a page about upgrading to a version is there from that
minor version on; these others are there in each of them.
"""

from __future__ import annotations

import re

from preflight.values.versions import HarvesterVersion

OLDEST, NEWEST = (1, 4), (1, 9)
"""The minor versions whose documentation was looked at."""
IN_EACH = frozenset(
    {
        "upgrade",
        "upgrade/index",
        "upgrade/troubleshooting",
        "advanced/index",
        "advanced/addons",
        "advanced/storagenetwork",
    }
)
_LINK = re.compile(r"https://docs\.harvesterhci\.io/v\d+\.\d+/(?P<page>[^#?]*)(?P<rest>.*)")
_UPGRADE = re.compile(r"upgrade/v\d+-\d+-\w+-to-v(?P<major>\d+)-(?P<minor>\d+)-\w+")


def docs_of(link: str, version: HarvesterVersion | None) -> str:
    """Return the same page in the documentation of a version; the link as it is where that may not have the page."""
    match = _LINK.fullmatch(link)
    if match is None or version is None or version.semantic is None:
        return link
    series, page = (version.semantic.major, version.semantic.minor), match["page"].rstrip("/")
    if not OLDEST <= series <= NEWEST:
        return link
    about = _UPGRADE.fullmatch(page)
    if page in IN_EACH or (about and series >= (int(about["major"]), int(about["minor"]))):
        return f"https://docs.harvesterhci.io/v{series[0]}.{series[1]}/{match['page']}{match['rest']}"
    return link
