"""Definitions of Longhorn that still count the old version v1beta1 among what is stored.

Rule: Longhorn 1.10 and later (Harvester 1.7) serve v1beta2 alone, and an API server refuses a definition that lacks a
version which status.storedVersions names. migrate_longhorn_v1beta1_crds of upgrade_manifests.sh (targets v1.7.0 to
v1.7.3) clears that, but only from a running version of the form v1.6.N: it patches every object of each definition
labelled app.kubernetes.io/name=longhorn under `bash -e`, then the definition. Running 1.7 or later nothing does.
Edges: an object that is being deleted may refuse the patch or be gone when its turn comes: that ends the script. Such
definitions come from clusters first installed as 1.0 (Longhorn 1.2). A release candidate of 1.6 is not migrated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.api import (
    FAIL,
    INFO,
    Certainty,
    Code,
    Command,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    View,
    check,
    fails,
    hangs,
    harmless,
    judged,
    kubectl,
    labels_of,
    name_of,
    need,
    ref_of,
    text_at,
    texts_at,
    unknown,
)

CRDS, OLD = "customresourcedefinitions.apiextensions.k8s.io", "v1beta1"
SUFFIX = ".longhorn.io"
MIGRATED_FROM = re.compile(r"v?1\.6\.[0-9]")
KINDS = (
    "backingimagedatasources",
    "backingimagemanagers",
    "backingimages",
    "backups",
    "backuptargets",
    "backupvolumes",
    "engineimages",
    "engines",
    "instancemanagers",
    "nodes",
    "recurringjobs",
    "replicas",
    "settings",
    "sharemanagers",
    "volumes",
)
"""Those that had a v1beta1."""
REFUSED = hangs(
    Phase.SYSTEM_SERVICES,
    "The API server refuses Longhorn's new definition, the chart is never Ready, and the script waits for it without limit "
    "(inferred from the rules of the API server)",
    Certainty.LIKELY,
)
ENDS = fails(
    Phase.SYSTEM_SERVICES,
    "The script patches each of its objects and ends at the first that refuses (that one being deleted does is inferred)",
    Certainty.LIKELY,
)
MIGRATED = harmless("The script of the upgrade moves its objects to v1beta2 by itself")


@check(
    id="longhorn-stored-version",
    title="Longhorn's definitions store nothing of an old version",
    category="longhorn",
    needs=(
        need(CRDS, "status.storedVersions"),
        *(need(f"{kind}{SUFFIX}") for kind in KINDS),
    ),
    from_versions=">=1.6.0",
    to_versions=">=1.7.0",
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="Longhorn 1.10 drops the version, and a definition cannot lose a version that objects are stored in.",
    how="The cluster was first installed with Longhorn 1.2, and its objects were never written again as v1beta2.",
    fix="Write every object of the definition again (any annotation does), then set status.storedVersions of the definition "
    "to v1beta2.",
    links=("https://longhorn.io/docs/1.10.0/important-notes/#upgrade",),
    causes={
        "stored-v1beta1": "The definition names v1beta1 among its stored versions: have its objects written anew, then take "
        "it out.",
    },
)
def longhorn_stored_version(view: View) -> Iterator[Outcome]:
    """Yield a finding for every definition of Longhorn that still stores v1beta1."""
    ours = tuple(crd for crd in view.some(CRDS) if ref_of(crd).name.endswith(SUFFIX))
    if not ours:
        yield unknown(Code.INCOMPLETE, "not one definition of Longhorn was read")
    running = view.upgrade.from_version
    migrates = running is not None and MIGRATED_FROM.fullmatch(running.raw) is not None
    yield from judged(ours, lambda crd: _judge(crd, migrates, view))


def _judge(crd: JsonObject, migrates: bool, view: View) -> Iterator[Outcome]:
    name, stored = name_of(crd), texts_at(crd, "status.storedVersions")
    if not stored:
        yield unknown(Code.UNPARSABLE, f"CustomResourceDefinition {name} has no status.storedVersions")
    if OLD not in stored:
        return
    moves = migrates and text_at(labels_of(crd), "[app.kubernetes.io/name]") == "longhorn"
    leaving: list[str] = []
    if moves:
        known = name.removesuffix(SUFFIX) in KINDS
        if not known:
            yield unknown(Code.ERROR, f"whether objects of {name} are being deleted is not looked at")
        objects = view.read(name) if known else ()
        leaving = [name_of(item) for item in objects if text_at(item, "metadata.deletionTimestamp")]
    fine = moves and not leaving
    yield Finding(
        severity=INFO if fine else FAIL,
        cause="stored-v1beta1",
        message=f"CustomResourceDefinition {name} stores {', '.join(stored)}"
        + (f", and {len(leaving)} of its objects are being deleted: {', '.join(leaving[:3])}" if leaving else ""),
        hint="See that nothing of it is being deleted before the upgrade"
        if moves
        else "Have its objects written anew, then take v1beta1 out of its status",
        commands=_commands(name, moves),
        resource=ref_of(crd),
        evidence={"storedVersions": stored, "beingDeleted": leaving},
        enforced_by=(Enforcer.NONE,) if fine else (Enforcer.SCRIPTS,),
        consequence=MIGRATED if fine else ENDS if moves else REFUSED,
    )


def _commands(name: str, moves: bool) -> tuple[Command, ...]:
    if moves:
        return (kubectl("get {} -n longhorn-system", name),)
    return (
        kubectl("annotate {} --all -n longhorn-system migrated-to-v1beta2=true --overwrite", name),
        kubectl(
            "patch crd {} --subresource=status --type merge -p {}", name, '{"status":{"storedVersions":["v1beta2"]}}'
        ),
    )
