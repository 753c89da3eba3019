"""Look at the certificates that each API server presents, by a TLS handshake with each control-plane node.

Python before 3.13 has no public way to the presented chain, but every CPython since 3.10 has the method under the
public one; it also reads the certificates, which the public one leaves to another package. Where it is missing the
certificate is a gap and never a pass.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.jobs import run_jobs, why_failed
from preflight.inventory import Collected, JsonObject, sorted_objects
from preflight.model import Code, Reason
from preflight.sources.needs import MergedNeed
from preflight.values.foreign_text import one_line
from preflight.values.times import format_time

WORKERS = 8
HANDSHAKE_SECONDS = 10.0
_ENDPOINTS = "/api/v1/namespaces/default/endpoints/kubernetes"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}


def read_certificates(api: Api, need: MergedNeed, deadline: float | None) -> Collected:
    """Read the chain of every address behind the service `kubernetes`; one that does not answer is a gap."""
    try:
        addresses = _addresses(api)
    except ApiError as error:
        return Collected(missing=error.because(f"cannot find the API servers' addresses: {error.message}"))
    if not addresses:
        return Collected(missing=Reason(Code.ERROR, "the service kubernetes in namespace default has no addresses"))
    jobs: list[Callable[[], JsonObject]] = [partial(_object, need, *address) for address in addresses]
    answers = dict(run_jobs(jobs, workers=WORKERS, deadline=deadline))
    objects: list[JsonObject] = []
    gaps: list[Reason] = []
    for index, (host, port) in enumerate(addresses):
        answer = answers.get(index)
        if isinstance(answer, dict):
            objects.append(answer)
        else:
            why = why_failed(answer) if answer else Reason(Code.TIMED_OUT, "not asked within --timeout")
            gaps.append(replace(why, text=f"{_label(host, port)}: {why.text}"))
    return Collected(sorted_objects(objects), gaps=tuple(gaps))


def _addresses(api: Api) -> list[tuple[str, int]]:
    try:
        subsets = api.get(_ENDPOINTS).get("subsets") or []
        found = set(_from_subsets(subsets))
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        answer = api.get(_SLICES, {"labelSelector": "kubernetes.io/service-name=kubernetes"})
        found = set(_from_slices(answer.get("items") or []))
    except (TypeError, ValueError, AttributeError):
        raise ApiError("unparsable", f"GET {_ENDPOINTS}: not an Endpoints object", path=_ENDPOINTS) from None
    return sorted(found)


def _from_subsets(subsets: Any) -> Iterator[tuple[str, int]]:
    for subset in subsets:
        for port in _https(subset):
            for address in subset.get("addresses") or ():
                yield str(address.get("ip")), port


def _from_slices(slices: Any) -> Iterator[tuple[str, int]]:
    for entry in slices:
        for port in _https(entry):
            for endpoint in entry.get("endpoints") or ():
                yield from ((str(address), port) for address in endpoint.get("addresses") or ())


def _https(obj: Any) -> list[int]:
    ports = obj.get("ports") or ()
    return [int(port.get("port")) for port in ports if port.get("name") in ("https", None, "")] or [6443]


def _label(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _object(need: MergedNeed, host: str, port: int) -> JsonObject:
    chain = presented_chain(host, port)
    return {
        "apiVersion": need.resource.api_version,
        "kind": need.resource.kind,
        "metadata": {"name": _label(host, port), "namespace": "default"},
        "certificates": chain,
    }


def presented_chain(host: str, port: int) -> list[dict[str, str]]:
    """Return the certificates a server presents, its own first, trusted or not. Raises ApiError.

    Shape: subject and issuer as `CN=..., O=...`; notBefore and notAfter as RFC 3339.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=HANDSHAKE_SECONDS) as plain,
            context.wrap_socket(plain) as secure,
        ):
            read = getattr(getattr(secure, "_sslobj", None), "get_unverified_chain", None)
            if read is None:
                raise ApiError("error", "this Python cannot show the certificates a server presents")
            return [_certificate(entry.get_info()) for entry in read() or ()]
    except TimeoutError:
        raise ApiError("timed-out", f"no TLS handshake within {HANDSHAKE_SECONDS:g} s") from None
    except ssl.SSLError as error:
        from preflight.cluster.tls import tls_problem

        raise ApiError("error", tls_problem(error)) from None
    except OSError as error:
        raise ApiError("unreachable", f"no connection: {one_line(error.strerror or error, 120)}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ApiError("unparsable", f"a certificate cannot be read: {one_line(error, 120)}") from None


def _certificate(info: dict[str, Any]) -> dict[str, str]:
    return {
        "subject": _distinguished(info["subject"]),
        "issuer": _distinguished(info["issuer"]),
        "notBefore": _moment(info["notBefore"]),
        "notAfter": _moment(info["notAfter"]),
    }


def _distinguished(name: Any) -> str:
    return ", ".join(f"{_SHORT.get(key, key)}={one_line(value, 120)}" for part in name for key, value in part)


def _moment(text: str) -> str:
    return format_time(datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC))
