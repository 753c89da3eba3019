"""Certificates that run out stop the upgrade at its door (from 1.5) or in the middle of a node.

Rule: validator.go checkCerts (v1.5.0 to v1.9.0-rc6): the earliest notAfter of the whole chain that any API server
endpoint presents on port 6443 must be 7 days away or more, else 400. check.sh check_certs: expired fails, under 10
days warns, but for the files of the one node it runs on. 0 to 7 days: the server refuses, so that is a failure from
1.5 on; on 1.4.x nobody refuses before the certificate is out.
Units: days of 24 hours; exactly 7 days pass. On 1.5.0 annotation minCertsExpirationInDay of the Version replaces 7;
from 1.5.1 it stands on the Upgrade, which does not exist yet. Below one day it makes that server ask for nothing: then
we keep our own limit, and say that nobody else does.
Edges: IPv6 endpoints alone break the server: before 1.9 it writes the address without brackets, from 1.9 it looks at
IPv4 only. Not looked at: client and kubelet certificates, etcd's and port 9345's (rke2-certificates has what RKE2 says of
them). A node of the control plane whose certificate was not read makes it unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Tie,
    Unreadable,
    View,
    check,
    format_time,
    human_duration,
    kubectl,
    maps_at,
    name_of,
    need,
    ref_of,
    refused,
    text_at,
    time_at,
    unknown,
)

from ._api_servers import CERTIFICATES, control_plane_addresses, host_of, not_seen
from ._certificates import MINIMUM_DAYS, Least, least_span, server_looks, verdict_on
from ._target_version import VERSIONS

ONLY_THESE = "only what API servers present on port 6443 was looked at here"


@check(
    title="The certificates API servers present on port 6443 last beyond the upgrade",
    needs=(
        need(CERTIFICATES, "certificates"),
        need(VERSIONS, f"metadata.annotations[{MINIMUM_DAYS}]", optional=True),
        need("nodes", "status.addresses", optional=True),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.CHECK_SH, Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="From 1.5 the server refuses the Upgrade with less than 7 days left; an expired certificate stalls node steps. Only "
    "the chains on port 6443 can be looked at from here: client and kubelet certificates, those of etcd, of port 9345, of "
    "the controller manager and of the scheduler are not (see rke2-certificates).",
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
    consequence=refused(),
    explains=(Explains("rke2-certificates", Tie.NODE), Explains("node-ready", Tie.NODE)),
)
def certificate_expiry(view: View) -> Iterator[Outcome]:
    """Yield a finding for every API server whose chain runs out too soon."""
    least, problems = least_span(view)
    yield from problems
    servers = view.objects(CERTIFICATES)
    if not servers and not view.gaps(CERTIFICATES):
        yield unknown(Code.UNREACHABLE, "no API server endpoint was found to ask for its certificates")
    nodes = control_plane_addresses(view)
    yield from view.each(CERTIFICATES, lambda server: _judge(view, server, least, nodes))
    yield from not_seen(view, nodes)
    addresses = [name_of(server).rpartition(":")[0] for server in servers]
    if addresses and all(":" in address for address in addresses) and server_looks(view):
        yield Finding(
            severity=FAIL,
            cause="only-ipv6-endpoints",
            message=f"The API servers have IPv6 addresses only ({', '.join(addresses)}), which the webhook cannot ask",
            hint="Create the Upgrade with annotation harvesterhci.io/skipWebhook after every other finding is cured",
            commands=(kubectl("get endpoints kubernetes -n default"),),
            resource=ref_of(servers[0]),
            enforced_by=(Enforcer.WEBHOOK,),
        )


def _judge(view: View, server: JsonObject, least: Least, nodes: dict[str, set[str]]) -> Iterator[Outcome]:
    chain = [(time_at(entry, "notAfter"), text_at(entry, "subject")) for entry in maps_at(server, "certificates")]
    dated = [(moment, subject) for moment, subject in chain if moment is not None]
    if len(dated) < len(chain) or not dated:
        raise Unreadable(f"API server {name_of(server)}: a certificate without notAfter, or no certificate at all")
    expires, subject = min(dated)
    left = expires - view.now
    verdict = verdict_on(left, least, view)
    if verdict is None:
        return
    state = f"expired {human_duration(-left)} ago" if left < timedelta(0) else f"expires in {human_duration(left)}"
    asks = f"the server from 1.5 on demands {human_duration(least.span)}" + (
        "" if least.demanded else ", but not this one"
    )
    yield Finding(
        severity=verdict.severity,
        cause=verdict.cause,
        message=f"Certificate {subject} of API server {name_of(server)} {state} (at {format_time(expires)}); {asks}; "
        f"{ONLY_THESE}",
        hint="Rotate the RKE2 certificates: raise spec.rkeConfig.rotateCertificates.generation by one",
        commands=(kubectl("edit clusters.provisioning.cattle.io local -n fleet-local"),),
        resource=ref_of(server),
        evidence={"subject": subject, "notAfter": format_time(expires), "now": format_time(view.now)},
        enforced_by=verdict.enforced_by,
        consequence=verdict.consequence,
        touches={"node": tuple(sorted(name for name, held in nodes.items() if host_of(server) in held))},
    )
