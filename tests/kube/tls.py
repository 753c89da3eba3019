"""Certificates for the test server, made by openssl: a CA, and a server certificate for 127.0.0.1."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments: str) -> None:
    """Run openssl; it must succeed."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Certificates:
    """A CA and a server certificate in a folder. The certificate is for 127.0.0.1 alone, not for `localhost`."""

    def __init__(self, folder: Path) -> None:
        self.ca, self._ca_key = folder / "ca.crt", folder / "ca.key"
        self._cert, self._key = folder / "server.crt", folder / "server.key"
        request, extensions = folder / "server.csr", folder / "server.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n", encoding="utf-8")
        ca = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=test-ca", *ca,
            "-keyout", str(self._ca_key), "-out", str(self.ca),
        )  # fmt: skip
        openssl("req", *_NEW_KEY, "-subj", "/CN=kube-apiserver", "-keyout", str(self._key), "-out", str(request))
        openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self._ca_key), "-CAcreateserial",
            "-days", "2", "-extfile", str(extensions), "-out", str(self._cert),
        )  # fmt: skip

    def context(self) -> ssl.SSLContext:
        """Return the server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._cert, self._key)
        return context
