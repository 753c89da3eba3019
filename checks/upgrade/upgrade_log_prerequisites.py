"""What the log of an upgrade needs, where it is asked for: a default storage class, and a time limit that works.

Rule: pkg/controller/master/upgradelog/common.go (every tag) asks for a 1 GiB claim without naming a class, so there must
be a default one. Up to 1.6 the Upgrade waits for its log without a time limit. From 1.7.0 checkLogReadyCondition
(upgrade_controller.go) puts upgrade-config's logReadyTimeout through strconv.Atoi before it looks whether it is empty:
absent, empty or no number is an error on every pass, so that there is no limit either; a number outside 1 to 20 gives
way to 5 minutes and the Upgrade ends Failed. The setting's own webhook accepts an absent value, and so every setting
customised before 1.7 has none.
Edges: both matter only for an Upgrade with spec.logEnabled, which nobody can know before it is created: a warning. An
upgrade-config that is no JSON is another gate's business (upgrade-config-setting).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    ResourceRef,
    View,
    annotations_of,
    check,
    fails,
    hangs,
    kubectl,
    lies_in,
    need,
    ref_of,
    text_at,
)

from ._settings import SETTINGS, find_setting, go_integer, json_value

CLASSES = "storageclasses.storage.k8s.io"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
NAME, TIMEOUT = "upgrade-config", "logReadyTimeout"
WITHOUT_LOG = "or create the Upgrade without logging (untick Enable Logging)"
POSSIBLE = Certainty.POSSIBLE
PATCH = '{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}'


@check(
    id="upgrade-log-prerequisites",
    title="The log of the upgrade can come up",
    category="upgrade",
    needs=(
        need(CLASSES, f"metadata.annotations[{IS_DEFAULT}]"),
        need(SETTINGS, "value", "default", values=("upgrade-config",), optional=True),
    ),
    worst=WARN,
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/index",
    why="An Upgrade with logging enabled waits for its log collector before it does anything else.",
    how="The default class was unset, or setting upgrade-config was written before 1.7 knew logReadyTimeout.",
    fix="Make a class the default one and set logReadyTimeout to 5, or create the Upgrade with spec.logEnabled false.",
    causes={
        "no-default-class": "The log's claim names no class and none is the default: set one, or go without the log.",
        "log-timeout-missing": "logReadyTimeout is absent or no number, so nothing ends the wait for the log: set 5.",
    },
)
def upgrade_log_prerequisites(view: View) -> Iterator[Outcome]:
    """Yield a warning when the log could not come up, and when nothing would end the wait for it."""
    classes = view.some(CLASSES)
    if not any(text_at(annotations_of(found), f"[{IS_DEFAULT}]") == "true" for found in classes):
        yield _no_default_class(view)
    if lies_in(view.upgrade.from_version, ">=1.7.0") is not False:
        yield from _timeout(find_setting(view, NAME))


def _no_default_class(view: View) -> Finding:
    if lies_in(view.upgrade.from_version, ">=1.7.0"):
        consequence = fails(
            Phase.IMAGE, "With logging enabled the Upgrade may end Failed when its log is not ready in time", POSSIBLE
        )
    else:
        consequence = hangs(
            Phase.IMAGE,
            "With logging enabled the Upgrade may stay at 0 % and wait for its log with no time limit",
            POSSIBLE,
        )
    return Finding(
        severity=WARN,
        cause="no-default-class",
        message="No StorageClass is the default one, and the claim of the upgrade's log names none",
        hint=f"Make a class the default one, {WITHOUT_LOG}",
        commands=(kubectl("patch storageclass harvester-longhorn -p {}", PATCH),),
        resource=ResourceRef("storage.k8s.io/v1", "StorageClass", "", "harvester-longhorn"),
        consequence=consequence,
    )


def _timeout(setting: JsonObject) -> Iterator[Outcome]:
    found = text_at(json_value(setting, NAME), TIMEOUT)
    if go_integer(found) is not None:
        return
    yield Finding(
        severity=WARN,
        cause="log-timeout-missing",
        message=f"Setting {NAME} "
        + (f"has {TIMEOUT} {found!r}, which is no number" if found else f"has no {TIMEOUT}")
        + ": nothing ends the wait for the upgrade's log",
        hint=f'Set "{TIMEOUT}": "5" in its JSON, {WITHOUT_LOG}',
        commands=(kubectl("edit settings.harvesterhci.io {}", NAME),),
        resource=ref_of(setting),
        evidence={TIMEOUT: found or None},
        consequence=hangs(
            Phase.IMAGE,
            "With logging enabled, an Upgrade whose log never comes up may wait for it with no time limit",
            POSSIBLE,
        ),
    )
