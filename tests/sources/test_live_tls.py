"""TLS: what a failed handshake says, and the certificates that API servers present."""

import errno
import os
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from preflight.api import Code, Reason
from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.errors import SourceError
from preflight.sources.live.reader import read
from tests.kube import KubeServer
from tests.sources.raw_server import Reply, raw_server

REFUSED = os.strerror(errno.ECONNREFUSED)

ENDPOINTS = "/api/v1/namespaces/default/endpoints/kubernetes"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA(organization_name="test authority")


def context_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def empty(_asked):
    return Reply({"items": []})


def failure(url, **flags):
    with pytest.raises(SourceError) as error:
        read([], Connection(server=url, **flags), wait=lambda _seconds: None)
    assert error.value.exit_code == 4
    assert "\n" not in error.value.message
    assert url in error.value.message
    return error.value.message


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def test_a_certificate_of_the_given_authority_is_accepted(authority, ca_file):
    with raw_server(empty, context=context_of(authority.issue_cert("127.0.0.1"))) as server:
        inventory = read([need("pods")], Connection(server=server.url, certificate_authority=ca_file))
    assert inventory.get("pods").missing is None


def test_an_unknown_authority_names_the_flag(authority):
    with raw_server(empty, context=context_of(authority.issue_cert("127.0.0.1"))) as server:
        assert "signed by an authority unknown here" in failure(server.url)
        assert "--certificate-authority FILE" in failure(server.url)


def test_a_certificate_for_another_name_says_so(authority, ca_file):
    with raw_server(empty, context=context_of(authority.issue_cert("192.0.2.7"))) as server:
        assert "for another name: IP address mismatch" in failure(server.url, certificate_authority=ca_file)


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        (-20, -10, "has expired, or this machine's clock is ahead"),
        (10, 20, "is not valid yet: is this machine's clock behind"),
    ],
)
def test_a_certificate_out_of_its_time_says_so(authority, ca_file, begin, end, words):
    now = datetime.now(UTC)
    certificate = authority.issue_cert(
        "127.0.0.1", not_before=now + timedelta(days=begin), not_after=now + timedelta(days=end)
    )
    with raw_server(empty, context=context_of(certificate)) as server:
        assert words in failure(server.url, certificate_authority=ca_file)
        insecure = Connection(server=server.url, insecure_skip_tls_verify=True)
        assert "the server's certificate was not verified" in read([], insecure).source.notes


def test_a_server_without_tls_says_so():
    with KubeServer() as server:
        url = server.url.replace("http:", "https:")
        assert "does not speak TLS" in failure(url)


def test_a_server_that_wants_another_client_certificate_says_so(authority, ca_file):
    context = context_of(authority.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with raw_server(empty, context=context) as server:
        assert "refused the TLS handshake" in failure(server.url, certificate_authority=ca_file)


def served_by(port, objects=()):
    endpoints = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": port}]}],
    }
    return KubeServer([endpoints, *objects])


def certificates_of(server):
    connection = Connection(server=server.url, token="test-token")
    return read([need("endpoints/apiserver-certificates")], connection).get("endpoints/apiserver-certificates")


def test_the_whole_presented_chain_is_read_though_it_is_expired_and_unknown(authority):
    middle = trustme.CA(parent_cert=authority, organization_name="middle")
    end = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    certificate = middle.issue_cert("127.0.0.1", common_name="kube-apiserver", not_after=end)
    with raw_server(empty, context=context_of(certificate)) as other, served_by(other.port) as server:
        found = certificates_of(server)
    assert (found.missing, found.gaps) == (None, ())
    (shown,) = found.objects
    assert (shown["kind"], shown["metadata"]) == (
        "ServingCertificates",
        {"name": f"127.0.0.1:{other.port}", "namespace": "default"},
    )
    leaf, above = shown["certificates"]
    assert leaf["notAfter"] == "2026-03-04T05:06:07Z"
    assert "CN=kube-apiserver" in leaf["subject"]
    assert "O=middle" in leaf["issuer"]
    assert "O=middle" in above["subject"]
    assert "O=test authority" in above["issuer"]


def test_an_address_that_does_not_answer_is_a_gap():
    with raw_server(empty) as plain, served_by(plain.port) as server:
        found = certificates_of(server)
    assert found.objects == ()
    assert len(found.gaps) == 1
    assert str(found.gaps[0]).startswith(f"error: 127.0.0.1:{plain.port}: it does not speak TLS")
    with served_by(1) as server:
        assert certificates_of(server).gaps == (Reason(Code.UNREACHABLE, f"127.0.0.1:1: no connection: {REFUSED}"),)


def test_addresses_come_from_slices_where_endpoints_may_not_be_read(authority):
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "endpoints": [{"addresses": ["127.0.0.1"]}],
        "ports": [{"name": "https", "port": 1}],
    }
    with KubeServer([slices]) as server:
        assert certificates_of(server).gaps == (Reason(Code.UNREACHABLE, f"127.0.0.1:1: no connection: {REFUSED}"),)


def test_addresses_that_may_not_be_read_make_it_unknown():
    with KubeServer() as server:
        server.allow = set()
        assert str(certificates_of(server).missing).startswith("forbidden: cannot find the API servers' addresses: ")
        server.allow = None
        assert (
            str(certificates_of(server).missing)
            == "error: the service kubernetes in namespace default has no addresses"
        )
