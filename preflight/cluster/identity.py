"""Where requests go and what proves who sends them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from preflight.errors import SourceError


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a plugin gave: a token, a certificate with its key (PEM), or both. Has no repr, so no log can show it."""

    token: str
    certificate: str
    key: str


@dataclass(slots=True, repr=False)
class Login:
    """Where to send requests and what proves who sends them."""

    server: str
    """The base address of every path, without a slash at its end."""
    user: str
    """In words, for messages."""
    notes: list[str]
    configuration: Any
    """A kubernetes.client.Configuration."""
    impersonation: list[tuple[str, str]]
    credential: Credential | None = None
    plugin: Callable[[], Credential] | None = None
    context: str = ""
    """The context of the kubeconfig that was chosen; empty where there is none."""
    several: bool = False
    """Whether there are others, so that a command that names none may reach another cluster another day."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of identity. Tokens that run out are refreshed here by the kubernetes package."""
        found = list(self.impersonation)
        if self.credential and self.credential.token:
            return [*found, ("Authorization", f"Bearer {self.credential.token}")]
        with self.lock:
            try:
                settings = self.configuration.auth_settings()
            except Exception as error:  # whatever the package lets through when a refresh fails
                raise SourceError(f"cannot refresh the credentials of {self.user}: {type(error).__name__}") from None
        return found + [("Authorization", str(item["value"]).strip()) for item in settings.values() if item["value"]]

    def renew(self, used: list[tuple[str, str]]) -> bool:
        """Run the credential plugin again after a 401; False when that cannot change anything.

        The server's word decides and not an expiry time, since this machine's clock may be wrong.
        """
        if self.plugin is None:
            return False
        with self.lock:
            if self.credential and ("Authorization", f"Bearer {self.credential.token}") in used:
                self.credential = self.plugin()
        return self.headers() != used
