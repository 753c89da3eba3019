"""The ISO of the new version becomes a Longhorn image: its storage class must exist, and should survive a drain.

Rule: the upgrade controller: from v1.7.1 the image uses class longhorn-static; v1.7.0 makes a class of its own; up to
v1.6 the image copies replicas, disk and node selectors from the default Longhorn class, or built-in values when there
is no default. Nobody checks this. One replica on a cluster of several nodes, or a selector, is a risk to the drain.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    ResourceRef,
    View,
    annotations_of,
    check,
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
    why="Without its class the ISO never becomes a ready image; with one replica or narrow selectors its volume can go "
    "down with one node and stall the drain of that node.",
    how="longhorn-static was deleted, or a class with one replica or with selectors was made the default.",
    fix="Restore class longhorn-static (provisioner driver.longhorn.io). Up to 1.6 make harvester-longhorn the "
    "default class for the time of the upgrade.",
    causes={
        "longhorn-static-missing": "From 1.7.1 the ISO image needs this class: restore it.",
        "default-class-fragile": "Up to 1.6 the ISO volume copies the default class: give that class more replicas or "
        "no selectors while the upgrade runs.",
    },
)
def upgrade_image_storage_class(view: View) -> Iterator[Outcome]:
    """Yield a finding when the class is missing or makes the image fragile."""
    running = view.upgrade.from_version
    if lies_in(running, ">=1.7.0") is None:
        yield unknown(
            Code.ERROR, "which class the upgrade image takes depends on the running version, which is no release"
        )
    elif lies_in(running, ">=1.7.1"):
        if view.find(CLASSES, "longhorn-static") is None:
            yield Finding(
                severity=FAIL,
                cause="longhorn-static-missing",
                message="StorageClass longhorn-static does not exist, so the upgrade image would never become ready",
                hint="Restore the class (provisioner driver.longhorn.io), for example from a backup of it\n"
                "kubectl get storageclasses.storage.k8s.io",
                resource=ResourceRef("storage.k8s.io/v1", "StorageClass", "", "longhorn-static"),
                enforced_by=(Enforcer.SCRIPTS,),
            )
    elif lies_in(running, "<1.7.0"):
        nodes = None if view.missing("nodes") else len(view.objects("nodes"))
        yield from view.each(CLASSES, lambda storage_class: _judge(storage_class, nodes))


def _judge(storage_class: JsonObject, nodes: int | None) -> Iterator[Outcome]:
    is_default = text_at(annotations_of(storage_class), f"[{IS_DEFAULT}]") == "true"
    if not is_default or text_at(storage_class, "provisioner") != "driver.longhorn.io":
        return
    found = {name: text_at(storage_class, f"parameters.{name}") for name in PARAMETERS}
    # One replica is all a single node can have, and a single node is not drained. An unread count: assume several.
    single = found["numberOfReplicas"] == "1" and nodes != 1
    reasons = ["1 replica"] if single else []
    reasons += [f"{name} {found[name]!r}" for name in PARAMETERS[1:] if found[name]]
    if not reasons:
        return
    yield Finding(
        severity=WARN,
        cause="default-class-fragile",
        message=f"The upgrade image copies the default class {name_of(storage_class)}, which has {', '.join(reasons)}",
        hint="Make a class with more replicas and no selectors the default while the upgrade runs\n"
        f"kubectl get storageclass {name_of(storage_class)} -o yaml",
        resource=ref_of(storage_class),
        evidence={name: found[name] or None for name in PARAMETERS} | {"nodes": nodes},
        enforced_by=(Enforcer.NONE,),
    )
