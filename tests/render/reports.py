"""The reports that every format is tried on, built with the product's own model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from preflight.api import degrades, hangs, harmless, kubectl, on_node, refused, tool
from preflight.causes import identify
from preflight.documents import API_VERSION
from preflight.model import (
    CheckResult,
    Code,
    Command,
    Enforcer,
    Finding,
    Phase,
    Reason,
    Remediation,
    ResourceRef,
    Severity,
    SourceInfo,
    Status,
    UpgradePair,
    Waived,
    Where,
)
from preflight.report import build_report, report_dict
from preflight.values.versions import parse_version

NOW = datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)
DOCS = "https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting"
SOURCE = SourceInfo("live", "https://192.0.2.10:6443", NOW, "the API server's clock", ())
PAIR = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))


def finding(severity: Severity = Severity.FAIL, cause: str = "node-not-ready", **fields: Any) -> Finding:
    values: dict[str, Any] = {
        "severity": severity,
        "cause": cause,
        "message": "Node harv-node-3 is not Ready: Ready is False (KubeletNotReady)",
        "hint": "Bring the node back before the upgrade, or remove it",
        "commands": (kubectl("describe node harv-node-3"),),
        "consequence": refused(),
        "resource": ResourceRef("v1", "Node", "", "harv-node-3"),
        "enforced_by": (Enforcer.WEBHOOK, Enforcer.CHECK_SH),
    }
    return Finding(**(values | fields))


def result(id: str, status: Status, category: str = "nodes", *findings: Finding, **fields: Any) -> CheckResult:
    """Make a result; of `reasons` the text follows."""
    if "reasons" in fields:
        fields["reason"] = "; ".join(map(str, fields["reasons"]))
    values: dict[str, Any] = {
        "title": f"{id.replace('-', ' ').capitalize()} is as it should be",
        "reason": "",
        "docs": DOCS,
        "duration_ms": 1.25,
    }
    return CheckResult(id=id, category=category, status=status, findings=findings, **(values | fields))


API, MANAGER, KUBELET = "API server", "kube-controller-manager", "kubelet of harv-node-2"
BEHIND = "15 s before the pod existed: this node's clock is behind the API server's"
TIMELINE = [
    {"event": event, "time": f"2026-11-23T15:30:{second}Z", "clock": clock, "note": note}
    for event, second, clock, note in (
        ("Pod started", 29, KUBELET, BEHIND),
        ("Container finished", 33, KUBELET, "exit 0"),
        ("Job created", 44, API, "Job helm-install-rancher-logging"),
        ("Job started", 44, MANAGER, ""),
        ("Pod created", 44, API, "Pod helm-install-rancher-logging-x7k2p"),
        ("Job completed", 48, MANAGER, ""),
        ("Operation began (InProgress)", 58, "node of the harvester pod", "Addon rancher-logging"),
    )
]

STUCK = finding(
    cause="job-predates-operation",
    message="Addon rancher-logging has been Enabling for 3 h 12 min: its Job helm-install-rancher-logging succeeded, "
    "but was created 14 s before the operation it belongs to, so the controller ignores it for ever",
    hint="Delete only the Job: helm-controller creates it again, younger than the operation",
    commands=(
        kubectl("delete job -n cattle-logging-system helm-install-rancher-logging"),
        tool("fix --only addon-stuck:cattle-logging-system/rancher-logging"),
    ),
    consequence=hangs(Phase.SYSTEM_SERVICES, "The upgrade hangs in Upgrading System Service"),
    resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", "cattle-logging-system", "rancher-logging"),
    evidence={
        "status": "AddonEnabling",
        "age": "3 h 12 min",
        "grace": "10 min",
        "skewSeconds": -15,
        "job": "helm-install-rancher-logging",
        "images": [],
        "pods": ["helm-install-rancher-logging-x7k2p"],
        "timeline": TIMELINE,
    },
    enforced_by=(Enforcer.SCRIPTS,),
    remediation=Remediation("recreate-job", True),
)
IMAGE = finding(
    cause="job-image-pull",
    message="Addon pcidevices-controller waits for an image that cannot be pulled: rancher/harvester-pcidevices:v0.4.0",
    hint="Import the image on every node, then wait",
    commands=(on_node("ctr -n k8s.io images import IMAGES.tar", why="on each node"),),
    consequence=hangs(Phase.SYSTEM_SERVICES, "The upgrade waits for this Addon"),
    resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", "harvester-system", "pcidevices-controller"),
    evidence={"image": "rancher/harvester-pcidevices:v0.4.0", "reason": "ImagePullBackOff"},
    enforced_by=(Enforcer.NONE,),
)
SKEW = finding(
    Severity.WARN,
    "clock-skewed",
    message="The clock of node harv-node-2 is 15 s behind the API server (limit 2 s)",
    hint="Set an NTP server that every node reaches",
    commands=(kubectl("get settings.harvesterhci.io ntp-servers -o yaml"),),
    consequence=degrades(Phase.AFTER, "An Addon may stick"),
    resource=ResourceRef("v1", "Node", "", "harv-node-2"),
    evidence={"skewSeconds": -15.2, "limitSeconds": 2},
    enforced_by=(Enforcer.NONE,),
)
CERT = finding(
    Severity.WARN,
    "certificate-expires",
    message="The certificate of kube-apiserver on harv-node-1 expires in 6 d 3 h (limit 7 d)",
    hint="Rotate the RKE2 certificates",
    commands=(),
    resource=ResourceRef("v1", "Node", "", "harv-node-1"),
    evidence={"notAfter": "2026-11-29T22:00:00Z", "minDays": 7},
    transient=True,
    waived=Waived("rotation is planned for the window before the upgrade", "2026-12-01"),
)
NOTE = finding(
    Severity.INFO,
    "detached-volume",
    message="Volume pvc-1 has one replica and is detached; the server lets it pass only with its annotation",
    hint="",
    commands=(),
    consequence=harmless(),
    resource=ResourceRef("longhorn.io/v1beta2", "Volume", "longhorn-system", "pvc-1"),
)

DEGRADED = tuple(
    finding(
        cause="volume-degraded",
        message=f"Volume pvc-{number:08x}-0000-4000-8000-000000000000 is degraded",
        resource=ResourceRef(
            "longhorn.io/v1beta2", "Volume", "longhorn-system", f"pvc-{number:08x}-0000-4000-8000-000000000000"
        ),
        touches={"node": ("harv-node-3",)},
        commands=(),
    )
    for number in range(960)
)
"""Many objects of one fault, all on the node that is down."""

PASSES = (
    result("upgrade-path", Status.PASS, "upgrade"),
    result("upgrade-in-progress", Status.PASS, "upgrade"),
    result("node-ready", Status.PASS),
    result("node-count", Status.PASS),
    result("longhorn-volume-health", Status.PASS, "longhorn"),
)
NOT_HERE = result("network-config", Status.SKIPPED, "network", reason="applies to upgrades from >=1.6.0, not v1.4.0")


FORBIDDEN = Reason(Code.FORBIDDEN, "jobs.batch (list): the service account may not list them")


def document(results: Sequence[CheckResult], *, fail_on: str = "fail", source: SourceInfo = SOURCE) -> dict[str, Any]:
    return report_dict(replace(build_report(source, PAIR, identify(results), fail_on), tool_version="0.1.0"))


def ready() -> dict[str, Any]:
    return document((*PASSES, NOT_HERE))


def warn() -> dict[str, Any]:
    return document((*PASSES, result("clock-skew", Status.WARN, "nodes", SKEW, worst=Severity.WARN), NOT_HERE))


def blocked() -> dict[str, Any]:
    notes = ("A request for secrets was not made: --with-releases was not given.",)
    return document(
        (
            *PASSES[:3],
            result("addon-stuck", Status.FAIL, "addons", IMAGE, STUCK),
            result("clock-skew", Status.WARN, "nodes", SKEW, worst=Severity.WARN),
            result("certificate-expiry", Status.PASS, "nodes", CERT),
            result("single-replica-volumes", Status.PASS, "longhorn", NOTE),
            NOT_HERE,
        ),
        source=replace(SOURCE, notes=notes),
    )


def undecided() -> dict[str, Any]:
    return document(
        (
            *PASSES[:2],
            result("addon-stuck", Status.UNKNOWN, "addons", reasons=(FORBIDDEN,)),
            result("addon-leftovers", Status.UNKNOWN, "addons", reasons=(FORBIDDEN,), worst=Severity.WARN),
            result(
                "node-ready", Status.UNKNOWN, "nodes", reasons=(Reason(Code.TIMED_OUT, "nodes (list)"),), required=True
            ),
            NOT_HERE,
        )
    )


def empty() -> dict[str, Any]:
    return report_dict(replace(build_report(SOURCE, UpgradePair(None, None), (), "fail"), tool_version="0.1.0"))


EVIL = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>|`\r\b\n::error::x%0A\u202e\u2066\u200b\x9b31m&\"'\ud800\ufffe"


def hostile() -> dict[str, Any]:
    bad = finding(
        message=f"Addon {EVIL} is stuck",
        hint=f"Look at {EVIL}",
        commands=(kubectl("get addon {}", "x" * 10_000), Command((EVIL, EVIL), Where.NODE, EVIL)),
        consequence=refused(EVIL),
        resource=ResourceRef("harvesterhci.io/v1beta1", "Addon", EVIL, "n" * 10_000),
        evidence={
            EVIL: [EVIL, {"deep": EVIL}],
            "timeline": [{"event": EVIL, "time": EVIL, "clock": EVIL, "note": EVIL}],
        },
        waived=None,
    )
    unnamed = replace(
        bad,
        resource=ResourceRef("", "", "", ""),
        severity=Severity.WARN,
        hint="",
        commands=(),
        consequence=None,
        evidence={},
    )
    waived = replace(bad, waived=Waived(EVIL, EVIL))
    return document(
        (
            result("addon-stuck", Status.FAIL, "addons", bad, unnamed, waived, title=EVIL, reason=EVIL),
            result(
                "other-check", Status.UNKNOWN, EVIL, reasons=(Reason(Code.ERROR, EVIL, EVIL, EVIL, EVIL),), docs=EVIL
            ),
        ),
        source=replace(SOURCE, name=EVIL, clock=EVIL, notes=(EVIL,)),
    )


def fleet() -> dict[str, Any]:
    members = {"berlin": ready(), "paris": blocked(), "oslo": undecided()}
    return {
        "apiVersion": API_VERSION,
        "kind": "PreflightReportList",
        "verdict": "blocked",
        "exitCode": 3,
        "reports": [{"context": name, **report} for name, report in members.items()],
    }


REPORTS = {
    "ready": ready,
    "warn": warn,
    "blocked": blocked,
    "undecided": undecided,
    "empty": empty,
    "hostile": hostile,
    "fleet": fleet,
}
