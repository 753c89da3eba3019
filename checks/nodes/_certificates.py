"""How long a certificate of an API server must still last, and what it comes to when it does not.

Rule: see certificate_expiry.py: validator.go checkCerts demands 7 days from 1.5 on; on 1.5.0 an annotation of the Version
object replaces them. check.sh check_certs warns below 10 days.
Units: days of 24 hours.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Consequence,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    Severity,
    Unknown,
    View,
    hangs,
    kubectl,
    lies_in,
    name_of,
    ref_of,
    refused,
)

from ._target_version import VERSIONS, version_annotation

MINIMUM_DAYS = "harvesterhci.io/minCertsExpirationInDay"
STALLS = hangs(
    Phase.NODE_UPGRADE,
    "A node does not get on with a certificate that is out, and the upgrade waits for it (seen in reports, not proven for "
    "each certificate)",
    Certainty.LIKELY,
)
MAY_RUN_OUT = hangs(
    Phase.NODE_UPGRADE,
    "It may run out before the upgrade is over, and a node may not get on then",
    Certainty.POSSIBLE,
)


class Least(NamedTuple):
    """How long a certificate must still be valid."""

    span: timedelta
    demanded: bool
    """Whether the running server refuses below it."""


class Verdict(NamedTuple):
    """What the time a certificate has left comes to."""

    severity: Severity
    cause: str
    enforced_by: tuple[Enforcer, ...]
    consequence: Consequence


def server_looks(view: View) -> bool:
    """Say whether the running server looks at its certificates; where its version is not known, that it does."""
    return lies_in(view.upgrade.from_version, ">=1.5.0") is not False


def least_span(view: View) -> tuple[Least, list[Outcome]]:
    """Return how long a certificate must last, and what is wrong with the annotation that says so."""
    looks = server_looks(view)
    least = Least(timedelta(days=view.options["minDays"]), looks)
    if lies_in(view.upgrade.from_version, "=1.5.0") is not True:
        return least, []
    if missing := view.missing(VERSIONS):
        return least, [Unknown(missing)]
    text, version = version_annotation(view, MINIMUM_DAYS)
    if text is None or version is None:
        return least, []
    if re.fullmatch(r"[+-]?[0-9]{1,6}", text):
        days = int(text)
        return (Least(timedelta(days=days), True) if days >= 1 else least._replace(demanded=False)), []
    finding = Finding(
        severity=FAIL,
        cause="version-annotation-invalid",
        message=f"Version {name_of(version)} has annotation {MINIMUM_DAYS} = {text!r}, which the server cannot read",
        hint="Correct or remove the annotation",
        commands=(
            kubectl("annotate versions.harvesterhci.io {} -n harvester-system {}-", name_of(version), MINIMUM_DAYS),
        ),
        resource=ref_of(version),
        enforced_by=(Enforcer.WEBHOOK,),
    )
    return least, [finding]


def verdict_on(left: timedelta, least: Least, view: View) -> Verdict | None:
    """Return what the time a certificate has left comes to, None when it lasts long enough."""
    looks, script = server_looks(view), Enforcer.CHECK_SH
    if left < timedelta(0):
        if looks:
            return Verdict(FAIL, "certificate-expired", (Enforcer.WEBHOOK, script), refused())
        return Verdict(FAIL, "certificate-expired", (script, Enforcer.SCRIPTS), STALLS)
    if looks and left < least.span:
        if least.demanded:
            return Verdict(FAIL, "certificate-expires-soon", (Enforcer.WEBHOOK,), refused())
        return Verdict(FAIL, "certificate-expires-soon", (Enforcer.NONE,), STALLS)
    if left < max(least.span, timedelta(days=view.options["warnDays"])):
        return Verdict(WARN, "certificate-expires-later", (script,), MAY_RUN_OUT)
    return None
