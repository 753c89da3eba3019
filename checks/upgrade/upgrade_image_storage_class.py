"""The ISO of the new version becomes a Longhorn image: its storage class must exist, and must survive a drain.

Rule: the upgrade controller: from v1.7.1 the image uses class longhorn-static; v1.7.0 makes a class of its own; up to
v1.6 the image copies replicas, disk and node selectors from the default Longhorn class, or built-in values when there
is no default. Nobody checks this. With one replica on a cluster of several nodes the drain of the node that holds it
never ends: Longhorn keeps the disruption budget of an instance manager that runs the last replica, and the repository
keeps its volume attached until the last node is done (inferred from Longhorn 1.11's instance_manager_controller.go).
longhorn-static without numberOfReplicas takes Longhorn's default-replica-count: gate longhorn-drain-settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    View,
    annotations_of,
    check,
    degrades,
    hangs,
    kubectl,
    lies_in,
    name_of,
    need,
    ref_of,
    text_at,
    unknown,
)

CLASSES = "storageclasses.storage.k8s.io"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
PARAMETERS = ("numberOfReplicas", "diskSelector", "nodeSelector")
STATIC = "longhorn-static"
PINNED = hangs(
    Phase.NODE_DRAIN,
    "The drain of the node that holds the only replica of the upgrade's repository is expected never to end; this follows "
    "from Longhorn's rule for disruption budgets and was not tried on a cluster",
    Certainty.LIKELY,
)
NARROW = degrades(
    Phase.IMAGE, "The volume of the repository may find fewer places for its replicas than it needs", Certainty.POSSIBLE
)


@check(
    id="upgrade-image-storage-class",
    title="The storage class of the upgrade image is there and sturdy",
    category="upgrade",
    needs=(
        need(CLASSES, f"metadata.annotations[{IS_DEFAULT}]", "provisioner", *(f"parameters.{p}" for p in PARAMETERS)),
        need("nodes", optional=True),
    ),
    enforced_by=(Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="Without its class the ISO never becomes a ready image; with one replica its volume pins the node that holds it, "
    "and the drain of that node does not end.",
    how="longhorn-static was deleted, or a class with one replica or with selectors was made the default.",
    fix="Restore class longhorn-static (provisioner driver.longhorn.io). Up to 1.6 make harvester-longhorn the "
    "default class for the time of the upgrade.",
    causes={
        "longhorn-static-missing": "From 1.7.1 the ISO image needs this class: restore it.",
        "default-class-fragile": "Up to 1.6 the ISO volume copies the default class: give that class more replicas or "
        "no selectors while the upgrade runs.",
        "static-class-one-replica": "From 1.7.1 the ISO volume has as many replicas as longhorn-static says: one pins "
        "its node. Make the class anew without that parameter, or with more replicas.",
    },
)
def upgrade_image_storage_class(view: View) -> Iterator[Outcome]:
    """Yield a finding when the class is missing or makes the image fragile."""
    running = view.upgrade.from_version
    if lies_in(running, ">=1.7.0") is None:
        yield unknown(
            Code.ERROR, "which class the upgrade image takes depends on the running version, which is no release"
        )
        return
    view.some(CLASSES)
    if lies_in(running, ">=1.7.1"):
        yield from _static(view, view.find(CLASSES, STATIC))
    elif lies_in(running, "<1.7.0"):
        yield from view.each(CLASSES, lambda storage_class: _judge(view, storage_class))


def _static(view: View, storage_class: JsonObject | None) -> Iterator[Outcome]:
    if storage_class is None:
        yield Finding(
            severity=FAIL,
            cause="longhorn-static-missing",
            message=f"StorageClass {STATIC} does not exist, and the upgrade image is made with it",
            hint="Restore the class (provisioner driver.longhorn.io), for example from a backup of it",
            commands=(kubectl("get storageclasses.storage.k8s.io"),),
            resource=ResourceRef("storage.k8s.io/v1", "StorageClass", "", STATIC),
            enforced_by=(Enforcer.SCRIPTS,),
            consequence=hangs(
                Phase.IMAGE, "The image never becomes ready and the Upgrade waits for it without a time limit"
            ),
        )
    elif text_at(storage_class, "parameters.numberOfReplicas") == "1" and _drains(view):
        yield Finding(
            severity=FAIL,
            cause="static-class-one-replica",
            message=f"The upgrade image is made with class {STATIC}, which has numberOfReplicas 1",
            hint="Parameters of a class cannot be changed: save it, take numberOfReplicas out and create it anew",
            commands=(
                kubectl("get storageclass {} -o yaml > {}.yaml", STATIC, STATIC),
                kubectl("replace --force -f {}.yaml", STATIC, why="after the edit"),
            ),
            resource=ref_of(storage_class),
            evidence={"numberOfReplicas": "1"},
            enforced_by=(Enforcer.SCRIPTS,),
            consequence=PINNED,
        )


def _judge(view: View, storage_class: JsonObject) -> Iterator[Outcome]:
    is_default = text_at(annotations_of(storage_class), f"[{IS_DEFAULT}]") == "true"
    if not is_default or text_at(storage_class, "provisioner") != "driver.longhorn.io":
        return
    found = {name: text_at(storage_class, f"parameters.{name}") for name in PARAMETERS}
    pins = found["numberOfReplicas"] == "1" and _drains(view)
    reasons = ["1 replica"] if pins else []
    reasons += [f"{name} {found[name]!r}" for name in PARAMETERS[1:] if found[name]]
    if not reasons:
        return
    yield Finding(
        severity=FAIL if pins else WARN,
        cause="default-class-fragile",
        message=f"The upgrade image copies the default class {name_of(storage_class)}, which has {', '.join(reasons)}",
        hint="Make a class with more replicas and no selectors the default while the upgrade runs",
        commands=(kubectl("get storageclass {} -o yaml", name_of(storage_class)),),
        resource=ref_of(storage_class),
        evidence={name: found[name] or None for name in PARAMETERS}
        | {"nodes": None if view.missing("nodes") else len(view.read("nodes"))},
        enforced_by=(Enforcer.SCRIPTS if pins else Enforcer.NONE,),
        consequence=PINNED if pins else NARROW,
    )


def _drains(view: View) -> bool:
    """Say whether nodes will be drained: a single one is not, and one replica is all it can have."""
    return len(view.some("nodes")) > 1
