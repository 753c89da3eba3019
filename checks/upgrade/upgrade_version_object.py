"""An Upgrade that names a version needs its Version object; one made from an uploaded ISO needs a usable image.

Rule: validator.go Create (v1.4.0 to v1.9.0-rc6): spec.version without spec.image must name a Version in
harvester-system, else 400; with spec.image no Version is needed. The Version webhook refuses an isoChecksum that is not
128 lower-case hex digits. The hourly syncer deletes a Version without isoURL or isoChecksum while the upgrade checker is
on. An image serves where it is in harvester-system, and from 1.7.0 on made by backend cdi with annotation
os-upgrade-image=True: see _images.py. Which version an image holds is not in the API: only its display name may say.
Edges: the docs have administrators name a Version of their own v1.5.0-customized. On 1.5.0 exactly, spec.image makes the
certificate rule of the webhook crash on the Version that is then missing. From 1.7 on the server asks for the ISO's size
by HTTP HEAD: a web server that refuses HEAD never serves the image. An UpgradePlan names a Version of its own kind
(management.harvesterhci.io), which needs no namespace and has no checker. A gate of the commit that brings the Version
itself (--expect-version) cannot ask for it: that would keep the Version out for ever. One that is there is still judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    INFO,
    Certainty,
    Code,
    Enforcer,
    Finding,
    Outcome,
    ResourceRef,
    Unknown,
    Via,
    View,
    check,
    kubectl,
    lies_in,
    name_of,
    need,
    refused,
    stands_for,
    unknown,
)

from ._images import FIELDS, IMAGES, MARK, judge_images
from ._settings import SETTINGS
from ._version_objects import judge_version

VERSIONS, PLAN_VERSIONS = "versions.harvesterhci.io", "versions.management.harvesterhci.io"
OF_AN_UPGRADE = ("harvesterhci.io/v1beta1", "Version", "harvester-system")
OF_A_PLAN = ("management.harvesterhci.io/v1beta1", "Version", "")
APPLY = kubectl("apply -n harvester-system -f version.yaml", why="the release's version.yaml")


@check(
    id="upgrade-version-object",
    title="The Version object of the target is there and usable",
    category="upgrade",
    needs=(
        need(VERSIONS, "spec.isoURL", "spec.isoChecksum", "spec.releaseDate", "spec.tags"),
        need(PLAN_VERSIONS, "spec.isoURL", "spec.isoChecksum", optional=True),
        need(
            SETTINGS,
            "value",
            "default",
            values=(
                "upgrade-checker-enabled",
                "upgrade-checker-url",
            ),
            optional=True,
        ),
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
        "version-expected": "No Version of the target's name exists yet, and --expect-version says that it is about to be "
        "made: create the Upgrade after it.",
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
    versions = view.objects(PLAN_VERSIONS if view.upgrade.via is Via.UPGRADE_PLAN else VERSIONS)
    found = [obj for obj in versions if stands_for(name_of(obj), target)]
    if not found and view.upgrade.version_expected:
        yield _expected(view, target.raw)
    elif not found:
        yield from _without_version(view, target.raw)
    for version in found:
        yield from judge_version(view, version)
    if lies_in(view.upgrade.from_version, "=1.5.0"):
        yield Finding(
            severity=INFO,
            cause="image-only-upgrade-panics",
            message="The webhook of v1.5.0 crashes when an Upgrade is created with spec.image set",
            hint="Create the Upgrade with spec.version alone, not from an uploaded ISO",
            commands=(kubectl("get versions.harvesterhci.io -n harvester-system"),),
            resource=ResourceRef(*OF_AN_UPGRADE, target.raw),
            enforced_by=(Enforcer.WEBHOOK,),
            consequence=refused("Made with spec.image, the Upgrade may be refused by a crash", Certainty.POSSIBLE),
        )


def _without_version(view: View, target: str) -> Iterator[Outcome]:
    """Judge the other way to upgrade, from an image, which 1.5.0 alone cannot go."""
    if lies_in(view.upgrade.from_version, "=1.5.0"):
        yield _missing(view, target)
    elif missing := view.missing(IMAGES):
        yield Unknown(missing.noting(f"there is no Version {target}; whether an upgrade image takes its place"))
    else:
        yield from list(judge_images(view, target)) or [_missing(view, target)]


def _creates(view: View) -> tuple[tuple[str, str, str], str]:
    """Return where the Version belongs, and what is created with it."""
    by_plan = view.upgrade.via is Via.UPGRADE_PLAN
    return (OF_A_PLAN, "UpgradePlan") if by_plan else (OF_AN_UPGRADE, "Upgrade")


def _expected(view: View, target: str) -> Finding:
    kind, creates = _creates(view)
    return Finding(
        severity=INFO,
        cause="version-expected",
        message=f"There is no Version object {target} yet; it is expected after this check (--expect-version)",
        hint=f"Create it before the {creates}; its address and checksum have not been looked at",
        resource=ResourceRef(*kind, target),
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused(f"Without it the server may refuse the {creates} that comes next", Certainty.POSSIBLE),
    )


def _missing(view: View, target: str) -> Finding:
    kind, creates = _creates(view)
    return Finding(
        severity=FAIL,
        cause="version-missing",
        message=f"There is neither a Version object {target} for an {creates} nor an upgrade image in harvester-system",
        hint="Create it from the release's version.yaml, or upgrade from an ISO uploaded in the UI, which needs none",
        commands=(APPLY,),
        resource=ResourceRef(*kind, target),
        enforced_by=(Enforcer.WEBHOOK,),
        consequence=refused(f"The server refuses an {creates} with spec.version {target}"),
    )
