"""Certificates that run out stop the upgrade at its door (from 1.5) or in the middle of a node.

Rule: validator.go checkCerts (v1.5.0 to v1.9.0-rc6): the earliest notAfter of the whole chain that any API server
endpoint presents on port 6443 must be 7 days away or more, else 400. check.sh check_certs: expired fails, under 10
days warns, but for the files of the one node it runs on. 0 to 7 days: the server refuses, so that is a failure from
1.5 on; on 1.4.x nobody refuses before the certificate is out.
Units: days of 24 hours; exactly 7 days pass. On 1.5.0 annotation minCertsExpirationInDay of the Version replaces 7;
from 1.5.1 it stands on the Upgrade, which does not exist yet.
Edges: IPv6 endpoints alone break the server: before 1.9 it writes the address without brackets, from 1.9 it looks at
IPv4 only. Client and kubelet certificates under /var/lib/rancher/rke2 cannot be seen from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    WARN,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Severity,
    Unknown,
    Unreadable,
    View,
    check,
    format_time,
    human_duration,
    lies_in,
    maps_at,
    name_of,
    need,
    ref_of,
    text_at,
    time_at,
    unknown,
)

from ._target_version import VERSIONS, version_annotation

CERTIFICATES = "endpoints/apiserver-certificates"
MINIMUM_DAYS = "harvesterhci.io/minCertsExpirationInDay"


@check(
    id="certificate-expiry",
    title="The API servers' certificates last beyond the upgrade",
    category="nodes",
    needs=(need(CERTIFICATES, "certificates"), need(VERSIONS, f"metadata.annotations[{MINIMUM_DAYS}]", optional=True)),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.SCRIPTS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="From 1.5 the server refuses the Upgrade with less than 7 days left; an expired certificate stalls node steps.",
    how="RKE2 renews its certificates when it starts; a node that ran for a year without a restart outlives them.",
    fix="Raise spec.rkeConfig.rotateCertificates.generation of clusters.provisioning.cattle.io fleet-local/local, turn "
    "on setting auto-rotate-rke2-certs, or restart rke2 on the node.",
    links=("https://github.com/harvester/harvester/issues/3863",),
    causes={
        "certificate-expired": "A certificate of the presented chain is out: rotate it.",
        "certificate-expires-soon": "Less time is left than the server demands: rotate it.",
        "certificate-expires-later": "check.sh warns of it; the running version accepts it. Rotate it soon.",
        "only-ipv6-endpoints": "The server cannot look at its own certificates over IPv6 and refuses the Upgrade.",
        "version-annotation-invalid": "minCertsExpirationInDay of the Version object is no number: correct it.",
    },
    options={
        "minDays": Option(7, "days a certificate must still be valid", minimum=0),
        "warnDays": Option(10, "days below which it is a warning", minimum=0),
    },
    waived_by="harvesterhci.io/minCertsExpirationInDay",
)
def certificate_expiry(view: View) -> Iterator[Outcome]:
    """Yield a finding for every API server whose chain runs out too soon."""
    least, problems = _least(view)
    yield from problems
    servers = view.objects(CERTIFICATES)
    if not servers and not view.gaps(CERTIFICATES):
        yield unknown(Code.UNREACHABLE, "no API server endpoint was found to ask for its certificates")
    yield from view.each(CERTIFICATES, lambda server: _judge(view, server, least))
    addresses = [name_of(server).rpartition(":")[0] for server in servers]
    if addresses and all(":" in address for address in addresses) and _server_looks(view):
        yield Finding(
            severity=FAIL,
            cause="only-ipv6-endpoints",
            message=f"The API servers have IPv6 addresses only ({', '.join(addresses)}), which the webhook cannot ask",
            hint="Create the Upgrade with annotation harvesterhci.io/skipWebhook after every other finding is cured\n"
            "kubectl get endpoints kubernetes -n default",
            resource=ref_of(servers[0]),
            enforced_by=(Enforcer.WEBHOOK,),
        )


def _server_looks(view: View) -> bool:
    return lies_in(view.upgrade.from_version, ">=1.5.0") is not False


def _least(view: View) -> tuple[timedelta, list[Outcome]]:
    least = timedelta(days=view.options["minDays"])
    if lies_in(view.upgrade.from_version, "=1.5.0") is not True:
        return least, []
    if missing := view.missing(VERSIONS):
        return least, [Unknown(missing)]
    text, version = version_annotation(view, MINIMUM_DAYS)
    if text is None or version is None:
        return least, []
    if re.fullmatch(r"[+-]?[0-9]{1,6}", text):
        return timedelta(days=int(text)), []
    finding = Finding(
        severity=FAIL,
        cause="version-annotation-invalid",
        message=f"Version {name_of(version)} has annotation {MINIMUM_DAYS} = {text!r}, which the server cannot read",
        hint="Correct or remove the annotation\n"
        f"kubectl annotate versions.harvesterhci.io {name_of(version)} -n harvester-system {MINIMUM_DAYS}-",
        resource=ref_of(version),
        enforced_by=(Enforcer.WEBHOOK,),
    )
    return least, [finding]


def _judge(view: View, server: JsonObject, least: timedelta) -> Iterator[Outcome]:
    chain = [(time_at(entry, "notAfter"), text_at(entry, "subject")) for entry in maps_at(server, "certificates")]
    dated = [(moment, subject) for moment, subject in chain if moment is not None]
    if len(dated) < len(chain) or not dated:
        raise Unreadable(f"API server {name_of(server)}: a certificate without notAfter, or no certificate at all")
    expires, subject = min(dated)
    left = expires - view.now
    severity, cause, who = _verdict(left, least, view)
    if cause:
        state = f"expired {human_duration(-left)} ago" if left < timedelta(0) else f"expires in {human_duration(left)}"
        yield Finding(
            severity=severity,
            cause=cause,
            message=f"Certificate {subject} of API server {name_of(server)} {state} (at {format_time(expires)}); "
            f"the server from 1.5 on demands {human_duration(least)}",
            hint="Rotate the RKE2 certificates: raise spec.rkeConfig.rotateCertificates.generation by one\n"
            "kubectl edit clusters.provisioning.cattle.io local -n fleet-local",
            resource=ref_of(server),
            evidence={"subject": subject, "notAfter": format_time(expires), "now": format_time(view.now)},
            enforced_by=who,
        )


def _verdict(left: timedelta, least: timedelta, view: View) -> tuple[Severity, str, tuple[Enforcer, ...]]:
    looks, script = _server_looks(view), Enforcer.CHECK_SH
    if left < timedelta(0):
        return FAIL, "certificate-expired", ((Enforcer.WEBHOOK, script) if looks else (script, Enforcer.SCRIPTS))
    if looks and left < least:
        return FAIL, "certificate-expires-soon", (Enforcer.WEBHOOK,)
    if left < max(least, timedelta(days=view.options["warnDays"])):
        return WARN, "certificate-expires-later", (script,)
    return WARN, "", ()
