"""TLS: the context that requests use, and what to say when a handshake fails."""

from __future__ import annotations

import ssl
from typing import Any

from preflight.errors import SourceError
from preflight.values.foreign_text import one_line

_CA_FLAG = "give the cluster's CA with --certificate-authority FILE"
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}
_WRONG_NAME = {62, 63, 64}
_NOT_YET_VALID = 9
_EXPIRED = 10


def client_context(configuration: Any, certificate: tuple[str, str] | None) -> ssl.SSLContext:
    """Make the context for a kubernetes.client.Configuration; `certificate` is PEM (certificate, key) of a plugin.

    As kubectl does it: a CA file replaces the system's authorities, and a chain without the newest extensions is
    accepted (Python 3.13 would refuse the certificates that RKE2 made for years).
    Raises SourceError when a file is missing or is not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot use the certificate authority {configuration.ssl_ca_cert}: {one_line(error.args[-1])}"
        ) from None
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        _load(context, configuration.cert_file, configuration.key_file)
    elif certificate:
        _load_text(context, *certificate)
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    def no_password() -> str:
        raise SourceError("the client key has a password; give the key without one")

    try:
        context.load_cert_chain(certificate, key or None, password=no_password)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot use the client certificate or its key: {one_line(getattr(error, 'reason', '') or error)}"
        ) from None


def _load_text(context: ssl.SSLContext, certificate: str, key: str) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:  # mode 0700; ssl loads from files only
        path = Path(folder) / "client.pem"
        path.write_text(f"{certificate}\n{key}\n", encoding="utf-8")
        _load(context, str(path), None)


def tls_problem(error: BaseException) -> str:
    """Say in a line why a handshake failed and which flag helps."""
    cause = _ssl_error(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _verification(cause)
    reason = str(getattr(cause, "reason", "") or "").replace("_", " ").lower()
    if "wrong version" in reason or "http request" in reason or "record layer" in reason:
        return "it does not speak TLS on that port (should the address begin with http://, or is the port wrong?)"
    if "alert" in reason:
        return f"the server refused the TLS handshake ({reason}); the client certificate may be expired or not its own"
    return f"the TLS handshake failed: {one_line(reason or cause, 160)}"


def _verification(cause: ssl.SSLCertVerificationError) -> str:
    code = cause.verify_code
    words = one_line(cause.verify_message, 160)
    if code in _WRONG_NAME:
        return f"the server's certificate is for another name: {words} (use a name of the certificate with --server)"
    if code == _EXPIRED:
        return (
            "the server's certificate has expired, or this machine's clock is ahead; compare `date -u`, then renew it"
            " (RKE2: `rke2 certificate rotate`), or read once with --insecure-skip-tls-verify"
        )
    if code == _NOT_YET_VALID:
        return "the server's certificate is not valid yet: is this machine's clock behind? compare `date -u`"
    if code in _UNKNOWN_AUTHORITY:
        return f"the server's certificate is signed by an authority unknown here ({words}); {_CA_FLAG}"
    return f"the server's certificate is not accepted: {words}; {_CA_FLAG}"


def _ssl_error(error: BaseException) -> BaseException:
    todo: list[object] = [error]
    while todo:
        item = todo.pop(0)
        if isinstance(item, ssl.SSLError):
            return item
        if isinstance(item, BaseException):
            todo += [*item.args, item.__cause__]
    return error
