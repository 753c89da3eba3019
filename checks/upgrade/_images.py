"""Which uploaded image an Upgrade can be made from (spec.image), where the target has no Version object.

Rule: image_controller.go OnChanged and upgrade_repo.go CreateDeployment (v1.7.0 to v1.9.0-rc6): only an image in
harvester-system is looked at, and the repository mounts the claim named like it. From 1.7.0 on that works with backend
cdi and annotation harvesterhci.io/os-upgrade-image "True" only, which make the claim a shared filesystem; before, the
annotation is not known and any ISO there may be meant. Condition Imported must be True. What else there is never gets
RepoReady True, and nothing ends that wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    INFO,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    annotations_of,
    condition_status,
    hangs,
    harmless,
    kubectl,
    labels_of,
    lies_in,
    name_of,
    namespace_of,
    parse_version,
    ref_of,
    text_at,
    unknown,
)

IMAGES = "virtualmachineimages.harvesterhci.io"
MARK = "harvesterhci.io/os-upgrade-image"
FIELDS = ("spec.displayName", "spec.backend", "status.conditions")
SYSTEM = "harvester-system"
OWNED = "harvesterhci.io/upgrade"
"""Label of an image that an Upgrade made for itself, and removes."""
_RELEASE = re.compile(r"v?\d+\.\d+\.\d+(?:-rc\d+)?")


class _Fault(NamedTuple):
    """Why an image cannot serve."""

    text: str
    passes: bool = False
    """Whether it goes away by itself: the image is still being loaded."""


def judge_images(view: View, target: str) -> Iterator[Outcome]:
    """Yield a note for each image that serves; where none does, a failure for each that was meant to."""
    since_1_7 = lies_in(view.upgrade.from_version, ">=1.7.0") is not False
    meant = [image for image in view.objects(IMAGES) if _is_meant(image, since_1_7)]
    good = [image for image in meant if not _fault(image, since_1_7)]
    for image in good:
        yield from _serves(image, target)
    if not good:
        yield from (_unusable(image, found) for image in meant if (found := _fault(image, since_1_7)))


def _is_meant(image: JsonObject, since_1_7: bool) -> bool:
    if text_at(labels_of(image), f"[{OWNED}]"):
        return False
    if since_1_7:
        return text_at(annotations_of(image), f"[{MARK}]") == "True"
    return namespace_of(image) == SYSTEM and text_at(image, "spec.displayName").lower().endswith(".iso")


def _fault(image: JsonObject, since_1_7: bool) -> _Fault | None:
    if namespace_of(image) != SYSTEM:
        return _Fault(f"is in namespace {namespace_of(image)}, and only {SYSTEM} counts")
    backend = text_at(image, "spec.backend")
    if since_1_7 and backend != "cdi":
        return _Fault(f"has backend {backend or 'none'}, and only cdi makes it a volume that several pods can mount")
    imported = condition_status(image, "Imported")
    if imported == "True":
        return None
    return _Fault(f"is not imported (condition Imported is {imported or 'absent'})", passes=imported != "False")


def _serves(image: JsonObject, target: str) -> Iterator[Outcome]:
    name, shown = f"{SYSTEM}/{name_of(image)}", text_at(image, "spec.displayName")
    yield Finding(
        severity=INFO,
        cause="upgrade-by-image",
        message=f"There is no Version {target}; the upgrade is to be made from image {name} ({shown or 'no name shown'})",
        hint=f"Create the Upgrade with spec.image {name}, as the UI does for an uploaded ISO",
        commands=(kubectl("get {} {} -n {} -o yaml", IMAGES, name_of(image), SYSTEM),),
        resource=ref_of(image),
        evidence={"image": name, "displayName": shown or None},
        enforced_by=(Enforcer.NONE,),
        consequence=harmless("An Upgrade made with spec.image needs no Version"),
    )
    named = {parse_version(found).semantic for found in _RELEASE.findall(shown)}
    if parse_version(target).semantic not in named:
        yield unknown(
            Code.ERROR,
            f"whether image {name} holds {target} cannot be told: the API does not say, and it is called {shown!r}",
            cure="name the version in the display name of the image",
        )


def _unusable(image: JsonObject, fault: _Fault) -> Finding:
    return Finding(
        severity=FAIL,
        cause="image-unusable",
        message=f"There is no Version object, and upgrade image {namespace_of(image)}/{name_of(image)} {fault.text}",
        hint="Wait until the image is imported"
        if fault.passes
        else "Upload the ISO anew as the upgrade image in the UI",
        commands=(kubectl("get {} {} -n {} -o yaml", IMAGES, name_of(image), namespace_of(image)),),
        resource=ref_of(image),
        evidence={"backend": text_at(image, "spec.backend") or None, "imported": condition_status(image, "Imported")},
        transient=fault.passes,
        enforced_by=(Enforcer.SCRIPTS,),
        consequence=hangs(Phase.IMAGE, "The repository never gets ready, and the Upgrade waits for it without a limit"),
    )
