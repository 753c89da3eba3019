"""An Upgrade that names a version needs the Version object of that name, with a usable ISO address.

Rule: validator.go Create (v1.4.0 to v1.9.0-rc6): spec.version without spec.image must name a Version in
harvester-system, else 400. The Version webhook refuses an isoChecksum that is not 128 lower-case hex digits. The
hourly syncer deletes a Version without isoURL or isoChecksum while the upgrade checker is on.
Edges: the docs have administrators name a Version of their own v1.5.0-customized. An Upgrade made from an uploaded ISO
(spec.image) needs no Version; on 1.5.0 exactly, spec.image makes the certificate rule of the webhook crash on the
Version that is then missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    ResourceRef,
    Unknown,
    View,
    check,
    effective_value,
    lies_in,
    name_of,
    need,
    ref_of,
    stands_for,
    text_at,
    unknown,
)

SHA512 = re.compile(r"[0-9a-f]{128}")
VERSIONS, SETTINGS = "versions.harvesterhci.io", "settings.harvesterhci.io"
APPLY = "kubectl apply -n harvester-system -f version.yaml"


@check(
    id="upgrade-version-object",
    title="The Version object of the target is there and usable",
    category="upgrade",
    needs=(
        need(VERSIONS, "spec.isoURL", "spec.isoChecksum", "spec.releaseDate", "spec.tags"),
        need(SETTINGS, "value", "default", optional=True),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The server refuses an Upgrade whose spec.version names no Version; without a right address and checksum the "
    "ISO never becomes an image and the upgrade fails later.",
    how="Air-gapped clusters get none by themselves; on others the hourly syncer deletes those it finds unusable.",
    fix="Create the Version in harvester-system from the release's version.yaml, with isoURL and isoChecksum set.",
    causes={
        "version-missing": "No Version of the target's name exists: create it, or upgrade from an uploaded ISO.",
        "iso-url-missing": "The Version says nowhere to download the ISO from: set spec.isoURL.",
        "iso-checksum-invalid": "spec.isoChecksum is no SHA-512 in lower-case hex: take it from the release page.",
        "version-may-be-deleted": "The upgrade checker is on and deletes a Version without isoURL or isoChecksum "
        "within the hour: set both.",
        "image-only-upgrade-panics": "v1.5.0 crashes its admission webhook on an Upgrade with spec.image set: use "
        "spec.version alone, or the annotation harvesterhci.io/skipWebhook.",
    },
)
def upgrade_version_object(view: View) -> Iterator[Outcome]:
    """Yield what is wrong with the Version object of the target."""
    target = view.upgrade.to_version
    if target is None:
        yield unknown(Code.ERROR, "the target version is not known, so its Version object cannot be looked for")
        return
    found = [obj for obj in view.objects(VERSIONS) if stands_for(name_of(obj), target)]
    if not found:
        yield _missing(target.raw)
    for version in found:
        yield from _judge(view, version)
    if lies_in(view.upgrade.from_version, "=1.5.0"):
        yield Finding(
            severity=INFO,
            cause="image-only-upgrade-panics",
            message="The webhook of v1.5.0 crashes when an Upgrade is created with spec.image set",
            hint="Create the Upgrade with spec.version alone, not from an uploaded ISO",
            resource=ResourceRef("harvesterhci.io/v1beta1", "Version", "harvester-system", target.raw),
            enforced_by=(Enforcer.WEBHOOK,),
        )


def _missing(target: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause="version-missing",
        message=f"There is no Version object {target} in harvester-system, so an Upgrade to it is refused",
        hint="Create it from the release's version.yaml, or upgrade from an ISO uploaded in the UI, which needs none\n"
        + APPLY,
        resource=ResourceRef("harvesterhci.io/v1beta1", "Version", "harvester-system", target),
        enforced_by=(Enforcer.WEBHOOK,),
    )


def _judge(view: View, version: JsonObject) -> Iterator[Outcome]:
    url, checksum = text_at(version, "spec.isoURL"), text_at(version, "spec.isoChecksum")
    edit = f"kubectl edit versions.harvesterhci.io {name_of(version)} -n harvester-system"
    problems = []
    if not url:
        problems.append((FAIL, "iso-url-missing", "has no spec.isoURL, so there is nothing to download"))
    if checksum and not SHA512.fullmatch(checksum):
        problems.append(
            (FAIL, "iso-checksum-invalid", f"has a spec.isoChecksum of {len(checksum)} characters that is no SHA-512")
        )
    if not (url and checksum) and (missing := view.missing(SETTINGS)):
        yield Unknown(missing)
    elif not (url and checksum) and _checker_is_on(view):
        empty = " and ".join(name for name, value in (("isoURL", url), ("isoChecksum", checksum)) if not value)
        problems.append((WARN, "version-may-be-deleted", f"has no {empty}, and the upgrade checker deletes such ones"))
    for severity, cause, text in problems:
        yield Finding(
            severity=severity,
            cause=cause,
            message=f"Version {name_of(version)} {text}",
            hint=f"Set spec.isoURL and spec.isoChecksum (SHA-512, 128 lower-case hex digits)\n{edit}",
            resource=ref_of(version),
            evidence={"isoURL": url or None, "isoChecksum": checksum or None},
            enforced_by=(Enforcer.SCRIPTS,) if severity is FAIL else (Enforcer.NONE,),
        )


def _checker_is_on(view: View) -> bool:
    enabled, url = view.find(SETTINGS, "upgrade-checker-enabled"), view.find(SETTINGS, "upgrade-checker-url")
    return bool(enabled and url and effective_value(enabled) == "true" and effective_value(url))
