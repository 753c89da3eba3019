"""An Upgrade that names a version needs its Version object; one made from an uploaded ISO needs a usable image.

Rule: validator.go Create (v1.4.0 to v1.9.0-rc6): spec.version without spec.image must name a Version in
harvester-system, else 400; with spec.image no Version is needed. The Version webhook refuses an isoChecksum that is not
128 lower-case hex digits. The hourly syncer deletes a Version without isoURL or isoChecksum while the upgrade checker is
on. An image serves where it is in harvester-system, and from 1.7.0 on made by backend cdi with annotation
os-upgrade-image=True: see _images.py. Which version an image holds is not in the API: only its display name may say.
Edges: the docs have administrators name a Version of their own v1.5.0-customized. On 1.5.0 exactly, spec.image makes the
certificate rule of the webhook crash on the Version that is then missing. From 1.7 on the server asks for the ISO's size
by HTTP HEAD: a web server that refuses HEAD never serves the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    INFO,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    Unknown,
    View,
    check,
    effective_value,
    fails,
    kubectl,
    lies_in,
    name_of,
    need,
    ref_of,
    refused,
    stands_for,
    text_at,
    unknown,
)

from ._images import FIELDS, IMAGES, MARK, judge_images

SHA512 = re.compile(r"[0-9a-f]{128}")
VERSIONS, SETTINGS = "versions.harvesterhci.io", "settings.harvesterhci.io"
APPLY = kubectl("apply -n harvester-system -f version.yaml", why="the release's version.yaml")


@check(
    id="upgrade-version-object",
    title="The Version object of the target is there and usable",
    category="upgrade",
    needs=(
        need(VERSIONS, "spec.isoURL", "spec.isoChecksum", "spec.releaseDate", "spec.tags"),
        need(SETTINGS, "value", "default", optional=True),
        need(IMAGES, *FIELDS, f"metadata.annotations[{MARK}]", optional=True, namespaces=("harvester-system",)),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="The server refuses an Upgrade whose spec.version names no Version; without a right address and checksum the "
    "ISO never becomes an image and the upgrade fails later.",
    how="Air-gapped clusters get none by themselves; on others the hourly syncer deletes those it finds unusable.",
    fix="Create the Version in harvester-system from the release's version.yaml, with isoURL and isoChecksum set, or "
    "upload the ISO as the upgrade image. From 1.7 on the web server of the ISO must answer HEAD requests.",
    causes={
        "version-missing": "No Version of the target's name exists: create it, or upgrade from an uploaded ISO.",
        "upgrade-by-image": "There is no Version, but an uploaded upgrade image: create the Upgrade with spec.image.",
        "image-unusable": "There is no Version, and the uploaded image cannot serve as the repository: upload it anew.",
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
        yield from _without_version(view, target.raw)
    for version in found:
        yield from _judge(view, version)
    if lies_in(view.upgrade.from_version, "=1.5.0"):
        yield Finding(
            severity=INFO,
            cause="image-only-upgrade-panics",
            message="The webhook of v1.5.0 crashes when an Upgrade is created with spec.image set",
            hint="Create the Upgrade with spec.version alone, not from an uploaded ISO",
            commands=(kubectl("get versions.harvesterhci.io -n harvester-system"),),
            resource=ResourceRef("harvesterhci.io/v1beta1", "Version", "harvester-system", target.raw),
            enforced_by=(Enforcer.WEBHOOK,),
            consequence=refused("Made with spec.image, the Upgrade may be refused by a crash", Certainty.POSSIBLE),
        )


def _without_version(view: View, target: str) -> Iterator[Outcome]:
    """Judge the other way to upgrade, from an image, which 1.5.0 alone cannot go."""
    if lies_in(view.upgrade.from_version, "=1.5.0"):
        yield _missing(target)
    elif missing := view.missing(IMAGES):
        yield Unknown(missing.noting(f"there is no Version {target}; whether an upgrade image takes its place"))
    else:
        yield from list(judge_images(view, target)) or [_missing(target)]


def _missing(target: str) -> Finding:
    return Finding(
        severity=FAIL,
        cause="version-missing",
        message=f"There is neither a Version object {target} nor an upgrade image in harvester-system",
        hint="Create it from the release's version.yaml, or upgrade from an ISO uploaded in the UI, which needs none",
        commands=(APPLY,),
        resource=ResourceRef("harvesterhci.io/v1beta1", "Version", "harvester-system", target),
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused(f"The server refuses an Upgrade with spec.version {target}"),
    )


def _judge(view: View, version: JsonObject) -> Iterator[Outcome]:
    url, checksum = text_at(version, "spec.isoURL"), text_at(version, "spec.isoChecksum")
    if not url:
        yield _faulty(version, "iso-url-missing", "has no spec.isoURL, so there is nothing to download")
    if checksum and not SHA512.fullmatch(checksum):
        yield _faulty(
            version, "iso-checksum-invalid", f"has a spec.isoChecksum of {len(checksum)} characters that is no SHA-512"
        )
    if url and checksum:
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
        commands=(kubectl("edit versions.harvesterhci.io {} -n harvester-system", name_of(version)),),
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


def _checker_is_on(view: View) -> bool:
    enabled, url = view.find(SETTINGS, "upgrade-checker-enabled"), view.find(SETTINGS, "upgrade-checker-url")
    return bool(enabled and url and effective_value(enabled) == "true" and effective_value(url))
