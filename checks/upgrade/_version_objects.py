"""Whether a Version object leads to an image: its address, its checksum, and the upgrade checker that deletes some.

Rule: the Version webhook refuses an isoChecksum that is not 128 lower-case hex digits; version_syncer.go deletes, hourly
and while the checker is on, a Version without isoURL or isoChecksum (v1.4.0 to v1.9.0-rc6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Command,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Unknown,
    Via,
    View,
    effective_value,
    fails,
    kubectl,
    name_of,
    namespace_of,
    ref_of,
    refused,
    text_at,
)

from ._settings import SETTINGS

SHA512 = re.compile(r"[0-9a-f]{128}")


def judge_version(view: View, version: JsonObject) -> Iterator[Outcome]:
    """Yield what is wrong with the Version of the target; the check must need SETTINGS (optional)."""
    url, checksum = text_at(version, "spec.isoURL"), text_at(version, "spec.isoChecksum")
    if not url:
        yield _faulty(version, "iso-url-missing", "has no spec.isoURL, so there is nothing to download")
    if checksum and not SHA512.fullmatch(checksum):
        yield _faulty(
            version, "iso-checksum-invalid", f"has a spec.isoChecksum of {len(checksum)} characters that is no SHA-512"
        )
    if (url and checksum) or view.upgrade.via is Via.UPGRADE_PLAN:  # the checker knows the built-in kind only
        return
    if missing := view.missing(SETTINGS):
        yield Unknown(missing)
    elif _checker_is_on(view):
        empty = " and ".join(name for name, value in (("isoURL", url), ("isoChecksum", checksum)) if not value)
        yield _faulty(version, "version-may-be-deleted", f"has no {empty}, and the upgrade checker deletes such ones")


def _faulty(version: JsonObject, cause: str, text: str) -> Finding:
    warning = cause == "version-may-be-deleted"
    return Finding(
        severity=WARN if warning else FAIL,
        cause=cause,
        message=f"Version {name_of(version)} {text}",
        hint="Set spec.isoURL and spec.isoChecksum (SHA-512, 128 lower-case hex digits)",
        commands=(_edit(version),),
        resource=ref_of(version),
        evidence={
            "isoURL": text_at(version, "spec.isoURL") or None,
            "isoChecksum": text_at(version, "spec.isoChecksum") or None,
        },
        enforced_by=(Enforcer.NONE if warning else Enforcer.SCRIPTS,),
        consequence=refused("The Version may be gone when the Upgrade is created", Certainty.POSSIBLE)
        if warning
        else fails(Phase.IMAGE, "The ISO never becomes an image of the cluster"),
    )


def _edit(version: JsonObject) -> Command:
    if namespace_of(version):
        return kubectl("edit versions.harvesterhci.io {} -n {}", name_of(version), namespace_of(version))
    return kubectl("edit versions.management.harvesterhci.io {}", name_of(version))


def _checker_is_on(view: View) -> bool:
    enabled, url = view.find(SETTINGS, "upgrade-checker-enabled"), view.find(SETTINGS, "upgrade-checker-url")
    return bool(enabled and url and effective_value(enabled) == "true" and effective_value(url))
