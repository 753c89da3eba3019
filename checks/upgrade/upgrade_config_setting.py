"""A broken upgrade-config makes the webhook refuse the Upgrade, or the controller retry for ever in the middle of it.

Rule: util.IsRestoreVM, called by the webhook (v1.6.0 to v1.9.0-rc6), and prepareNodesForUpgrade of the controller
(v1.4.0 on) decode the setting's value, else its default, into typed Go: wrong JSON or a wrong type is an error. Before
1.6 that leaves the Upgrade without a state label, which blocks the next one too. A strategy type outside the three,
or parallel with a negative concurrency, is found by the controller only, once the repository is up. logReadyTimeout
(1.7.0 on) goes through strconv.Atoi; a number outside 1 to 20 gives way to 5. One that is no number is another gate's
business (upgrade-log-prerequisites). nodeUpgradeOption.strategy.mode other than "manual" counts as auto.
Edges: the setting webhook refuses all of it, so it takes a forced edit, a restore or an old object to get here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    JsonObject,
    Outcome,
    Phase,
    Unknown,
    Unreadable,
    View,
    check,
    effective_value,
    hangs,
    integer_at,
    lies_in,
    need,
    refused,
    text_at,
    unknown,
)

from ._settings import SETTINGS, go_integer, json_value
from ._upgrade_config import (
    CONCURRENCY,
    LOG_READY_MINUTES,
    MODE,
    MODES,
    NAME,
    RESTART,
    STRATEGIES,
    TYPE,
    UNLABELLED,
    finding,
    type_problem,
)


@check(
    id="upgrade-config-setting",
    title="Setting upgrade-config is one the server can use",
    category="upgrade",
    needs=(need(SETTINGS, "value", "default", values=("upgrade-config",)), need("nodes", optional=True)),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.DOCS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/advanced/index#upgrade-config",
    why="The server decodes this setting before and during the upgrade; what it cannot decode stops it, early or late.",
    how="A forced edit or a restored backup got past the setting's own validation.",
    fix="Set the value to valid JSON, or empty it so that the default counts.",
    causes={
        "config-missing": "There is no such Setting: from 1.6 on the server refuses the Upgrade. Restart the harvester "
        "deployment, which creates it.",
        "config-invalid": "The value is not the JSON the server expects. Correct it, or empty it.",
        "preload-strategy-invalid": "The image preload strategy is none of sequential, parallel, skip, or its "
        "concurrency is negative: the controller retries for ever.",
        "images-not-preloaded": "Strategy skip leaves every image to a registry at upgrade time: configure one, or use "
        "sequential.",
        "restore-vm-ignored": "restoreVM works on clusters of several nodes from 1.6 on only: VMs stay stopped.",
        "log-timeout-ignored": "logReadyTimeout is outside 1 to 20 minutes: the server waits 5 minutes instead.",
        "node-mode-unknown": "nodeUpgradeOption.strategy.mode is neither auto nor manual, and so no node pauses.",
    },
)
def upgrade_config_setting(view: View) -> Iterator[Outcome]:
    """Yield what the server cannot use in the setting, then what it does not do as one may hope."""
    setting = view.find(SETTINGS, NAME)
    webhook = lies_in(view.upgrade.from_version, ">=1.6.0") is not False
    if setting is None:
        if webhook:
            text = "there is no such setting"
            yield finding(None, FAIL, "config-missing", text, Enforcer.WEBHOOK, refused(), RESTART)
        else:
            yield unknown(Code.ERROR, f"the settings that were read hold no {NAME}")
        return
    text_at(setting, "value")  # text that is not JSON is a finding; a value that is not text is no Setting at all
    try:
        config = json_value(setting, NAME)
        problem = type_problem(view, config)
    except Unreadable as error:
        problem = str(error)
    if problem:
        enforcer = Enforcer.WEBHOOK if webhook else Enforcer.SCRIPTS
        stops = refused() if webhook else hangs(Phase.IMAGE, UNLABELLED)
        yield finding(setting, FAIL, "config-invalid", problem, enforcer, stops)
        return
    yield from _preload(view, setting, config)
    yield from _restore(view, setting, config)
    if lies_in(view.upgrade.from_version, ">=1.7.0"):
        yield from _since_1_7(setting, config)


def _preload(view: View, setting: JsonObject, config: dict[str, Any]) -> Iterator[Outcome]:
    kind, concurrency = text_at(config, TYPE), integer_at(config, CONCURRENCY) or 0
    cause = "preload-strategy-invalid"
    if kind not in STRATEGIES:
        text = f"{TYPE} is {kind!r}, not one of {', '.join(STRATEGIES)}"
        yield finding(setting, FAIL, cause, text, Enforcer.SCRIPTS)
    elif kind == "parallel" and concurrency < 0:
        yield finding(setting, FAIL, cause, f"{CONCURRENCY} is {concurrency}, below 0", Enforcer.SCRIPTS)
    elif kind == "skip":
        registry = view.find(SETTINGS, "containerd-registry")
        if registry is None or effective_value(registry) in ("", "{}"):
            text = "images are not preloaded (skip), and no private registry is seen in setting containerd-registry"
            yield finding(setting, WARN, "images-not-preloaded", text, Enforcer.DOCS)


def _restore(view: View, setting: JsonObject, config: dict[str, Any]) -> Iterator[Outcome]:
    if config.get("restoreVM") is not True or lies_in(view.upgrade.from_version, "<1.6.0") is not True:
        return
    if missing := view.missing("nodes"):
        yield Unknown(missing)
    elif (count := len(view.objects("nodes"))) > 1:
        text = f"restoreVM is true, but before 1.6 it works on one node only and there are {count}"
        yield finding(setting, WARN, "restore-vm-ignored", text, Enforcer.NONE)


def _since_1_7(setting: JsonObject, config: dict[str, Any]) -> Iterator[Outcome]:
    text = text_at(config, "logReadyTimeout")
    minutes = go_integer(text)
    if minutes is not None and minutes not in LOG_READY_MINUTES:
        why = f"logReadyTimeout is {text!r}; the server honours 1 to 20 (minutes)"
        yield finding(setting, WARN, "log-timeout-ignored", why, Enforcer.NONE)
    mode = text_at(config, MODE)
    if mode and mode not in MODES:
        why = f"{MODE} is {mode!r}, which is neither auto nor manual"
        yield finding(setting, WARN, "node-mode-unknown", why, Enforcer.NONE)
