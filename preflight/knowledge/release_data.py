"""Check a document of releases, and merge one that was given into what ships: it may add and tighten only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from preflight.knowledge.documents import Document, check_ranges
from preflight.knowledge.entries import TEXTS, is_release_name, release_from, releases_from
from preflight.releases import Release
from preflight.values.versions import parse_version, range_covers

FREE = ("better",)
"""What a given entry may say otherwise: it weakens nothing."""


def check_releases(document: Document, *, partial: bool = False) -> None:
    """Check the entries of a document; a partial one may be like a release that is not in it.

    Raises ConfigError for one that means nothing.
    """
    entries = document.content["releases"]
    for name, entry in entries.items():
        where = ("releases", name)
        if not is_release_name(name):
            raise document.wrong(where, "is no version: write it with its leading v, such as v1.9.1")
        check_ranges(document, (*where, "documented"), str(entry.get("documented") or ""))
        minimum = entry.get("minimum")
        if minimum and not parse_version(minimum) < parse_version(name):
            raise document.wrong((*where, "minimum"), f"{minimum} is not older than {name}")
    if partial:
        return
    try:
        releases_from(entries)
    except ValueError as error:
        raise document.wrong(("releases",), str(error)) from None


def add_releases(known: dict[str, Release], document: Document) -> None:
    """Add the entries of a given document. Raises ConfigError for one that would weaken a known one."""
    given = {**{name: None for name in known}, **document.content["releases"]}
    for name, entry in document.content["releases"].items():
        like = entry.get("like")
        if like and like not in given:
            raise document.wrong(("releases", name, "like"), f"{like} is no release that is known")
        if name in known and not like:
            _refuse_weaker(document, known[name], entry)
            known[name] = _merged(known[name], entry)
        elif name in known:
            raise document.wrong(("releases", name, "like"), f"{name} has data of its own: say what is to be added")
        else:
            base = known.get(like)
            known[name] = _based(base, name, entry) if base else release_from(name, entry, str(like or ""))


def _based(base: Release, name: str, entry: dict[str, Any]) -> Release:
    return _merged(replace(base, name=name, inherited=base.inherited or base.name), entry)


def _merged(base: Release, entry: dict[str, Any]) -> Release:
    new = release_from(base.name, entry)
    said = {key: getattr(new, key) for key in TEXTS if entry.get(key)}
    addons = {**base.addons, **{key: addon for key, addon in new.addons.items() if key not in base.addons}}
    charts = tuple(dict.fromkeys((*base.managed_charts, *new.managed_charts)))
    sized = replace(
        base,
        addons=addons,
        managed_charts=charts,
        image_gib=max(base.image_gib, new.image_gib),
        working_gib=max(base.working_gib, new.working_gib),
    )
    return replace(sized, **said)


def _refuse_weaker(document: Document, known: Release, entry: dict[str, Any]) -> None:
    """Refuse what would say less than what ships: this is no place to waive anything."""
    where = ("releases", known.name)
    minimum = entry.get("minimum")
    if minimum and known.minimum and parse_version(minimum) < parse_version(known.minimum):
        raise document.wrong(
            (*where, "minimum"), f"{minimum} is older than {known.minimum}, which ships: it may only be raised"
        )
    documented = entry.get("documented")
    if documented and known.documented and not range_covers(known.documented, documented):
        raise document.wrong(
            (*where, "documented"), f"{documented!r} holds versions that {known.documented!r}, which ships, does not"
        )
    for key in set(TEXTS) - {"minimum", "documented", *FREE}:
        if entry.get(key) and getattr(known, key) and entry[key] != getattr(known, key):
            raise document.wrong(
                (*where, key), f"{entry[key]} contradicts {getattr(known, key)}, which ships: leave it out"
            )
