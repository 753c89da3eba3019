"""Errors as the API server words them: an HTTP status with a Status object as its body."""

from __future__ import annotations

import json
from typing import Any

from .resources import Kind

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class ApiError(Exception):
    """A request that ends in an error Status."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details, self.metadata, self.headers = details, metadata or {}, headers or {}

    def status(self) -> dict[str, Any]:
        """Return the Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return {**body, "code": self.code}

    def body(self) -> tuple[bytes, str]:
        """Return body and content type."""
        return json.dumps(self.status()).encode() + b"\n", "application/json"


class PlainError(ApiError):
    """An error the server answers as bare text: an unknown path is `404 page not found`, without a Status."""

    def body(self) -> tuple[bytes, str]:
        """Return body and content type."""
        return f"{self.message}\n".encode(), "text/plain; charset=utf-8"


def page_not_found() -> ApiError:
    """Nothing is served at this path: unknown group, version or plural."""
    return PlainError(404, "NotFound", "404 page not found")


def _details(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    group = {"group": kind.group} if kind.group else {}
    return {**({"name": name} if name else {}), **group, "kind": kind.plural, **more}


def not_found(kind: Kind, name: str) -> ApiError:
    """The object is not there."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def already_exists(kind: Kind, name: str) -> ApiError:
    """The object is there already."""
    return ApiError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    """Somebody else changed the object."""
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    text = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(409, "Conflict", text, _details(kind, name))


def precondition(kind: Kind, name: str, field: str, wanted: str, found: str) -> ApiError:
    """A precondition of DeleteOptions does not hold. (The server names the kind, not the plural, in this one.)"""
    what = "UID" if field == "uid" else "ResourceVersion"
    end = "deleted and then recreated" if field == "uid" else "modified"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    text = (
        f'Operation cannot be fulfilled on {qualified} "{name}": the {what} in the precondition ({wanted}) does not '
        f"match the {what} in record ({found}). The object might have been {end}"
    )
    return ApiError(409, "Conflict", text, _details(kind, name))


def invalid(kind: Kind, name: str, field: str, why: str) -> ApiError:
    """Validation refuses the object."""
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": field}]
    group = {"group": kind.group} if kind.group else {}
    details = {"name": name, **group, "kind": kind.kind, "causes": causes}
    return ApiError(422, "Invalid", f'{qualified} "{name}" is invalid: {field}: {why}', details)


def bad_request(message: str) -> ApiError:
    """The request makes no sense."""
    return ApiError(400, "BadRequest", message)


def unsupported_media_type(accepted: str) -> ApiError:
    """The body's type is not one the resource takes."""
    text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, "UnsupportedMediaType", text)


def method_not_allowed() -> ApiError:
    """The resource does not know this verb."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def unauthorized() -> ApiError:
    """No token, or one the server does not know."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def unavailable(message: str) -> ApiError:
    """Something behind the API server does not answer."""
    return ApiError(503, "ServiceUnavailable", message)


def expired(continue_token: str) -> ApiError:
    """A continue token whose snapshot the server has forgotten."""
    return ApiError(410, "Expired", EXPIRED, metadata={"continue": continue_token})
